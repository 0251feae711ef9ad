"""The one error tree. Everything that outside data or hardware can cause is a :class:`StampbenchError`.

A message names the file, line, key or argument and its value, and what would be right, in one line.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class StampbenchError(Exception):
    """Root of every error that is not a defect of stampbench itself.

    >>> try:
    ...     sb.load_profile("nexus-6")
    ... except sb.StampbenchError as error:
    ...     print(error)
    profile 'nexus-6' does not exist; there are ...
    """

    exit_status: ClassVar[int] = 3
    """Exit status of a command that ends with this error (pytest's numbers, and 77 for missing hardware)."""


class InputError(StampbenchError):
    """What the user gave cannot be used.

    Example scenarios: a plan with an unknown key, a recording that is empty or cut in the middle of a line,
    a family that does not exist, an argument outside its range.

    >>> sb.load_family("p5-60k").pads(60_000)
    Traceback (most recent call last):
    ...
    stampbench.firmware_emulator.errors.InputError: p5-60k: code 60000: expected 0 to 59999
    """

    exit_status = 4


class NoHardwareError(StampbenchError):
    """The hardware that was asked for is not there.

    Example scenarios: a serial port that does not exist, a rig that was unplugged before the run began.

    >>> sb.NoHardwareError.exit_status
    77
    """

    exit_status = 77


class LinkError(StampbenchError):
    """The serial link failed after it had been working: a fault of the bench, never of a stamp.

    Example scenarios: the cable was pulled, the rig stopped sending, the reader thread died.

    >>> sb.LinkError.exit_status
    3
    """

    exit_status = 3


class ProtocolError(InputError):
    """Bytes that do not follow the format they are read as.

    Example scenarios: a port that speaks another protocol, a report descriptor cut short.

    >>> issubclass(sb.ProtocolError, sb.InputError)
    True
    """


def expect_new(path: Path) -> None:
    """Check that a file that is to be written is not there: no command overwrites another one's work.

    Raises:
        InputError: it is there.
    """
    if path.is_file():  # and no device, such as /dev/stdout
        raise InputError(f"{path} is there already: expected a new file")
