"""Standard output whose reader may leave (``stampbench run ... | head -1``)."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO


class PatientOutput:
    """Standard output that lets a command end as it would have ended, also where nobody reads on.

    What is written after the reader left goes nowhere: the verdict, and so the exit status, is the command's
    own. A command that prints for ever ends with its reader instead (:func:`end_with_reader`).

    Args:
        stream: the real one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.endless = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, if somebody reads it.

        Raises:
            BrokenPipeError: nobody does, and the command would print for ever.
        """
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._left()
            return len(text)

    def flush(self) -> None:
        """Send what was written to whoever reads it; as :meth:`write`."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._left()

    def _left(self) -> None:
        # What is buffered still is thrown away here, and not once more at the interpreter's end.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self.endless:
            raise BrokenPipeError


def end_with_reader() -> None:
    """Tell that this command prints for ever: it ends where its reader does."""
    if isinstance(sys.stdout, PatientOutput):
        sys.stdout.endless = True
