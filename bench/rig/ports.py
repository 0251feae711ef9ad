"""Serial ports of this machine, in which order to search them, and its touchscreens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_INPUT_DEVICES = Path("/proc/bus/input/devices")
_ABS_MT_POSITION_X = 0x35
_INPUT_PROP_DIRECT = 0x01


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port.

    Attributes:
        port: name to open it by.
        description: what the system calls it.
        usb_id: vendor and product as ``vvvv:pppp``; None where the port is not on USB.
        serial_number, location: of the USB device: what tells two of a kind apart, as names of ports do not.
    """

    port: str
    description: str
    usb_id: str | None = None
    serial_number: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class TouchscreenInfo:
    """One touchscreen that the kernel drives (Linux).

    Attributes:
        path: its event device.
        name: what the kernel calls it.
    """

    path: str
    name: str


def serial_ports() -> list[PortInfo]:
    """Return the serial ports of this machine, by name."""
    from serial.tools import list_ports

    return [
        PortInfo(
            found.device,
            found.description or "",
            None if found.vid is None else f"{found.vid:04x}:{found.pid:04x}",
            found.serial_number,
            found.location,
        )
        for found in sorted(list_ports.comports())
    ]


class PortSearch:
    """The order in which ports are tried for a rig that has gone: what has just appeared comes first.

    A port behind which something else answers costs time at each try, so it must not delay the one that comes
    back meanwhile: look for ports again after each such try.
    """

    def __init__(self) -> None:
        self._first_seen: dict[str, int] = {}
        self._others: dict[str, None] = {}
        self._looks = 0

    def order(self, there: Iterable[str]) -> list[str]:
        """Return the ports that are there now: the newest first, and last those that spoke otherwise."""
        names = dict.fromkeys(there)
        self._looks += 1
        self._first_seen = {port: self._first_seen.get(port, self._looks) for port in names}
        self._others = {port: None for port in self._others if port in names}
        untried = [port for port in names if port not in self._others]
        return [*sorted(untried, key=lambda port: -self._first_seen[port]), *self._others]

    def spoke_otherwise(self, port: str) -> None:
        """Note that something else is behind a port: its turn comes after all others."""
        self._others.pop(port, None)
        self._others[port] = None


def touchscreens(devices: Path = _INPUT_DEVICES) -> list[TouchscreenInfo]:
    """Return the multitouch screens that Linux knows; none elsewhere.

    Source of the format: Linux ``drivers/input/input.c``, ``input_devices_seq_show``.
    """
    try:
        text = devices.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [screen for block in text.split("\n\n") if (screen := _touchscreen(block)) is not None]


def _touchscreen(block: str) -> TouchscreenInfo | None:
    name, handlers, bits = "", "", {}
    for line in block.splitlines():
        if line.startswith("N: Name="):
            name = line.removeprefix("N: Name=").strip('"')
        elif line.startswith("H: Handlers="):
            handlers = line.removeprefix("H: Handlers=")
        elif line.startswith("B: "):
            key, _, words = line.removeprefix("B: ").partition("=")
            bits[key] = words
    event = next((word for word in handlers.split() if word.startswith("event")), None)
    multitouch = _bit(bits.get("ABS", ""), _ABS_MT_POSITION_X)
    on_screen = _bit(bits.get("PROP", ""), _INPUT_PROP_DIRECT)
    return TouchscreenInfo(f"/dev/input/{event}", name) if event and multitouch and on_screen else None


def _bit(words: str, number: int) -> bool:
    """Say whether a bit is set in a bitmap of hexadecimal 64-bit words, highest first."""
    try:
        bitmap = sum(int(word, 16) << (64 * place) for place, word in enumerate(reversed(words.split())))
    except ValueError:
        return False
    return bool(bitmap >> number & 1)
