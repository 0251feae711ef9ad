"""A plan pressed by hand in the window: what it asks for, what can be decided, and what it leaves behind."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pygame
import pytest
from stampbench.bench.plans.draws import load_codebook
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import read_run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.report import Reported
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.resuming import resumed
from stampbench.bench.window.clocks import RealClock, VirtualClock
from stampbench.bench.window.script import FRAME_US
from stampbench.bench.window.session.captures import Folder
from stampbench.bench.window.session.plan_run import RESULTS, STEPS, PlanRun, Stage, recognised_step
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.window import Window
from stampbench.firmware_emulator.errors import InputError, NoHardwareError
from stampbench.firmware_emulator.link.commands import PressCommand
from stampbench.firmware_emulator.link.messages import Capability, Status
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Hand, Press
from stampbench.sim.rig import VirtualRig, open_channel, virtual_rig

TEXT = """
[plan]
name = "by hand"
family = "p5-60k"
seed = 5
profiles = ["nexus-5"]

[condition]
noise = 2.0

[decoder]
sigma_mm = 0.15

[[cases]]
name = "held"
kind = "genuine"
stamps = [20406]
presses = 2

[[limits]]
measurement = "frr"
max = 0.5
"""
COIN = TEXT.replace('kind = "genuine"\nstamps = [20406]', 'kind = "foreign"\nstamps = ["coin"]').replace(
    "frr", "far"
)
ONE = TEXT.replace("presses = 2", "presses = 1")
PROFILE = load_profile("nexus-5")


class Operator:
    """Sits before a window in which a plan is pressed, on a virtual clock."""

    def __init__(self, order: RunOrder, stack: ExitStack, port: str | None = None) -> None:
        self.clock = VirtualClock()
        self.run = PlanRun(order)
        stack.callback(self.run.stop)
        self.session = Session(
            load_codebook(order.plan),
            PROFILE,
            clock=self.clock,
            sigma_mm=order.plan.decoder.sigma_mm,
            seed=order.seed,
            folder=Folder(order.directory),
            plan=self.run,
        )
        stack.enter_context(closing(self.session))
        if port is not None:
            self.session.sources.use_port(port)
        self.window = stack.enter_context(closing(Window(self.session, clock=self.clock, size=(640, 400))))
        self.wait(0.1)

    @property
    def plan(self) -> PlanRun:
        return self.run

    def wait(self, seconds: float) -> PlanRun:
        for _ in range(max(1, round(seconds * 1e6 / FRAME_US))):
            self.window.frame()
            self.clock.advance(FRAME_US)
        return self.plan

    def until(self, holds: Callable[[PlanRun], bool]) -> PlanRun:
        """Draw frames in real time: what comes from a port comes when it comes."""
        for _ in range(2000):
            if holds(self.wait(0.0)):
                return self.plan
            pygame.time.wait(5)
        raise AssertionError(f"never happened; {self.plan}, {self.window.session.source}")

    def finish(self) -> Reported:
        """What the run came to; it is over, or soon will be."""
        if self.window.open:
            self.until(lambda plan: plan.over)
        return self.run.finish()

    def key(self, key: int, *, down: bool = True) -> None:
        kind = pygame.KEYDOWN if down else pygame.KEYUP
        pygame.event.post(pygame.event.Event(kind, key=key, mod=0, unicode="", scancode=0))

    def tap(self, key: int) -> PlanRun:
        self.key(key)
        self.wait(0.0)
        self.key(key, down=False)
        return self.wait(0.05)

    def press(self, seconds: float = 0.4, *, held: bool = True) -> PlanRun:
        """Hold the space bar, and wait until the press is over."""
        if not held:
            self.tap(pygame.K_g)
        self.key(pygame.K_SPACE)
        self.wait(seconds)
        self.key(pygame.K_SPACE, down=False)
        return self.wait(0.8)


def order_of(folder: Path, text: str = TEXT, port: str = "screen") -> RunOrder:
    plan = Plan.parse(text, Path("by-hand.toml"))
    return RunOrder(
        plan=plan, directory=folder / "run", seed=plan.header.seed, port=port, station="s1", operator="Kim"
    )


@pytest.fixture
def at_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Operator]]:
    """Opens windows without a display, for a plan or for an order."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with ExitStack() as stack:

        def sit_down(text: str = TEXT, order: RunOrder | None = None, port: str | None = None) -> Operator:
            stack.close()
            order = order or order_of(tmp_path, text, port or "screen")
            return Operator(order, stack, port)

        yield sit_down


def outcomes(reported: Reported) -> list[tuple[int, str]]:
    return [(record.press, record.outcome.value) for record in reported.run.presses]


def test_the_window_asks_for_a_press_and_tells_at_once_what_was_read(
    at_window: Callable[..., Operator],
) -> None:
    operator = at_window()
    plan = operator.plan
    assert (plan.stage, plan.do, plan.thing) == (Stage.PRESS, "press_and_let_go", ("stamp", "20406"))
    assert (plan.press, plan.presses, plan.made) == (1, 2, 0)
    (laid,) = operator.window.session.picture.objects
    assert (laid.thing.code, laid.thing.hold.force) == (20406, 0.0)
    assert operator.window.session.setup.condition.noise == 2.0
    plan = operator.press()
    assert (plan.stage, plan.press, plan.made, plan.good) == (Stage.PRESS, 2, 1, 1)
    assert [(result.press, result.good, result.key) for result in plan.results] == [(1, True, "read")]


def test_a_plan_pressed_to_its_end_leaves_records_and_reports_as_a_run_does(
    at_window: Callable[..., Operator],
) -> None:
    operator = at_window()
    for _ in range(2):
        operator.press()
    assert (operator.plan.stage, operator.plan.verdict) == (Stage.DONE, "passed")
    assert [limit.kept for limit in operator.plan.limits] == [True]
    assert operator.window.session.picture.objects == ()
    reported = operator.finish()
    assert outcomes(reported) == [(1, "passed"), (2, "passed")]
    header, record = reported.run.header, reported.run.presses[0]
    assert (header.station, header.operator, header.seed) == ("s1", "Kim", 5)
    assert header.plan_sha256 == Plan.parse(TEXT, Path("x")).sha256
    rig = header.rigs["nexus-5"]
    assert (rig.port, rig.serial_number, rig.virtual) == ("screen", "screen", False)
    assert record.condition == {"noise": 2.0}
    assert record.said
    files = {path.name for path in reported.directory.iterdir()}
    assert files == {"records.jsonl", "summary.json", "junit.xml", "report.html"}
    operator.key(pygame.K_F12)
    operator.wait(0.0)
    assert not operator.window.open


def test_the_same_hand_leaves_the_same_records(at_window: Callable[..., Operator], tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        operator = at_window(order=order_of(tmp_path / name, ONE))
        operator.press(0.3)
        digests.append(operator.finish().run.digest)
    assert digests[0] == digests[1]


def test_steps_of_the_plan_follow_each_other_while_the_stamp_touches(
    at_window: Callable[..., Operator],
) -> None:
    steps = 'prompt = ["press {object} now", "rotate it by 90 degrees", "sing", "let go"]\n\n[[limits]]'
    operator = at_window(TEXT.replace("[[limits]]", steps))
    said = [operator.plan.do]
    operator.key(pygame.K_SPACE)
    for _ in range(45):
        plan = operator.wait(0.1)
        if (plan.do, plan.values) != (said[-1], None):
            said.append(plan.do)
    assert list(dict.fromkeys(said)) == ["press", "turn", "own", "let_go"]


def test_a_press_that_failed_counts_if_the_operator_says_so(at_window: Callable[..., Operator]) -> None:
    operator = at_window()
    plan = operator.press(held=False)
    assert plan.stage is Stage.ASK
    assert plan.asked is not None
    assert (plan.asked.good, plan.made) == (False, 0)
    assert plan.asked.why is not None
    assert plan.asked.why.values["cause"] == "let_go"
    operator.press()  # no answer to the question
    assert operator.plan.stage is Stage.ASK
    plan = operator.tap(pygame.K_RETURN)
    assert (plan.stage, plan.press, plan.bad) == (Stage.PRESS, 2, 1)


def test_a_press_that_slipped_is_recorded_as_aborted_and_made_again(
    at_window: Callable[..., Operator],
) -> None:
    operator = at_window()
    operator.press(held=False)
    plan = operator.tap(pygame.K_F10)
    assert (plan.stage, plan.press, plan.made) == (Stage.PRESS, 1, 0)
    for _ in range(2):
        operator.press()
    reported = operator.finish()
    assert outcomes(reported) == [(1, "aborted"), (1, "passed"), (2, "passed")]
    slipped = reported.run.presses[0]
    assert (slipped.again, slipped.verdict) == (True, "foreign")
    assert reported.assessment.verdict.value == "passed"


def test_a_press_can_be_broken_off_while_it_touches(at_window: Callable[..., Operator]) -> None:
    operator = at_window()
    assert operator.tap(pygame.K_F10).results == ()  # nothing has been pressed that could be made again
    operator.key(pygame.K_SPACE)
    operator.wait(0.3)
    assert operator.plan.touched
    plan = operator.tap(pygame.K_F10)
    assert [(result.press, result.key) for result in plan.results] == [(1, "again")]
    assert plan.press == 1
    operator.key(pygame.K_SPACE, down=False)
    plan = operator.press()
    assert [(result.press, result.key) for result in plan.results] == [(1, "read"), (1, "again")]


def test_a_press_is_skipped_by_its_button(at_window: Callable[..., Operator]) -> None:
    operator = at_window()
    button = operator.window.desk.widgets.named("plan_skip")
    assert button is not None
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=button.rect.center, rel=(0, 0)))
        pygame.event.post(pygame.event.Event(kind, pos=button.rect.center, button=1))
        operator.wait(0.05)
    assert [result.key for result in operator.plan.results] == ["skipped"]
    assert (operator.plan.press, operator.plan.neither) == (2, 1)


def test_a_run_that_is_stopped_is_interrupted_and_can_be_resumed(
    at_window: Callable[..., Operator], tmp_path: Path
) -> None:
    operator = at_window()
    plan = operator.tap(pygame.K_F12)
    assert (plan.stage, plan.verdict) == (Stage.DONE, "interrupted")
    reported = operator.finish()
    assert outcomes(reported) == [(1, "aborted")]
    assert reported.assessment.verdict.exit_status == 2

    operator = at_window(order=resumed(tmp_path / "run", port="screen"))
    assert (operator.plan.press, operator.plan.made) == (1, 0)
    operator.press()
    operator.press()
    reported = operator.finish()
    assert outcomes(reported) == [(1, "aborted"), (1, "passed"), (2, "passed")]
    assert (reported.run.sessions, reported.assessment.verdict.value) == (2, "passed")


def test_a_window_that_is_closed_ends_the_run_with_its_records_whole(
    at_window: Callable[..., Operator],
) -> None:
    operator = at_window()
    operator.press(held=False)  # stands in question: it counts
    operator.window.close()
    assert outcomes(operator.finish()) == [(1, "failed"), (2, "aborted")]


def test_objects_that_are_no_stamps_pass_where_they_are_not_read(at_window: Callable[..., Operator]) -> None:
    operator = at_window(COIN)
    assert operator.plan.thing == ("coin", "")
    plan = operator.press()
    assert [(result.good, result.key) for result in plan.results] == [(True, "rightly_not_read")]


def test_nothing_that_would_change_the_plan_can_be_done(at_window: Callable[..., Operator]) -> None:
    operator = at_window()
    session = operator.session
    before = session.source, session.panel
    for key in (pygame.K_F6, pygame.K_v, pygame.K_f, pygame.K_p, pygame.K_z, pygame.K_2, pygame.K_DELETE):
        operator.tap(key)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file="stamps.toml"))
    operator.wait(0.05)
    assert (session.source, session.panel, session.frozen) == (*before, False)
    assert len(session.picture.objects) == 1
    assert operator.window.dialogs.current is None
    assert "not while a plan is pressed" in operator.window.toasts.texts
    glass = operator.window.phone.glass
    for button in (1, 3):
        place = tuple(map(round, glass.to_px(3.0, 105.0)))
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=button))
        operator.wait(0.05)
    assert len(operator.window.session.picture.objects) == 1
    assert operator.window.session.picture.objects[0].selected


class HandPressedRig(VirtualRig):
    """A rig without an actuator; its person presses what is put into ``hand``."""

    hand: deque[PressCommand]

    def _press(self, packet, command) -> None:
        self._answer(packet, Status.MANUAL)

    def _receive(self, timeout_s: float) -> bool:
        if self.hand:
            begun_us = self._clock_us
            command = self.hand.popleft()
            for frame, report in self._device.press(Press.of_command(command), command.seed):
                self._clock_us = begun_us + frame.t_us
                self._scan(frame, report)
            self._flush()
        return super()._receive(min(timeout_s, 0.02))


@contextmanager
def hand_pressed_rig(hand: deque[PressCommand], tcp_port: int = 0) -> Iterator[str]:
    device = Device(PROFILE, serial_number="R-7")
    device.identity = dataclasses.replace(device.identity, capabilities=Capability.RAW_FRAMES)
    channel = open_channel("tcp", tcp_port)
    rig = HandPressedRig(device, channel)
    rig.hand = hand

    def serve() -> None:
        with closing(channel):
            rig.serve()

    with ThreadPoolExecutor(1) as executor:
        served = executor.submit(serve)
        try:
            yield channel.port
        finally:
            channel.interrupt()
            served.result()


def by_hand(name: str, seed: int) -> PressCommand:
    import numpy as np

    return Hand().press(name, PROFILE, np.random.default_rng(seed)).command(seed)


def test_a_person_presses_real_stamps_on_a_rig(at_window: Callable[..., Operator]) -> None:
    hand: deque[PressCommand] = deque()
    with hand_pressed_rig(hand) as port:
        operator = at_window(port=port)
        operator.until(lambda plan: plan.stage is Stage.PRESS)
        hand.append(by_hand("p5-60k/20406", 1))
        operator.until(lambda plan: plan.made == 1)
        hand.append(by_hand("p5-60k/7", 2))
        plan = operator.until(lambda plan: plan.stage is Stage.ASK)
        assert plan.asked is not None
        assert (plan.asked.key, plan.asked.values) == ("misread", {"read": "7", "name": "20406"})
        operator.tap(pygame.K_F10)
        hand.append(by_hand("p5-60k/20406", 3))
        operator.until(lambda plan: plan.stage is Stage.DONE)
        reported = operator.finish()
        operator.session.close()
    assert outcomes(reported) == [(1, "passed"), (2, "aborted"), (2, "passed")]
    rig = reported.run.header.rigs["nexus-5"]
    assert (rig.port, rig.serial_number, rig.protocol) == (port, "R-7", 1)
    assert reported.run.presses[0].condition == {}


def test_a_rig_that_is_lost_in_a_press_costs_that_press_and_is_waited_for(
    at_window: Callable[..., Operator],
) -> None:
    hand: deque[PressCommand] = deque()
    with hand_pressed_rig(hand) as port:
        operator = at_window(port=port)
        operator.until(lambda plan: plan.stage is Stage.PRESS)
        whole = by_hand("p5-60k/20406", 1)
        hand.append(whole)
        operator.until(lambda plan: plan.touched)
    plan = operator.until(lambda plan: plan.stage is Stage.CONNECTING)
    assert [(result.press, result.good, result.key) for result in plan.results] == [(1, None, "error")]
    with hand_pressed_rig(hand, int(port.rpartition(":")[2])):
        operator.until(lambda plan: plan.stage is Stage.PRESS)
        hand.append(by_hand("p5-60k/20406", 2))
        reported = operator.finish()
        operator.session.close()
    assert outcomes(reported) == [(1, "error"), (2, "passed")]
    assert reported.run.presses[1].link["reconnects"] == 1
    assert reported.assessment.verdict.value == "error"


def test_a_rig_that_presses_by_itself_is_left_to_stampbench_run(at_window: Callable[..., Operator]) -> None:
    with virtual_rig("nexus-5", listen="tcp") as port:
        operator = at_window(port=port)
        plan = operator.until(lambda plan: plan.stage is Stage.BROKEN)
        assert f"stampbench run PLAN --rig {port}" in plan.message
        with pytest.raises(InputError, match="presses by itself"):
            operator.finish()
        operator.session.close()


def test_a_window_closed_before_its_rig_came_is_missing_hardware(at_window: Callable[..., Operator]) -> None:
    operator = at_window(port="socket://127.0.0.1:1")
    operator.until(lambda plan: plan.stage is Stage.CONNECTING and "nobody listens there" in plan.message)
    operator.window.close()
    with pytest.raises(NoHardwareError, match="nobody listens there"):
        operator.finish()


def test_in_real_time_a_press_is_recorded_while_the_window_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    order, clock = order_of(tmp_path, ONE), RealClock()
    run = PlanRun(order)
    with (
        closing(Session(load_codebook(order.plan), PROFILE, clock=clock, plan=run)) as session,
        closing(Window(session, clock=clock, size=(640, 400))) as window,
    ):
        begun = False
        for _ in range(2000):
            window.frame()
            reader, chosen = session.observation.reader, session.scene.chosen
            if run.stage is Stage.PRESS and chosen is not None and not begun:
                session.scene.press(chosen.key)
                begun = True
            elif chosen is not None and chosen.hold.force == 1.0 and reader.decision_ms is not None:
                session.scene.lift(chosen.key)
            if run.stage is Stage.DONE:
                break
            pygame.time.wait(10)
    assert outcomes(run.finish()) == [(1, "passed")]
    assert read_run(order.directory).presses[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("press stamp 7 now, then let go", ("press_and_let_go", {})),
        ("Press stamp 7 now.", ("press", {})),
        ("rotate it by 90 degrees", ("turn", {"degrees": "90"})),
        ("turn by 22.5°", ("turn", {"degrees": "22.5"})),
        ("now let go", ("let_go", {})),
        ("press lightly", ("own", {"text": "press lightly"})),
    ],
)
def test_steps_that_the_window_can_say_itself_are_known(text: str, step: tuple[str, dict[str, str]]) -> None:
    assert recognised_step(text) == step


def test_all_that_the_operator_is_told_has_a_caption() -> None:
    from stampbench.bench.judging.assessment import Verdict
    from stampbench.bench.runs.prompts import _WORDS
    from stampbench.bench.window.captions import Captions

    captions = Captions("ko")
    wanted = [f"do.{do}" for do in STEPS - {"own"}] + [f"result.{key}" for key in RESULTS]
    wanted += [f"run.{verdict.value}" for verdict in Verdict] + [f"thing.{kind}" for kind in _WORDS]
    assert [key for key in wanted if key not in captions] == []
