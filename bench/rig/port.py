"""A serial port opened through pyserial, with its failures told as ours."""

from __future__ import annotations

import errno
import select

import serial
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError, StampbenchError

READ_WAIT_S = 0.1
_CHUNK = 65536
_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
_TAKEN = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


class SerialPort:
    """An open port that nobody else uses meanwhile; reads whatever has arrived, in one chunk.

    Args:
        name: whatever ``serial.serial_for_url`` takes: a device, ``socket://HOST:PORT``, ...
        baudrate: bits per second; without meaning on USB, pseudo-terminals and sockets.
        write_timeout_s: longest that a write may wait for the other end to take bytes.

    Raises:
        NoHardwareError: there is no such port.
        InputError: it is in use, may not be opened, or is no serial port.
    """

    def __init__(self, name: str, *, baudrate: int = 115200, write_timeout_s: float = 3.0) -> None:
        self.name = name
        # pyserial cannot say how much waits in a socket, but a read that never waits takes all of it.
        self._is_socket = name.startswith("socket://")
        self._baudrate = baudrate
        self._write_timeout_s = write_timeout_s
        self._serial = self._opened()

    def _opened(self) -> serial.Serial:
        try:
            return serial.serial_for_url(
                self.name,
                baudrate=self._baudrate,
                timeout=0 if self._is_socket else READ_WAIT_S,
                write_timeout=self._write_timeout_s,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise _opening_error(self.name, error) from None

    def reopen(self) -> None:
        """Open the port again after it went away.

        Raises:
            NoHardwareError: it is not there (yet).
            InputError: it is in use, or may not be opened.
        """
        self.close()
        self._serial = self._opened()

    @property
    def is_open(self) -> bool:
        """True until :meth:`close`."""
        return self._serial.is_open

    def fileno(self) -> int:
        """Return the descriptor on which ``select`` waits for bytes; Windows has one for sockets alone."""
        return self._serial.fileno()

    def read(self) -> bytes:
        """Return what has arrived, waiting a tenth of a second for it; empty if nothing did.

        Raises:
            LinkError: the other end went away.
        """
        try:
            if self._is_socket:
                select.select([self], [], [], READ_WAIT_S)
                return self._serial.read(_CHUNK)
            data = self._serial.read(max(1, self._serial.in_waiting))
            # Of a burst that ended the wait, pyserial has returned the first byte alone.
            waiting = self._serial.in_waiting if len(data) == 1 else 0
            return data + self._serial.read(waiting) if waiting else data
        except (OSError, TypeError) as error:  # pyserial reads from a None when it is closed meanwhile
            raise LinkError(f"port {self.name} went away while it was read: {error}") from None

    def read_now(self) -> bytes:
        """Return what has arrived already; empty if nothing did.

        Raises:
            LinkError: the other end went away.
        """
        try:
            waiting = _CHUNK if self._is_socket else self._serial.in_waiting
            return self._serial.read(waiting) if waiting else b""
        except (OSError, TypeError) as error:
            raise LinkError(f"port {self.name} went away while it was read: {error}") from None

    def write(self, data: bytes) -> None:
        """Send ``data``.

        Raises:
            LinkError: the other end went away, or takes no bytes.
        """
        try:
            self._serial.write(data)
        except OSError as error:
            raise LinkError(f"port {self.name} took no {len(data)} bytes: {error}") from None

    def close(self) -> None:
        """Close the port."""
        # pyserial forgets to close a socket whose other end has gone.
        connection = getattr(self._serial, "_socket", None)
        self._serial.close()
        if connection is not None:
            connection.close()


def _opening_error(name: str, error: OSError | ValueError) -> StampbenchError:
    """Return what keeps a port from being opened, as one of our errors."""
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    number = getattr(cause, "errno", None)
    if number in _UNREACHABLE:
        return NoHardwareError(f"port {name}: nobody listens there: expected a rig that serves this address")
    if number in _ABSENT or isinstance(cause, TimeoutError) or "FileNotFoundError" in str(error):
        return NoHardwareError(f"port {name} does not exist; `stampbench ports` lists those that do")
    if number in _TAKEN or "PermissionError" in str(error):
        return InputError(f"port {name} is in use by another program; end that program or name another port")
    if number == errno.EACCES:
        return InputError(
            f"port {name} may not be opened by this user; on Linux, join the group that owns it"
        )
    expected = ": expected socket://HOST:PORT" if name.startswith("socket:") else f": {error}"
    return InputError(f"port {name} cannot be used as a serial port{expected}")
