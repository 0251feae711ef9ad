"""Each kind of device under test takes its own keys, and says what it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from stampbench.bench.dut import android
from stampbench.bench.dut.hid import HidTouches, digitizer_of
from stampbench.bench.dut.opening import check_hardware
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.hid.descriptor import ReportKind, parse_descriptor
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.device import identity_of
from stampbench.sim.panel import load_profile

import stampbench as sb

PANEL = identity_of(load_profile("nexus-5"))
LOGCAT = {"answer": {"logcat": "read (.*)"}, "between": {"nothing": True}}


def plan(**dut: Any) -> sb.Plan:
    return sb.Plan.of(
        {
            "plan": {"name": "dut", "family": "p5-60k", "profiles": ["nexus-5"]},
            "dut": dut,
            "cases": [{"name": "held", "kind": "genuine", "presses": 1}],
        }
    )


@pytest.mark.parametrize(
    "dut",
    [
        {"kind": "android-hid", "serial": "R58M", "contacts": 5, **LOGCAT},
        {"kind": "android-uinput", "serial": "R58M", **LOGCAT},
        {"kind": "gadget", "path": "/dev/hidg1", "serial": "R58M", **LOGCAT},
        {"kind": "uinput", "answer": {"http": True}, "between": {"command": ["app", "{answer}"]}},
        {"kind": "python", "recogniser": "theirs"},
    ],
    ids=lambda dut: dut["kind"],
)
def test_a_plan_with_what_its_kind_needs_is_taken(dut) -> None:
    assert plan(**dut).dut.kind == dut["kind"]


@pytest.mark.parametrize(
    ("dut", "told"),
    [
        ({"kind": "android-hid", **LOGCAT}, "dut.serial: missing"),
        ({"kind": "python"}, "dut.recogniser: missing"),
        ({"kind": "android-uinput", "serial": "R", "contacts": 5, **LOGCAT}, "dut.contacts: .* has none"),
        ({"kind": "android-hid", "serial": "R", "contacts": 7, **LOGCAT}, "dut.contacts"),
        (
            {"kind": "uinput", "answer": {"selector": "#s"}, "between": {"nothing": True}},
            "dut.answer.selector: of a page alone",
        ),
        ({"kind": "gadget", "serial": "R", "answer": {"logcat": "x"}}, "dut.between: missing"),
        (
            {"kind": "uinput", "answer": {"http": True}, "between": {"command": ["app"]}},
            "nobody tells the app its one-time address",
        ),
    ],
)
def test_what_a_kind_lacks_or_has_not_is_told_by_key(dut, told) -> None:
    with pytest.raises(sb.InputError, match=told):
        plan(**dut)


def test_a_gadget_that_is_not_there_is_missing_hardware() -> None:
    settings = plan(kind="gadget", path="/dev/no-hidg", serial="R58M", **LOGCAT).dut
    assert settings is not None
    with pytest.raises(sb.StampbenchError, match="/dev/no-hidg is not there") as error:
        check_hardware(settings)
    assert error.value.exit_status == 77


@pytest.mark.parametrize("contacts", [5, 10])
def test_the_hid_touchscreen_asks_for_no_feature_report_and_fits_a_packet(contacts) -> None:
    digitizer = digitizer_of(PANEL, contacts)
    assert parse_descriptor(digitizer.descriptor()).of_kind(ReportKind.FEATURE) == []
    assert digitizer.packet_length <= 64


def test_more_lifts_and_landings_than_fit_are_a_fault_of_the_bench() -> None:
    contacts = tuple(Contact(n, n > 0, 0, 0, 10.0 + n, 20.0) for n in range(6))
    with pytest.raises(LinkError, match="report of 6 contacts: expected at most 5"):
        HidTouches(digitizer_of(PANEL, 5)).packets(TouchReport(0, contacts))


def test_a_phone_on_which_no_device_appears_is_missing_hardware(monkeypatch, tmp_path) -> None:
    adb = tmp_path / "adb"
    adb.write_text('#!/bin/sh\ncase "$*" in *getevent*) ;; *) cat >/dev/null ;; esac\n')
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(android, "_APPEARS_WITHIN_S", 0.3)
    sink = android.AndroidHidSink("R58M", PANEL)
    with pytest.raises(sb.StampbenchError, match="no device 'stampbench nexus-5' appeared") as error:
        sink.begin(1)
    assert error.value.exit_status == 77
