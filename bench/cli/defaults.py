"""What people repeat (family, rig, station ...), said once: in a file or in the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from stampbench.firmware_emulator.errors import InputError

VARIABLES: Final = {
    "family": "STAMPBENCH_FAMILY",
    "rig": "STAMPBENCH_RIG",
    "runs": "STAMPBENCH_RUNS",
    "station": "STAMPBENCH_STATION",
    "operator": "STAMPBENCH_OPERATOR",
}
"""Environment variable of each key of ``[defaults]``; what the command line says wins over it."""


def usual(key: str) -> str | None:
    """Return what is usual here of a key of :data:`VARIABLES`; None: nothing was said."""
    return os.environ.get(VARIABLES[key]) or None


def defaults_file() -> Path | None:
    """Return the file that holds the defaults: that of this folder, or the user's; None: there is none.

    ``STAMPBENCH_DEFAULTS`` names another one; empty, none is read.
    """
    if (named := os.environ.get("STAMPBENCH_DEFAULTS")) is not None:
        return Path(named) if named else None
    import platformdirs

    here = Path("stampbench.toml")
    users = Path(platformdirs.user_config_dir("stampbench", appauthor=False)) / "stampbench.toml"
    return next((path for path in (here, users) if path.is_file()), None)


def take_defaults() -> None:
    """Let the keys of the file stand for environment variables that are not set.

    Raises:
        InputError: a file that is no TOML, or holds other keys.
    """
    path = defaults_file()
    if path is None:
        return
    from stampbench.firmware_emulator.outside import parse_toml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    tables = parse_toml(text, str(path))
    found = tables.get("defaults", {})
    for key in tables.keys() - {"defaults"}:
        raise InputError(f"{path}: {key}: expected the table [defaults] alone")
    for key, value in found.items() if isinstance(found, dict) else [("defaults", found)]:
        if key not in VARIABLES or not isinstance(value, str):
            raise InputError(
                f"{path}: [defaults] {key} = {value!r}: expected texts for {', '.join(VARIABLES)}"
            )
        os.environ.setdefault(VARIABLES[key], value)
