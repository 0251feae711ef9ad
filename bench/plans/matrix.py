"""The matrix of a plan: each case under each of its conditions, handled in each of its ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stampbench.bench.plans.messages import choose
from stampbench.bench.plans.presets import CONDITIONS, HANDLINGS, REPORTED
from stampbench.bench.plans.tables import Case, CaseTable
from stampbench.firmware_emulator.errors import InputError

Presets = Mapping[str, Mapping[str, Any]]


def resolved(cases: Sequence[CaseTable], conditions: Presets, handlings: Presets) -> Iterator[Case]:
    """Yield a case for every combination of a written case with its named conditions and handlings.

    A case that names none stands for itself. The others are called as in "held @ charger, sliding"; what the
    written case itself sets comes on top of the preset.

    Args:
        cases: as they are written.
        conditions: presets of the plan; they come before the built-in ones of the same name.
        handlings: likewise.

    Raises:
        InputError: a preset that does not exist or stands there twice, or no number of presses; the message
            begins with the key.
    """
    known_conditions, known_handlings = {**CONDITIONS, **conditions}, {**HANDLINGS, **handlings}
    for place, table in enumerate(cases):
        key = f"cases[{place}]"
        for condition, handling in itertools.product(
            _presets(table.conditions, known_conditions, f"{key}.conditions"),
            _presets(table.handlings, known_handlings, f"{key}.handlings"),
        ):
            names = ", ".join(filter(None, (condition, handling)))
            yield Case(
                name=f"{table.name} @ {names}" if names else table.name,
                group=table.name,
                kind=table.kind,
                presses=_presses(table, key),
                stamps=table.stamps,
                condition={**known_conditions.get(condition, {}), **table.condition},
                handling={
                    **_handling_of(condition, conditions),
                    **known_handlings.get(handling, {}),
                    **table.handling,
                },
                prompts=(table.prompt,) if isinstance(table.prompt, str) else tuple(table.prompt),
                keyframes=table.keyframes,
                noise_seed=table.noise_seed,
            )


def _handling_of(condition: str, own: Presets) -> Mapping[str, Any]:
    """Return how a stamp is handled under a condition of the catalogue; the plan's own say nothing of it."""
    return REPORTED[condition].handling if condition in REPORTED and condition not in own else {}


def _presets(names: Sequence[str], presets: Presets, key: str) -> Sequence[str]:
    """Return the names, or that of no preset."""
    for place, name in enumerate(names):
        if name not in presets:
            raise InputError(f'{key}[{place}] = "{name}": {choose(name, presets)}')
        if names.index(name) != place:
            raise InputError(f'{key}: "{name}" stands there twice: expected distinct names')
    return names or [""]


def _presses(table: CaseTable, key: str) -> int:
    if (table.presses is None) == (table.presses_per_stamp is None):
        given = "missing" if table.presses is None else "stands beside presses_per_stamp"
        raise InputError(f"{key}.presses: {given}: expected exactly one of presses, presses_per_stamp")
    if table.presses is not None:
        return table.presses
    if table.stamps == "random":
        raise InputError(f"{key}.presses_per_stamp = {table.presses_per_stamp}: expected a list of stamps")
    return (table.presses_per_stamp or 0) * len(table.stamps)
