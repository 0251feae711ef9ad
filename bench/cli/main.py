"""The ``stampbench`` command: registers the commands and turns errors into one line and an exit status."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import pkgutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer
from stampbench.bench import cli
from stampbench.bench.cli.defaults import take_defaults
from stampbench.bench.cli.examples import add_examples
from stampbench.bench.cli.output import PatientOutput
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from typer.exceptions import TyperException

TRACEBACK_VARIABLE = "STAMPBENCH_TRACEBACK"
"""Where it is set, a defect is told with all it passed through."""
_LINES = "\n\t"
_LONGEST_WHY = 300
_TYPERS_INTERRUPTED = 130
"""What typer returns where a command leaves an interrupt to it."""

app = typer.Typer(
    name="stampbench",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stampbench {version('stampbench')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Simulate and test capacitive touch stamps."""
    if context.invoked_subcommand is None:
        from stampbench.bench.cli.doctor import welcome

        typer.echo(welcome())


@functools.cache
def _register_commands() -> None:
    """Let each module of this package that has a ``register`` function add its command, once."""
    for module_info in sorted(pkgutil.iter_modules(cli.__path__), key=lambda info: info.name):
        if module_info.name != "main":
            module = importlib.import_module(f"stampbench.bench.cli.{module_info.name}")
            if hasattr(module, "register"):
                module.register(app)
    add_examples(app)


def _say(message: object) -> None:
    from stampbench.firmware_emulator.outside import printable

    print(f"stampbench: {printable(str(message), keep=_LINES)}", file=sys.stderr)  # noqa: T201


def _defect(error: BaseException) -> int:
    """Say that it is our fault, in a line to be reported; the status is that of a bench that failed."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = " ".join(str(error).split())[:_LONGEST_WHY]
    _say(
        f"defect: {type(error).__name__}: {what} (at {Path(where.filename).name}:{where.lineno}): nothing"
        " can be said of the stamp; please report this line, and what was asked for"
    )
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    return StampbenchError.exit_status


def main() -> None:
    """Run the command line and exit with pytest's status numbers, or 77 where hardware is missing."""
    _register_commands()
    if threading.current_thread() is threading.main_thread():
        # A service manager's stop is an interrupt too: what was begun is ended in order.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = PatientOutput(sys.stdout)
    try:
        take_defaults()
        with contextlib.redirect_stdout(cast("TextIO", output)):
            status = app(standalone_mode=False)
            output.flush()
        if status == _TYPERS_INTERRUPTED:
            raise KeyboardInterrupt
    except StampbenchError as error:
        _say(error)
        status = error.exit_status
    except TyperException as error:
        if message := getattr(error, "format_message", error.__str__)():
            _say(message)
        status = InputError.exit_status
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        status = 2
    except BrokenPipeError:
        # The reader of a command that prints for ever went away: nothing is wrong.
        status = 0
    except Exception as error:  # the last net: status 1 would say that a limit was missed
        status = _defect(error)
    sys.exit(status)
