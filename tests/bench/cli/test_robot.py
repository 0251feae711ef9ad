"""``stampbench robot`` at a real port: a pseudo-terminal with a machine in software behind it."""

from __future__ import annotations

import os
import threading
from contextlib import closing

import pytest
from stampbench.firmware_emulator.gcode import MachineFaults
from stampbench.sim.rig import open_channel
from stampbench.sim.robot import machine_in_software, serve_machine, station_of

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals")


@pytest.fixture(params=["grbl", "marlin"])
def machine(request, tmp_path):
    from stampbench.bench.robot.setup import write_setup

    write_setup(tmp_path / "robot.toml", station_of(request.param, "p5-60k/20406"))
    with closing(open_channel()) as channel:
        firmware = machine_in_software(request.param, MachineFaults())
        serving = threading.Thread(target=serve_machine, args=(firmware, channel))
        serving.start()
        yield request.param, channel.port, tmp_path / "robot.toml", firmware.motion
        channel.interrupt()
        serving.join()


def test_a_machine_is_told_by_what_it_says_and_moves_only_when_told(machine, stampbench):
    speaks, port, setup, motion = machine
    checked = stampbench("robot", "check", port, "--setup", setup)
    assert (checked.status, speaks in checked.out.lower()) == (0, True)
    assert set(motion.position().values()) == {0.0}
    assert stampbench("robot", "home", port).status == 0
    beyond = stampbench("robot", "jog", port, "--z", 99, "--setup", setup)
    assert (beyond.status, "lies outside" in beyond.err) == (4, True)
    to = "-10" if speaks == "grbl" else "50"
    moved = stampbench("robot", "jog", port, f"--z={to}", "--setup", setup)
    assert (moved.status, f"z {float(to):.3f}" in moved.out) == (0, True)


def test_a_robot_needs_a_rig_that_hears(stampbench, machine):
    ended = stampbench("run", "quickstart", "--robot", machine[1], "--robot-setup", machine[2])
    assert (ended.status, "expected --rig PORT beside it" in ended.err) == (4, True)


def test_a_plan_that_the_head_cannot_press_is_refused_before_anything_moves(stampbench, machine):
    _, port, setup, motion = machine
    ended = stampbench("run", "quickstart", "--robot", port, "--rig", "virtual", "--robot-setup", setup)
    assert (ended.status, "the head carries p5-60k/20406" in ended.err) == (4, True)
    assert set(motion.position().values()) == {0.0}
