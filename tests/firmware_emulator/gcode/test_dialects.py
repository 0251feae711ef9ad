"""GRBL 1.1 and Marlin 2 as their users meet them: what their documents and issue threads say."""

from __future__ import annotations

import pytest
from stampbench.firmware_emulator.gcode import Firmware, Grbl, MachineFaults, Marlin, Motion
from stampbench.firmware_emulator.gcode.grbl import HOMING_S


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def machine(kind: type[Firmware], clock: Clock, **faults: object) -> Firmware:
    low, high = (-100.0, 0.0) if kind is Grbl else (0.0, 100.0)
    travel = dict.fromkeys("xyz", (low, high))
    rates = dict.fromkeys("xyza", 50.0)
    return kind(Motion(clock, travel, rates, faults=MachineFaults(**faults)))


def after(firmware: Firmware, clock: Clock, said: str, seconds: float = 0.0) -> str:
    """Say something, let time pass in small steps, and return the answer."""
    firmware.feed(said.encode())
    heard = firmware.step()
    for _ in range(round(seconds / 0.05)):
        clock.now_s += 0.05
        heard += firmware.step()
    return heard.decode().replace("\r\n", " ").strip()


class TestGrbl:
    @pytest.fixture
    def grbl(self, clock) -> Firmware:
        firmware = machine(Grbl, clock)
        assert "Grbl 1.1" in after(firmware, clock, "")
        return firmware

    @pytest.fixture
    def homed(self, grbl, clock) -> Firmware:
        assert after(grbl, clock, "$H\n", HOMING_S) == "ok"
        return grbl

    def test_it_starts_in_alarm_and_takes_no_move_until_it_is_home(self, grbl, clock):
        assert after(grbl, clock, "?").startswith("<Alarm|MPos:0.000,0.000,0.000")
        assert after(grbl, clock, "G0 X-5\n") == "error:9"

    def test_while_it_homes_a_question_waits_for_the_end(self, grbl, clock):
        assert after(grbl, clock, "$H\n", HOMING_S / 2) == ""
        assert after(grbl, clock, "?", HOMING_S).startswith("ok <Idle|")

    def test_a_move_takes_its_time_and_ends_where_it_was_told(self, homed, clock):
        assert after(homed, clock, "G1 X-10 F600\n") == "ok"
        assert after(homed, clock, "?").startswith("<Run|")
        after(homed, clock, "", 2.0)
        assert after(homed, clock, "?").startswith("<Idle|MPos:-10.000,0.000,0.000")

    @pytest.mark.parametrize(
        ("line", "answer"),
        [
            ("G1 X-5", "error:22"),
            ("G99", "error:20"),
            ("hello", "error:2"),
            ("G0 X5", "ALARM:2"),
            ("$J=G91 X5 F100", "error:15"),
            ("", "ok"),
        ],
    )
    def test_what_it_cannot_do_is_answered_by_number(self, homed, clock, line, answer):
        assert after(homed, clock, line + "\n") == answer

    def test_a_feed_hold_stops_the_head_and_a_resume_goes_on(self, homed, clock):
        after(homed, clock, "G1 X-10 F600\n", 0.5)
        held = homed.motion.head()["x"]
        assert after(homed, clock, "!?", 1.0).startswith("<Hold:0|")
        assert homed.motion.head()["x"] == held
        after(homed, clock, "~", 2.0)
        assert homed.motion.head()["x"] == pytest.approx(-10.0)

    def test_a_reset_in_motion_is_an_alarm(self, homed, clock):
        after(homed, clock, "G1 X-10 F600\n", 0.3)
        assert after(homed, clock, "\x18").startswith("ALARM:3")

    def test_a_wait_is_answered_when_it_is_over(self, homed, clock):
        assert after(homed, clock, "G4 P1\n", 0.9) == ""
        assert after(homed, clock, "", 0.2) == "ok"

    def test_bytes_beyond_the_buffer_are_dropped(self, homed, clock):
        after(homed, clock, "G4 P1\n")
        homed.feed(b"X" * 200)
        assert len(homed._received) == 128


class TestMarlin:
    @pytest.fixture
    def homed(self, clock) -> Firmware:
        firmware = machine(Marlin, clock)
        assert "Marlin" in after(firmware, clock, "")
        assert after(firmware, clock, "G28\n", 3.0).endswith("ok")
        return firmware

    def test_home_is_at_the_top(self, homed, clock):
        assert "X:0.00 Y:0.00 Z:100.00" in after(homed, clock, "M114\n")

    def test_it_says_that_it_is_busy_while_moves_are_waited_for(self, homed, clock):
        after(homed, clock, "G1 X50 F600\n")
        heard = after(homed, clock, "M400\n", 6.0)
        assert heard == "echo:busy: processing echo:busy: processing ok"

    def test_moves_beyond_the_travel_are_cut_in_silence(self, homed, clock):
        assert after(homed, clock, "G1 X500 F6000\n", 10.0) == "ok"
        assert "X:100.00" in after(homed, clock, "M114\n")

    def test_an_emergency_stop_kills_it_for_good(self, homed, clock):
        assert "kill() called" in after(homed, clock, "M112\n")
        assert after(homed, clock, "M114\n") == ""


@pytest.mark.parametrize(("kind", "heard"), [(Grbl, "ALARM:8"), (Marlin, "Homing Failed")])
def test_a_limit_switch_that_never_opens_ends_homing(kind, heard, clock):
    firmware = machine(kind, clock, stuck_limit=True)
    assert heard in after(firmware, clock, "$H\n" if kind is Grbl else "G28\n", 3.0)


class TestFaultsItDoesNotKnowOf:
    """The machine believes one place, and the head is at another."""

    def head_after(self, clock, *xs: float, **faults: object) -> float:
        firmware = machine(Grbl, clock, **faults)
        after(firmware, clock, "$H\n", HOMING_S)
        for x in xs:
            after(firmware, clock, f"G1 X{x} Y-20 F3000\n", 4.0)
            assert firmware.motion.position()["x"] == pytest.approx(x)
        return firmware.motion.head()["x"]

    def test_backlash_stays_behind_by_half_of_it_on_either_side(self, clock):
        assert self.head_after(clock, -50.0, backlash_mm=0.4) == pytest.approx(-49.8)
        assert self.head_after(clock, -80.0, -50.0, backlash_mm=0.4) == pytest.approx(-50.2)

    def test_skew_shifts_x_by_y(self, clock):
        assert self.head_after(clock, -50.0, skew=0.01) == pytest.approx(-50.2)

    def test_lost_steps_are_lost_until_it_is_home_again(self, clock):
        assert self.head_after(clock, -50.0, lost_mm=0.3, lost_at_move=1) == pytest.approx(-50.3)
