"""Android phones by adb: one program, asked for one thing."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from stampbench.firmware_emulator.errors import NoHardwareError

ANSWER_WITHIN_S: Final = 20.0


def adb_command(serial: str) -> list[str]:
    """Return the beginning of every command to a phone.

    Raises:
        NoHardwareError: no adb.
    """
    adb = shutil.which("adb")
    if adb is None:
        raise NoHardwareError(
            f"dut.serial = {serial!r}: no program adb: expected Android's platform tools on the PATH"
        )
    return [adb, "-s", serial]


def ask_adb(serial: str, *words: str) -> str:
    """Run one command of adb, and return what it prints.

    Raises:
        NoHardwareError: no adb, or it fails.
    """
    try:
        done = subprocess.run(
            [*adb_command(serial), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoHardwareError(f"dut.serial = {serial!r}: adb does not answer: {error}") from None
    if done.returncode:
        said = done.stderr.strip().partition("\n")[0] or done.stdout.strip().partition("\n")[0]
        raise NoHardwareError(
            f"dut.serial = {serial!r}: {said or 'adb failed'}: expected a phone on which debugging is allowed"
        )
    return done.stdout
