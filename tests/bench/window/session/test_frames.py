from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from stampbench.bench.window.session.hand_rig import HandRig
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.panel import Profile
from stampbench.sim.stamps import Family

from ..conftest import Live, new_live
from .test_hand_rig import panel


def test_two_stamps_are_read_from_frames_and_the_picture_says_so(
    family: Family, nexus: Profile, tmp_path: Path
) -> None:
    live = new_live(family, nexus, tmp_path, frames=True)
    for code, y_mm in ((123, 27.0), (45, 82.0)):
        live.session.scene.press(live.session.arrangement.add_stamp(code, 30.8, y_mm, 0.3))
    live.run(0.5)
    picture = live.session.look()
    assert picture.read_from == "frames"
    assert {reading.code for reading in picture.readings} == {123, 45}


def test_contacts_are_read_unless_frames_are_asked_for(live: Live) -> None:
    live.press_stamp(123)
    assert live.session.look().read_from == "contacts"


def test_frames_of_a_press_by_hand_come_ahead_of_their_reports() -> None:
    came: list[int] = []
    rig = HandRig("nexus-5", lambda *_: None)
    frames = [Frame(10_000 * n, np.zeros((27, 15), np.int16)) for n in range(4)]
    touch = (Contact(1, True, 0, 0, 1.0, 1.0),)
    reports = [TouchReport(frame.t_us, touch if n == 1 else ()) for n, frame in enumerate(frames)]
    source = panel()
    rig.give(0, source, [frames[0], reports[0]])
    with rig.opened():
        watch = rig.watch(
            first_contact_s=math.inf, quiet_us=10_000, on_frame=lambda frame: came.append(frame.t_us)
        )
        assert next(watch) == reports[0]
        assert came == [0]
        assert next(watch) is None
        rig.give(16_667, source, [frames[1], reports[1], frames[2], reports[2]])
        assert next(watch) == reports[1]
        assert came == [0, 10_000]
