from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder import Decoder, StampTracker


def report(contacts):
    return TouchReport(0, tuple(Contact(i, True, 0, 0, float(x), float(y)) for i, (x, y) in contacts.items()))


def placed(pads, x=30.0, y=40.0, theta=0.0):
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    return dict(enumerate(pads @ turn.T + (x, y)))


@pytest.fixture
def tracker(codebook):
    return StampTracker(Decoder(codebook))


def test_pose_is_given_at_every_report(tracker, codebook):
    for step in range(8):
        (stamp,) = tracker.feed(report(placed(codebook.pads(3), 30.0 + step, 40.0, 0.1 * step)))
        assert (stamp.track, stamp.code) == (1, 3)
        assert stamp.pose == pytest.approx((30.0 + step, 40.0, 0.1 * step), abs=1e-6)


def test_angle_goes_on_past_half_a_turn(tracker, codebook):
    angles = [
        tracker.feed(report(placed(codebook.pads(3), theta=0.3 * step)))[0].pose[2] for step in range(30)
    ]
    np.testing.assert_allclose(np.diff(angles), 0.3, atol=1e-6)


def test_identity_survives_two_pads_dropping_out(tracker, codebook):
    whole = placed(codebook.pads(3))
    tracker.feed(report(whole))
    (stamp,) = tracker.feed(report({i: whole[i] for i in (0, 2, 4)}))
    assert (stamp.track, stamp.code, stamp.pads_seen) == (1, 3, 3)
    assert stamp.pose == pytest.approx((30.0, 40.0, 0.0), abs=1e-6)


def test_a_pad_that_lands_again_rejoins(tracker, codebook):
    whole = placed(codebook.pads(3))
    tracker.feed(report(whole))
    partly = {i: whole[i] for i in (0, 1, 2)}
    tracker.feed(report(partly))
    (stamp,) = tracker.feed(report(partly | {11: whole[4], 12: whole[3]}))
    assert stamp.track == 1
    assert stamp.pads_seen == 5
    assert {11, 12} < set(stamp.contacts)


def test_a_finger_does_not_take_the_place_of_a_pad(tracker, codebook):
    whole = placed(codebook.pads(3))
    tracker.feed(report(whole))
    partly = {i: whole[i] for i in (0, 1, 2, 3)}
    (stamp,) = tracker.feed(report(partly | {11: whole[4] + (2.5, 0.0)}))
    assert (stamp.track, stamp.pads_seen) == (1, 4)
    (stamp,) = tracker.feed(report(whole))
    assert stamp.pads_seen == 5


def test_three_lost_pads_end_the_track(tracker, codebook):
    whole = placed(codebook.pads(3))
    tracker.feed(report(whole))
    assert tracker.feed(report({i: whole[i] for i in (0, 1)})) == ()
    (stamp,) = tracker.feed(report(whole))
    assert stamp.track == 2


def test_two_stamps_are_followed_apart(tracker, codebook):
    first = placed(codebook.pads(3))
    for step in range(4):
        second = {i + 10: p for i, p in placed(codebook.pads(9), 110.0, 40.0 + step).items()}
        stamps = tracker.feed(report(first | second))
        assert {stamp.code: stamp.pose[1] for stamp in stamps} == pytest.approx({3: 40.0, 9: 40.0 + step})
    assert [stamp.code for stamp in tracker.feed(report(first))] == [3]
