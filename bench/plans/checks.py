"""What a plan must keep beyond the types of its keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from stampbench.bench.judging.measurements import MEASUREMENTS, UNITS
from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.plans.tables import Case, CaseTable, Document, DutSettings, Limit

_OF_ANY_PLAN: Final = ("name", "description", "scenario", "seed", "timeout_s")
_DUT_KEYS: Final = {
    "process": ("command",),
    "python": ("recogniser",),
    "browser": ("url",),
    "android-hid": ("serial",),
    "android-uinput": ("serial",),
    "uinput": (),
    "gadget": (),
}
"""What a device under test of each kind needs."""
_IN_TIME: Final = ("answer", "between", "late_ms")
_DUT_MAY: Final = {
    "process": (),
    "python": (),
    "browser": ("px_per_mm", "serial", *_IN_TIME),
    "android-hid": ("contacts", *_IN_TIME),
    "android-uinput": _IN_TIME,
    "uinput": ("serial", *_IN_TIME),
    "gadget": ("path", "contacts", "serial", *_IN_TIME),
}
"""What it may have beside."""
_DUT_ANY: Final = ("kind", "timeout_s", "codes")


def check_document(document: Document, raw: Mapping[str, Any]) -> None:
    """Check that a plan either presses stamps or names a scenario, and each has what it needs.

    Args:
        document: the plan.
        raw: the same as TOML has it.

    Raises:
        InputError: no codebook or two, no profiles or cases, a profile that stands there twice, or presses
            beside a scenario.
    """
    header = document.plan
    if header.scenario:
        given = [key for key in raw if key not in ("plan", "settings")]
        given += [f"plan.{key}" for key in raw["plan"] if key not in _OF_ANY_PLAN]
        if given:
            raise InputError(
                f"{given[0]}: the plan names a scenario, which presses nothing: expected no {given[0]}"
            )
        return
    for missing, value in (("cases", document.cases), ("plan.profiles", header.profiles)):
        if not value:
            raise InputError(f"{missing}: missing: expected this key")
    if document.settings:
        raise InputError("settings: expected plan.scenario beside them, the name of what they are of")
    if (header.family is None) == (header.catalogue is None):
        both = "both" if header.family is not None else "neither"
        raise InputError(f"plan.family, plan.catalogue: {both} given: expected exactly one of them")
    _check_distinct("plan.profiles", header.profiles)
    if document.dut is not None:
        check_dut(document.dut, raw["dut"])


def check_dut(dut: DutSettings, raw: Mapping[str, Any]) -> None:
    """Check that a device under test has what its kind needs, one way to answer, and one way back.

    Args:
        dut: the table.
        raw: the same as TOML has it.

    Raises:
        InputError: a key is missing, or says nothing to this kind; no answer, or several; a one-time address
            that nobody is told; a pattern that is none.
    """
    needed, may = _DUT_KEYS[dut.kind], _DUT_MAY[dut.kind]
    for key in needed:
        if not getattr(dut, key):
            raise InputError(f'dut.{key}: missing: expected this key beside dut.kind = "{dut.kind}"')
    for key in raw:
        if key not in (*needed, *may, *_DUT_ANY):
            raise InputError(f'dut.{key}: dut.kind = "{dut.kind}" has none: expected no dut.{key}')
    for key, text in (("logcat", dut.answer.logcat), ("pattern", dut.answer.pattern)):
        try:
            re.compile(text)
        except re.error as error:
            raise InputError(f"dut.answer.{key} = {text!r}: {error}: expected a regular expression") from None
    if "answer" not in may:
        return
    given, steps = dut.answer.given, dut.between.given
    if len(given) != 1:
        raise InputError(
            f"dut.answer: {', '.join(given) or 'nothing'} given: "
            "expected one of selector, expression, event, http, logcat"
        )
    if dut.kind != "browser":
        _check_no_page(dut.kind, given[0], steps)
    if len(steps) > 1:
        raise InputError(f"dut.between: {', '.join(steps)} given: expected one of them")
    told = {"": dut.url, "expression": dut.between.expression, "intent": dut.between.intent}
    told["command"] = " ".join(dut.between.command)
    if dut.answer.http and "{answer}" not in told.get(steps[0] if steps else "", ""):
        raise InputError(
            "dut.answer.http = true: nobody tells the app its one-time address: "
            "expected {answer} in dut.url, or in what brings the app back"
        )
    for way, value in (("answer.logcat", dut.answer.logcat), ("between.intent", dut.between.intent)):
        if value and not dut.serial:
            raise InputError(f"dut.{way} = {value!r}: of a phone alone: expected dut.serial beside it")


def _check_no_page(kind: str, answer: str, steps: Sequence[str]) -> None:
    """Check that an app which is no page is not asked as one, and that it is said how it comes back."""
    if answer not in ("http", "logcat"):
        raise InputError(f'dut.answer.{answer}: of a page alone: expected http or logcat beside "{kind}"')
    if not steps or "expression" in steps:
        raise InputError(
            f"dut.between: {', '.join(steps) or 'missing'}: expected tap, intent, command or nothing beside "
            f'"{kind}": what brings the app back ahead of each press'
        )


def check_cases(cases: Sequence[CaseTable]) -> None:
    """Check the ``[[cases]]`` as they are written.

    Raises:
        InputError: a name that stands there twice, or a foreign object given as a number.
    """
    _check_distinct("cases.name", [case.name for case in cases])
    for number, case in enumerate(cases):
        if case.kind == "foreign" and case.stamps != "random":
            for place, stamp in enumerate(case.stamps):
                if not isinstance(stamp, str):
                    raise InputError(
                        f"cases[{number}].stamps[{place}] = {stamp}: expected the name of a foreign object, "
                        'such as "random-stamp", "fingers/5" or "coin"'
                    )


def check_limits(limits: Sequence[Limit], cases: Sequence[Case], profiles: Sequence[str]) -> None:
    """Check the ``[[limits]]`` against the cases and profiles of their plan.

    Raises:
        InputError: one that no press can be held against, or a range that is none.
    """
    for number, limit in enumerate(limits):
        _check_limit(limit, f"limits[{number}]", cases, profiles)


def _check_distinct(key: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'{key}: "{name}" stands there twice: expected distinct names')


def _check_limit(limit: Limit, key: str, cases: Sequence[Case], profiles: Sequence[str]) -> None:
    if limit.measurement not in MEASUREMENTS:
        raise InputError(
            f'{key}.measurement = "{limit.measurement}": {choose(limit.measurement, MEASUREMENTS)}'
        )
    measurement = MEASUREMENTS[limit.measurement]
    fitting = dict.fromkeys(
        name
        for case in cases
        if measurement.applies_to(case.kind)
        for name in (case.group, case.name)
        if name
    )
    if limit.case is not None and limit.case not in fitting:
        raise InputError(
            f'{key}.case = "{limit.case}": {choose(limit.case, fitting, measurement.case_kinds)}'
        )
    if not fitting:
        raise InputError(
            f'{key}.measurement = "{limit.measurement}": expected {measurement.case_kinds} in the plan'
        )
    if limit.profile is not None and limit.profile not in profiles:
        raise InputError(f'{key}.profile = "{limit.profile}": {choose(limit.profile, profiles)}')
    units = UNITS[measurement.quantity]
    if limit.unit is not None and limit.unit not in units:
        raise InputError(f'{key}.unit = "{limit.unit}": {choose(limit.unit, units)}')
    if limit.min is None and limit.max is None:
        raise InputError(f'{key} ("{limit.measurement}"): no limit: expected min, max or both')
    _check_range(limit, key, top=1.0 / units[limit.unit or measurement.unit] if measurement.is_rate else None)
    if limit.good is not None and (
        not measurement.is_rate or limit.max is None or not 0.0 < limit.good < limit.max
    ):
        raise InputError(f"{key}.good = {limit.good:g}: expected a rate above 0 and below max beside it")


def _check_range(limit: Limit, key: str, top: float | None) -> None:
    """See that no number is impossible, and min <= marginal_min <= marginal_max <= max."""
    chain: list[tuple[str, float]] = []
    for name in ("min", "marginal_min", "marginal_max", "max"):
        value = getattr(limit, name)
        if value is None:
            continue
        if not 0.0 <= value < float("inf") or (top is not None and value > top):
            percent = ', or unit = "%" beside it' if top == 1.0 and value <= 100.0 else ""
            expected = f"a rate from 0 to {top:g}{percent}" if top else "a finite number, 0 or more"
            raise InputError(f"{key}.{name} = {value:g}: expected {expected}")
        if name.startswith("marginal") and getattr(limit, name.removeprefix("marginal_")) is None:
            raise InputError(f"{key}.{name} = {value:g}: expected {name.removeprefix('marginal_')} beside it")
        if chain and value < chain[-1][1]:
            lower_name, lower = chain[-1]
            raise InputError(
                f"{key}.{lower_name} = {lower:g} is above {key}.{name} = {value:g}: "
                "nothing lies in between; expected min <= marginal_min <= marginal_max <= max"
            )
        chain.append((name, value))
