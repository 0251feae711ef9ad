"""Byte channels that a rig in software is reached through: a pseudo-terminal or a local TCP socket."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from enum import StrEnum
from typing import Protocol

from stampbench.firmware_emulator.errors import InputError

_CHUNK = 65536
_LONGEST_INBOX = 1 << 20
_WRITE_POLL_S = 0.5


class Channel(Protocol):
    """One end of a byte stream, used by one thread; only :meth:`interrupt` may be called from another."""

    @property
    def port(self) -> str:
        """Name under which ``serial.serial_for_url`` opens the other end."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting up to ``timeout_s`` for the first byte; empty if nothing did."""

    def write(self, data: bytes) -> bool:
        """Send all of ``data``, waiting for the reader as long as it takes; False if it went away."""

    def write_now(self, data: bytes) -> bool:
        """Send ``data`` if it can be taken at once and in whole; False, and nothing sent, if not."""

    def pause(self, seconds: float) -> None:
        """Let time pass, unless interrupted."""

    def interrupt(self) -> None:
        """Make any wait return at once, now and from now on."""

    @property
    def interrupted(self) -> bool:
        """True once :meth:`interrupt` was called."""

    def close(self) -> None:
        """Give the operating system back what the channel holds; the reader sees the link end."""


class _Interruptible:
    """A socket pair that turns a call from another thread into something ``select`` wakes up for."""

    def __init__(self) -> None:
        self._wake, self._waker = socket.socketpair()
        self.interrupted = False

    def interrupt(self) -> None:
        """Make any wait return at once, now and from now on."""
        self.interrupted = True
        with contextlib.suppress(OSError):  # closed already: then nobody waits
            self._waker.send(b"!")

    def pause(self, seconds: float) -> None:
        """Let time pass, unless interrupted."""
        select.select([self._wake], [], [], seconds)

    def close(self) -> None:
        """Close the pair."""
        self._wake.close()
        self._waker.close()


class PtyChannel(_Interruptible):
    """The master side of a pseudo-terminal in raw mode (POSIX).

    Raises:
        InputError: this system has no pseudo-terminals.
    """

    def __init__(self) -> None:
        try:
            import termios
            import tty

            self._master, self._slave = os.openpty()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"--listen pty: this system has no pseudo-terminals ({error}); use tcp"
            ) from None
        super().__init__()
        # The rig keeps its own handle on the slave: without any, every read of the master fails at once.
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._inbox = bytearray()

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived; see :class:`Channel`."""
        if not self._inbox and not self.interrupted:
            select.select(self._readable(), [], [], timeout_s)
            self._take()
        data = bytes(self._inbox)
        self._inbox.clear()
        return data

    def _take(self) -> None:
        """Move what the reader wrote into the inbox, and leave it in the terminal where that is full."""
        if len(self._inbox) < _LONGEST_INBOX:
            try:
                self._inbox += os.read(self._master, _CHUNK)
            except BlockingIOError:
                return

    def write(self, data: bytes) -> bool:
        """Send all of ``data``; see :class:`Channel`."""
        rest = memoryview(data)
        while rest and not self.interrupted:
            try:
                rest = rest[os.write(self._master, rest) :]
            except BlockingIOError:
                # A host that writes a long command before it reads on must not wait for us to wait for it.
                select.select(self._readable(), [self._master], [])
                self._take()
        return not rest

    def _readable(self) -> list[int]:
        wake = self._wake.fileno()
        return [self._master, wake] if len(self._inbox) < _LONGEST_INBOX else [wake]

    def write_now(self, data: bytes) -> bool:
        """Send ``data`` if nothing else waits to be read; see :class:`Channel`."""
        if not _drained(self._slave):
            return False
        return self.write(data)

    def close(self) -> None:
        """Close both sides."""
        os.close(self._slave)
        os.close(self._master)
        super().close()


def _drained(slave: int) -> bool:
    """Say whether the reader of a pseudo-terminal has read all that was written."""
    import fcntl
    import termios

    waiting = fcntl.ioctl(slave, termios.FIONREAD, b"\0\0\0\0")
    return not any(waiting)


class TcpChannel(_Interruptible):
    """A TCP server on the loopback address, for one client at a time; further ones are turned away.

    Args:
        tcp_port: number of the port to listen on; 0 lets the system choose.

    Raises:
        InputError: the port cannot be listened on.
    """

    def __init__(self, tcp_port: int = 0) -> None:
        try:
            self._server = socket.create_server(("127.0.0.1", tcp_port))
        except (OSError, OverflowError) as error:
            raise InputError(f"TCP port {tcp_port} cannot be listened on: {error}") from None
        super().__init__()
        self._server.setblocking(False)
        self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._client: socket.socket | None = None
        self._inbox = bytearray()

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived; see :class:`Channel`."""
        if not self._inbox and not self.interrupted:
            self._wait(timeout_s, writing=False)
        data = bytes(self._inbox)
        self._inbox.clear()
        return data

    def write(self, data: bytes) -> bool:
        """Send all of ``data``; see :class:`Channel`."""
        rest = memoryview(data)
        while rest and not self.interrupted:
            if self._client is None:
                return False
            try:
                rest = rest[self._client.send(rest) :]
            except BlockingIOError:
                self._wait(_WRITE_POLL_S, writing=True)
            except OSError:
                self._hang_up()
        return not rest

    def write_now(self, data: bytes) -> bool:
        """Send ``data`` if a client is there and takes it; see :class:`Channel`."""
        if self._client is None or not select.select([], [self._client], [], 0)[1]:
            return False
        return self.write(data)

    def _wait(self, timeout_s: float, *, writing: bool) -> None:
        """Wait until something can be done, and let clients come, speak and go."""
        client = self._client
        reading: list[socket.socket] = [self._server, self._wake]
        if client is not None and len(self._inbox) < _LONGEST_INBOX:
            reading.append(client)
        ready, _, _ = select.select(
            reading, [client] if writing and client is not None else [], [], timeout_s
        )
        if client is not None and client in ready:
            try:
                data = client.recv(_CHUNK)
            except OSError:
                data = b""
            if data:
                self._inbox += data
            else:
                self._hang_up()
        if self._server in ready:
            self._admit()

    def _admit(self) -> None:
        try:
            newcomer, _ = self._server.accept()
        except OSError:  # it left before it was let in
            return
        if self._client is not None:
            newcomer.close()
            return
        newcomer.setblocking(False)
        newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = newcomer

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        """Close the connection and the server."""
        self._hang_up()
        self._server.close()
        super().close()


class Listen(StrEnum):
    """How a virtual rig is reached; ``auto`` is a pseudo-terminal where there are any, else TCP."""

    AUTO = "auto"
    PTY = "pty"
    TCP = "tcp"


def open_channel(listen: Listen | str = Listen.AUTO, tcp_port: int = 0) -> PtyChannel | TcpChannel:
    """Return a new channel; InputError if this system cannot have it."""
    listen = Listen(listen)
    if listen is Listen.AUTO:
        listen = Listen.PTY if hasattr(os, "openpty") else Listen.TCP
    return PtyChannel() if listen is Listen.PTY else TcpChannel(tcp_port)
