"""Ends a PostgreSQL server with the process that started it, however that process ends.

A program of its own, run by its path: it needs the standard library alone, and waits until its stdin is at
its end. The starter holds the other end of that pipe, so that the system closes it even after SIGKILL.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

STOP_S = 30.0


def main() -> int:
    """Wait, stop the server, remove its folder; arguments: ``pg_ctl``, the folder, user, group (or ``-``)."""
    pg_ctl, folder, user, group = sys.argv[1:]
    sys.stdin.read()
    done = subprocess.run(
        [pg_ctl, "-D", str(Path(folder) / "data"), "-m", "immediate", "-w", "stop"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        timeout=STOP_S,
        check=False,
        user=None if user == "-" else int(user),
        group=None if group == "-" else int(group),
    )
    shutil.rmtree(folder, ignore_errors=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
