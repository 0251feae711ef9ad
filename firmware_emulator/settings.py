"""Settings: frozen dataclasses whose fields know their range, made from tables of TOML or JSON."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from stampbench.firmware_emulator.errors import InputError

T = TypeVar("T")

_KIND_NAMES: dict[type, str] = {float: "a number", int: "an integer", bool: "true or false", str: "a string"}


def setting(
    default: Any = dataclasses.MISSING,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> Any:
    """Return a dataclass field whose numbers (each number of a tuple) must lie in a range.

    Args:
        default: of the field.
        low: lower end, allowed itself.
        high: upper end, allowed itself.
        above: lower end, not allowed itself.
        below: upper end, not allowed itself.
    """
    return dataclasses.field(
        default=default, metadata={"low": low, "high": high, "above": above, "below": below}
    )


def check_settings(settings: object) -> None:
    """Check the numbers and alternatives of a dataclass against its fields, for its ``__post_init__``.

    Raises:
        InputError: one is outside its range.
    """
    cls: Any = type(settings)
    hints = _type_hints(cls)
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value, kind = getattr(settings, field.name), hints[field.name]
        where = f"{cls.__name__}.{field.name}"
        if get_origin(kind) is Literal:
            _convert(value, kind, where, field.metadata)
        elif kind in (int, float):
            _check_range(value, kind, where, field.metadata)


def settings_from_mapping(cls: type[T], mapping: object, where: str) -> T:
    """Build the dataclass ``cls`` from a mapping; nested dataclasses from nested mappings.

    Args:
        cls: a dataclass; its fields are float, int, bool, str, tuples of these, or dataclasses likewise.
        mapping: keys are field names.
        where: what the mapping is, for messages, such as ``"nexus-5.toml"`` or ``"condition"``.

    Raises:
        InputError: an unknown key, a missing one, a wrong type, or a value outside its range.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"{where}: {mapping!r} is not a table of settings")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in mapping:
        if key not in fields:
            raise InputError(
                f"{where}: unknown key {key!r} = {mapping[key]!r}; known are {', '.join(sorted(fields))}"
            )
    hints = _type_hints(cls)  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in mapping:
            values[name] = _convert(mapping[name], hints[name], f"{where}: {name}", field.metadata)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{where}: {name} is missing; expected {_kind_name(hints[name])}")
    try:
        return cls(**values)
    except InputError as error:  # what the class itself refuses does not know the file
        raise InputError(f"{where}: {error}") from error


def settings_to_mapping(settings: object) -> dict[str, Any]:
    """Return the settings as plain data that :func:`settings_from_mapping` reads back, tuples as lists."""
    return {
        field.name: _plain(getattr(settings, field.name))
        for field in dataclasses.fields(settings)  # type: ignore[arg-type]
    }


@functools.cache
def _type_hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return settings_to_mapping(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _convert(value: Any, kind: Any, where: str, limits: Mapping[str, float]) -> Any:
    if get_origin(kind) is types.UnionType:  # only "X | None" occurs
        if value is None:
            return None
        kind = next(arg for arg in get_args(kind) if arg is not type(None))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InputError(f"{where} = {value!r}: expected one of {', '.join(map(repr, get_args(kind)))}")
        return value
    if get_origin(kind) is tuple:
        return _convert_tuple(value, get_args(kind), where, limits)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return settings_from_mapping(kind, value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{where} = {value!r}: expected {_kind_name(kind)}")
    if isinstance(value, (int, float)):
        _check_range(value, kind, where, limits)
    return value


def _check_range(value: float, kind: Any, where: str, limits: Mapping[str, float]) -> None:
    low, high = limits.get("low", -math.inf), limits.get("high", math.inf)
    above, below = limits.get("above", -math.inf), limits.get("below", math.inf)
    if not (math.isfinite(value) and low <= value <= high and above < value < below):
        ends = [_range_name(low, high)] if math.isfinite(low) or math.isfinite(high) else []
        ends += [f"above {above:g}"] if math.isfinite(above) else []
        ends += [f"below {below:g}"] if math.isfinite(below) else []
        right = " and ".join(ends) or "that is finite"
        raise InputError(f"{where} = {value!r}: expected {_kind_name(kind)} {right}")


def _convert_tuple(
    value: Any, kinds: tuple[Any, ...], where: str, limits: Mapping[str, float]
) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        many = "" if kinds[-1] is Ellipsis else f"{len(kinds)} "
        named = _kind_name(kinds[0]).partition(" ")[2]
        raise InputError(f"{where} = {value!r}: expected a list of {many}{named}s")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise InputError(f"{where} = {list(value)!r}: expected {len(kinds)} items")
    return tuple(
        _convert(item, kind, f"{where}[{i}]", limits)
        for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _kind_name(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a list"
    return _KIND_NAMES.get(kind, "a table")


def _range_name(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"from {low:g} to {high:g}"
    if math.isfinite(low):
        return f"of at least {low:g}"
    return f"of at most {high:g}"
