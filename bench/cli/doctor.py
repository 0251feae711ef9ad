"""``stampbench doctor``: what is installed here, what works on this machine, and what to try."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Annotated, Final

import typer

TO_TRY: Final = {
    "stampbench screen": "press virtual stamps in a window, and see why a press fails",
    "stampbench run quickstart": "900 presses through a serial port, judged: about a minute",
    "stampbench capacity --profile nexus-5": "how many stamps a panel can tell apart",
}
_DEVELOPERS: Final = {"test", "lint", "docs", "faults"}
"""Extras for people who change stampbench itself."""
_BROWSERS: Final = ("chromium", "google-chrome", "chrome", "chromium-browser")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="doctor")(doctor)


def welcome() -> str:
    """Return what ``stampbench`` alone says."""
    from importlib.metadata import version

    tries = "\n".join(f"  {command:<40}{text}" for command, text in TO_TRY.items())
    return (
        f"stampbench {version('stampbench')}: simulate and test capacitive touch stamps\n\nTry:\n{tries}\n\n"
        "stampbench --help lists the commands, stampbench doctor tells what works on this machine."
    )


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Tell what is installed, what works on this machine, and three things to try."""
    from importlib.metadata import version

    found = {
        "stampbench": f"{version('stampbench')} on {_system()}",
        **dict(_machine()),
    }
    extras = dict(_extras())
    if as_json:
        typer.echo(json.dumps({"machine": found, "missing": extras, "try": TO_TRY}, indent=2))
        return
    for name, said in found.items():
        typer.echo(f"{name:<14}{said}")
    for extra, missing in extras.items():
        said = "installed" if not missing else f"pip install 'stampbench[{extra}]' ({', '.join(missing)})"
        typer.echo(f"  extra {extra:<12}{said}")
    typer.echo("\nTry:")
    for command, text in TO_TRY.items():
        typer.echo(f"  {command:<40}{text}")


def _system() -> str:
    import platform

    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"Python {platform.python_version()}, {machine}"


def _machine() -> Iterator[tuple[str, str]]:
    """Yield what there is on this machine, each with a word on how it is used or what is missing."""
    from stampbench.bench.cli.defaults import VARIABLES, defaults_file
    from stampbench.bench.rig.ports import serial_ports, touchscreens
    from stampbench.sim.stamps.family_cache import cache_folder, is_built
    from stampbench.sim.stamps.specification import BUILT_IN

    said = {key: os.environ[name] for key, name in VARIABLES.items() if os.environ.get(name)}
    told = ", ".join(f"{key} = {value}" for key, value in said.items())
    yield "defaults", f"{defaults_file() or 'no stampbench.toml'}{': ' if told else ''}{told}"
    built = ", ".join(name for name, spec in BUILT_IN.items() if is_built(spec))
    yield "families", f"{built} ready; built ones are kept in {cache_folder()}"
    yield "screen", _screen()
    yield "ports", ", ".join(port.port for port in serial_ports()) or "no serial ports"
    yield "touchscreens", ", ".join(screen.path for screen in touchscreens()) or "none that can be read"
    yield "adb", shutil.which("adb") or "not on the path (Android's platform tools): needed for --source adb"
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    yield "browser", f"{browser or 'no Chromium on the path'}, {driver or 'no chromedriver'}"
    yield "audio", _audio()


def _screen() -> str:
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "no display: stampbench screen needs one; --script plays and draws without"
    import pygame

    try:
        pygame.display.init()
        sizes = ", ".join(f"{width}x{height}" for width, height in pygame.display.get_desktop_sizes())
    except pygame.error as error:
        return f"a window cannot be opened: {error}"
    finally:
        pygame.display.quit()
    return sizes


def _audio() -> str:
    try:
        devices = importlib.import_module("sounddevice").query_devices()
    except (ImportError, OSError):
        return "not asked: the extra audio is not installed"
    return f"{len(devices)} devices" if len(devices) else "no device"


def _extras() -> Iterator[tuple[str, list[str]]]:
    """Yield each extra with those of its packages that are missing on this system."""
    from importlib.metadata import requires

    wanted: dict[str, list[str]] = {}
    for line in requires("stampbench") or ():
        if found := re.fullmatch(r"([\w.-]+).*?;(.*)extra == [\"'](\w+)[\"']", line):
            package, condition, extra = found.groups()
            elsewhere = "sys_platform" in condition and not _names_this_system(condition)
            if not (elsewhere or extra in _DEVELOPERS or package == "stampbench"):
                wanted.setdefault(extra, []).append(package)
    for extra, packages in wanted.items():
        yield extra, [package for package in packages if not _installed(package)]


def _names_this_system(condition: str) -> bool:
    """Return whether a marker such as ``sys_platform == 'linux'`` names this system, or excludes it."""
    found = re.search(r"sys_platform (==|!=) [\"'](\w+)[\"']", condition)
    return found is None or (sys.platform == found[2]) == (found[1] == "==")


def _installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
