"""Presses on rigs that misbehave or that a person presses; the link is tested beside the rig's reader."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from stampbench.bench.records.presses import Outcome
from stampbench.bench.rig.report_checks import ReportCounters
from stampbench.bench.rig.serial_rig import ManualPressError
from stampbench.bench.runs import pressing
from stampbench.bench.runs.pressing import Presser, SimulatedPresser
from stampbench.bench.runs.prompts import Prompt, said_object
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Capability
from stampbench.firmware_emulator.link.packets import LinkCounters
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile

from tests.bench.conftest import held, small_plan

PLAN = small_plan(held(6))


class Rig:
    """A rig without a link: its panel is simulated here."""

    def __init__(self, capabilities=Capability.CONFIGURE | Capability.PRESS):
        profile = load_profile("nexus-5")
        self._device = Device(profile)
        self.identity = SimpleNamespace(profile="nexus-5", capabilities=capabilities, cancel_limit=None)
        self.press_whole = True
        self.press_counters = LinkCounters()
        self.press_reports = ReportCounters()
        self.counters = LinkCounters()
        self.configured = []

    def configure(self, condition):
        self.configured.append(condition)

    def press(self, press, seed):
        yield from self._device.reports(press, seed)


class ManualRig(Rig):
    """Waits for a person, who presses what was asked for, or nobody."""

    def __init__(self, presses):
        super().__init__(Capability(0))
        self.presses = presses
        self.resets = 0

    def press(self, press, seed):
        self.asked = press, seed
        raise ManualPressError("manual")
        yield

    def watch(self, *, first_contact_s, quiet_us, meanwhile=lambda: None):
        meanwhile()
        if not self.presses:
            raise LinkError("nobody pressed within 120 s")
        yield from super().press(*self.asked)

    def reset(self):
        self.resets += 1


@pytest.fixture
def on_rigs(monkeypatch):
    """Makes the plan's presses on the given rigs, one after the other as the bench opens them."""

    def press_all(*rigs, prompter=None, plan=PLAN):
        waiting = iter(rigs)

        @contextmanager
        def open_rig(port, profile, faults):
            yield next(waiting)

        monkeypatch.setattr(pressing, "open_rig", open_rig)
        presser = Presser(plan, seed=3, prompter=prompter)
        made = presser.press_all("nexus-5", plan.presses())
        return [one.line for one in made if one.line is not None]

    return press_all


def failing_at(*numbers):
    """A rig whose link dies in the presses of these numbers, counted on this rig."""
    rig = Rig()
    whole = rig.press
    made = iter(range(1, 100))

    def press(press, seed):
        reports = whole(press, seed)
        if next(made) in numbers:
            yield next(reports)
            raise LinkError("the cable was pulled")
        yield from reports

    rig.press = press
    return rig


def test_panel_is_configured_once_for_presses_in_one_condition(on_rigs):
    rig = Rig()
    assert {record.outcome for record in on_rigs(rig)} == {Outcome.PASSED}
    assert rig.configured == [{}]


def test_press_that_lost_packets_is_an_error_with_its_counts(on_rigs):
    rig = Rig()
    rig.press_whole = False
    rig.press_counters = LinkCounters(lost=2, crc_errors=1)
    record = on_rigs(rig)[0]
    assert record.outcome is Outcome.ERROR
    assert record.message == "the link did not bring all reports: 2 lost, 1 crc errors"
    assert record.link.items() >= {"lost": 2, "crc_errors": 1}.items()
    assert record.read_right


def test_link_that_dies_costs_one_press_and_the_rig_is_opened_anew(on_rigs):
    records = on_rigs(failing_at(2), Rig())
    assert [record.press for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record.outcome.value for record in records] == ["passed", "error", *["passed"] * 4]
    assert records[1].message == "the cable was pulled"
    assert records[1].code is not None
    assert [record.link.get("reconnects") for record in records] == [None, None, 1, None, None, None]


def test_what_was_odd_about_the_reports_stands_in_the_record_and_is_no_fault_of_the_link(on_rigs):
    rig = Rig()
    rig.press_reports = ReportCounters(lost_lifts=2)
    record = on_rigs(rig)[0]
    assert record.link["lost_lifts"] == 2
    assert record.outcome is Outcome.PASSED


def test_link_that_keeps_dying_ends_the_run(on_rigs):
    with pytest.raises(LinkError, match="cable"):
        on_rigs(failing_at(1), failing_at(1), failing_at(1))


class Operator:
    """Notes what it is shown, and answers as it is told to; botched the first presses that failed."""

    patience_s = 120.0

    def __init__(self, *, botched=0, **answers):
        self.answers = answers
        self.botched = botched
        self.failed = []
        self.told: list[Prompt] = []
        self.cleared = 0

    def show(self, prompt):
        self.told.append(prompt)

    def answer(self):
        return self.answers.get(f"press_{self.told[-1].press}") if self.told else None

    def clear(self):
        self.cleared += 1

    def again(self, record):
        self.failed.append(record)
        return len(self.failed) <= self.botched


def test_operator_is_told_what_to_press_where_the_rig_cannot(on_rigs):
    operator = Operator()
    records = on_rigs(ManualRig(presses=True), prompter=operator)
    assert operator.told[0] == Prompt(
        f"press stamp {records[0].code} now, then let go", records[0].object, 1, 6, 1, 1
    )
    assert (len(operator.told), operator.cleared) == (6, 6)
    assert {record.outcome for record in records} == {Outcome.PASSED}
    assert (records[0].keyframes, records[0].condition) == ([], {})


def test_steps_of_a_plan_are_shown_one_after_the_other_while_the_stamp_touches(on_rigs):
    prompt = ["press {object} now, press {number}", "rotate it by 90 degrees", "let go"]
    operator = Operator()
    plan = small_plan(held(1, prompt=prompt, handling={"dwell_ms": [2600.0, 2600.0]}))
    (record,) = on_rigs(ManualRig(presses=True), prompter=operator, plan=plan)
    assert [prompt.text for prompt in operator.told] == [
        f"press stamp {record.code} now, press 1",
        "rotate it by 90 degrees",
        "let go",
    ]


def test_press_that_the_operator_passes_over_is_skipped(on_rigs):
    rig = ManualRig(presses=True)
    records = on_rigs(rig, prompter=Operator(press_2="skip"))
    assert [record.outcome.value for record in records] == ["passed", "skipped", *["passed"] * 4]
    assert (records[1].reading, rig.resets) == (None, 1)


def test_press_at_which_the_operator_ends_the_run_is_aborted(monkeypatch):
    @contextmanager
    def open_rig(port, profile, faults):
        yield ManualRig(presses=True)

    monkeypatch.setattr(pressing, "open_rig", open_rig)
    made = Presser(PLAN, seed=3, prompter=Operator(press_2="abort")).press_all("nexus-5", PLAN.presses())
    assert next(made).line.outcome is Outcome.PASSED
    assert next(made).line.outcome is Outcome.ABORTED
    with pytest.raises(KeyboardInterrupt):
        next(made)


class ClumsyRig(ManualRig):
    """Its person presses the first so many times with a finger."""

    def __init__(self, fingers):
        super().__init__(presses=True)
        self.fingers = fingers

    def watch(self, **how):
        press, seed = self.asked
        if self.fingers:
            self.fingers -= 1
            self.asked = dataclasses.replace(press, object="finger"), seed
        yield from super().watch(**how)


def test_a_botched_press_is_made_again_and_both_are_recorded(on_rigs):
    operator = Operator(botched=2)
    records = on_rigs(ClumsyRig(fingers=3), prompter=operator)
    assert [(record.press, record.outcome.value, record.again) for record in records[:4]] == [
        (1, "aborted", True),
        (1, "aborted", True),
        (1, "failed", False),
        (2, "passed", False),
    ]
    assert len(operator.failed) == 3
    assert records[0].verdict == "none"
    assert len(records[0].contacts) == 1
    assert records[0].message == "by the operator, who made it again"


def test_a_press_that_is_broken_off_to_be_made_again_says_nothing_of_the_stamp(on_rigs):
    class Slips(Operator):
        def answer(self):
            return "again" if len(self.told) == 1 else None

    records = on_rigs(ManualRig(presses=True), prompter=Slips())
    assert [(record.press, record.outcome.value) for record in records[:3]] == [
        (1, "aborted"),
        (1, "passed"),
        (2, "passed"),
    ]
    assert (records[0].again, records[0].reading) == (True, None)
    assert [pressing.made_press(record, {}).presses for record in records[:2]] == [0, 1]


def test_condition_of_a_panel_that_a_person_presses_is_set_and_recorded(on_rigs):
    plan = small_plan(held(6, condition={"noise": 2.0}))
    rig = ManualRig(presses=True)
    rig.identity.capabilities = Capability.CONFIGURE
    records = on_rigs(rig, prompter=Operator(), plan=plan)
    assert rig.configured == [{"noise": 2.0}]
    assert records[0].condition == {"noise": 2.0}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("p5-60k/7", ("stamp", "7")),
        ("catalogue:/a/b#c.toml#left/one", ("stamp", "left/one")),
        ("random-stamp/3", ("other_stamp", "")),
        ("fingers/5/2", ("fingers", "5")),
        ("coin", ("coin", "")),
    ],
)
def test_objects_are_called_what_an_operator_calls_them(name, said):
    assert said_object(name) == said


def test_operator_who_does_not_press_is_a_timeout(on_rigs):
    rig = ManualRig(presses=False)
    records = on_rigs(rig)
    assert {record.outcome for record in records} == {Outcome.TIMEOUT}
    assert records[0].message == "nobody pressed within 120 s"
    assert rig.resets == 6


def test_a_press_that_the_phone_cancelled_says_so_in_its_record():
    plan = small_plan(held(6, condition={"resting_fingers": 1}), profiles=["iphone-like"])
    presser = SimulatedPresser(plan, seed=3)
    records = [presser.press(planned) for planned in plan.presses()]
    cancelled = [record for record in records if record.message]
    assert len(cancelled) >= 3
    for record in cancelled:
        assert "the phone cancelled all touches" in record.message
        assert (record.outcome, record.verdict == "read") == (Outcome.FAILED, False)


def test_a_rig_that_cancels_all_leads_to_the_same_record():
    plan = small_plan(held(6, condition={"resting_fingers": 1}), profiles=["iphone-like"])
    in_memory = SimulatedPresser(plan, seed=3)
    planned = list(plan.presses())
    made = Presser(plan, seed=3).press_all("iphone-like", planned)
    over_link = [one.line for one in made if one.line is not None]
    assert [record.message for record in over_link] == [in_memory.press(each).message for each in planned]


LET_GO = small_plan(held(6, handling={"grip": [0.0, 0.0]}), decoder={"input": "frames"})
HELD = small_plan(held(6), decoder={"input": "frames"})


class FramesRig(Rig):
    """Sends raw frames, too, if asked for them."""

    def __init__(self):
        super().__init__(Capability.CONFIGURE | Capability.PRESS | Capability.RAW_FRAMES)

    def press(self, press, seed, *, on_frame=None):
        yield from self._device.reports(press, seed, on_frame=on_frame)


def test_stamps_let_go_are_read_from_frames_alike_in_memory_and_on_a_rig(on_rigs):
    in_memory = SimulatedPresser(LET_GO, seed=3)
    records = on_rigs(FramesRig(), plan=LET_GO)
    assert {record.outcome for record in records} == {Outcome.PASSED}
    assert [record.reading for record in records] == [
        in_memory.press(planned).reading for planned in LET_GO.presses()
    ]
    assert all(record.reading.distance_mm < 0.6 for record in records)


def test_frames_asked_of_a_rig_that_sends_none_are_a_fault_of_the_plan(on_rigs):
    with pytest.raises(InputError, match=r'made-up\.toml: decoder\.input = "frames": the rig on .* sends no'):
        on_rigs(Rig(), plan=LET_GO)


def test_frames_that_do_not_come_are_errors_of_the_bench(on_rigs):
    class Silent(FramesRig):
        def press(self, press, seed, *, on_frame=None):
            yield from super().press(press, seed)

        def reset(self):
            pass

    with pytest.raises(LinkError, match="the rig sent contacts and no raw frames"):
        on_rigs(Silent(), Silent(), Silent(), plan=HELD)
