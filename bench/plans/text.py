"""The text of a plan: included files, tables on top of tables, settings of the command line; at last one."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator import outside
from stampbench.firmware_emulator.errors import InputError

INCLUDE: Final = "include"
_NAMED: Final = {"cases": ("name",), "limits": ("measurement", "case", "profile")}
"""Arrays of tables whose entries are known by these keys; those of one name are laid on one another."""


@dataclass(frozen=True, slots=True)
class PlanText:
    """A plan as data and as one text.

    Attributes:
        raw: the tables.
        text: the file, if it stands alone; else TOML that says the same with nothing left to look up.
        includes: files it was put together from, without its own.
    """

    raw: dict[str, Any]
    text: str
    includes: tuple[Path, ...] = ()


def read_plan_text(path: Path, settings: Sequence[str] = ()) -> PlanText:
    """Read a plan with all it includes, and lay settings on top.

    Included files come first, in their order, and the including file on top of them: tables are joined key by
    key, ``[[cases]]`` of the same name and ``[[limits]]`` on the same measurement, case and profile likewise;
    anything else is replaced.

    Args:
        path: of the plan.
        settings: lines ``key = value`` as the command line gives them.

    Raises:
        InputError: a file that cannot be read, that is not TOML or that includes itself, or a setting that is
            none.
    """
    includes: list[Path] = []
    raw, text = _read(path, (), includes)
    if not settings and INCLUDE not in parse_toml(text, path):
        return PlanText(raw, text)
    return with_settings(PlanText(raw, to_toml(raw), tuple(includes)), settings)


def with_settings(plan: PlanText, settings: Sequence[str]) -> PlanText:
    """Lay settings on top of a plan.

    Raises:
        InputError: a setting that is none.
    """
    if not settings:
        return plan
    raw = copy.deepcopy(plan.raw)
    for setting in settings:
        _lay_on(raw, _setting(setting))
    return PlanText(raw, to_toml(raw), plan.includes)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Read TOML.

    Raises:
        InputError: it is none.
    """
    return outside.parse_toml(text, str(path))


def to_toml(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML that reads back as the same; infinite numbers and NaN included.

    Raises:
        InputError: a table holds what TOML cannot say, such as None.
    """
    import tomli_w

    try:
        return tomli_w.dumps(tables)
    except TypeError as error:
        raise InputError(f"a plan's tables: {error}: expected what TOML can say") from None


def plan_file(plan: str | Path, folder: str = "plans") -> Path:
    """Return the file of a plan: the one that is named, or a plan that travels with the package.

    Args:
        plan: a path, or a bare name such as "quickstart".
        folder: of the package's fixtures: "plans", "sweeps" or "lots".

    Raises:
        InputError: a bare name that is neither; the message names the plans there are.
    """
    path = Path(plan)
    if path.suffix or len(path.parts) != 1 or path.is_file():
        return path
    found = {file.stem: file for file in travelling(folder)}
    if path.name not in found:
        raise InputError(f"{plan}: no such plan: {choose(path.name, list(found), 'a file, or one of')}")
    return found[path.name]


def travelling(folder: str = "plans") -> list[Path]:
    """Return the files that travel with the package, in the order of their names; the folder as above."""
    return sorted(Path(str(files("stampbench.fixtures").joinpath(folder))).glob("*.toml"))


def _read(path: Path, within: tuple[Path, ...], includes: list[Path]) -> tuple[dict[str, Any], str]:
    """Return the tables of a file on top of those it includes, and its own text."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{_chain(within, path)}: no such file: expected a plan in TOML") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8: expected a plan in TOML") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a plan in TOML") from None
    own = parse_toml(text, path)
    names = own.pop(INCLUDE, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: {INCLUDE} = {names!r}: expected a list of file names")
    raw: dict[str, Any] = {}
    for name in names:
        included = path.parent / name
        on_the_way = (*within, path)
        if any(included.resolve() == other.resolve() for other in on_the_way):
            raise InputError(
                f"{_chain(on_the_way, included)}: {INCLUDE} goes in a circle: expected plans that end"
            )
        tables, _ = _read(included, on_the_way, includes)
        includes.append(included)
        _lay_on(raw, _moved(tables, Path(name).parent))
    _lay_on(raw, own)
    return raw, text


def _chain(within: Sequence[Path], path: Path) -> str:
    return " includes ".join(str(step) for step in (*within, path))


def _moved(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return tables of a file in ``folder`` whose catalogue is named from where it is included."""
    plan = tables.get("plan")
    if isinstance(plan, dict) and isinstance(plan.get("catalogue"), str):
        plan["catalogue"] = (folder / plan["catalogue"]).as_posix()
    return tables


def _setting(line: str) -> dict[str, Any]:
    """Return the tables one setting of the command line stands for; a value that is no TOML is a string."""
    key, equals, value = line.partition("=")
    for text in (line, f"{key}={json.dumps(value.strip(), ensure_ascii=False)}"):
        try:
            tables = outside.parse_toml(text, "--set") if equals and key.strip() else {}
        except InputError:
            continue
        if len(tables) == 1 and INCLUDE not in tables:
            return tables
    raise InputError(
        f"--set {line}: expected KEY=VALUE, such as condition.noise=2 or cases.NAME.presses=50; "
        'a NAME with a space stands in quotes, cases."held stamp".presses=50'
    )


def _lay_on(lower: dict[str, Any], upper: Mapping[str, Any]) -> None:
    """Lay tables on others, which are changed."""
    for key, value in upper.items():
        below = lower.get(key)
        if key in _NAMED and isinstance(below, list) and value != []:
            lower[key] = _joined(key, below, value)
        elif isinstance(below, dict) and isinstance(value, dict):
            _lay_on(below, value)
        else:
            lower[key] = value


def _joined(key: str, below: list[Any], value: Any) -> Any:
    """Return named tables on named tables, in the order in which they first stood there."""
    if isinstance(value, dict):  # a setting: cases.NAME.KEY, limits.MEASUREMENT.KEY
        return _set_in(key, below, value)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in (*below, *value)):
        return value
    joined = [dict(entry) for entry in below]
    for entry in value:
        same = next((other for other in joined if _name(key, other) == _name(key, entry)), None)
        if same is None:
            joined.append(dict(entry))
        else:
            _lay_on(same, entry)
    return joined


def _set_in(key: str, entries: list[Any], by_name: Mapping[str, Any]) -> list[Any]:
    """Change the entries that go by a name."""
    by = _NAMED[key][0]
    for name, changes in by_name.items():
        named = [entry for entry in entries if isinstance(entry, dict) and entry.get(by) == name]
        if not named or not isinstance(changes, dict):
            known = dict.fromkeys(str(entry.get(by)) for entry in entries if isinstance(entry, dict))
            raise InputError(
                f"--set {key}.{name}: expected {key}.{by.upper()}.KEY=VALUE with one of {', '.join(known)}"
            )
        for entry in named:
            _lay_on(entry, changes)
    return entries


def _name(key: str, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(part) for part in _NAMED[key])
