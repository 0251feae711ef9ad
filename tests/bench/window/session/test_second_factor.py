from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from stampbench.bench.window.session.hardened import Received
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.window.session.session import Session

    from tests.bench.window.conftest import Live, Screen

CODE = 20406
ON_GLASS = 'at = 0.0\nkey = "c"\n[[do]]\nat = 0.02\ntype = "20406\\n"\n[[do]]\nat = 0.2\nclick = "tab.factor"'
PRESS = 'at = 0.3\nkey = "space"\nseconds = 0.4'


def pressed(live: Live) -> Received:
    """Press the stamp and lift it."""
    scene = live.session.scene
    assert scene.selected is not None
    scene.press(scene.selected)
    live.run(0.4)
    scene.lift(scene.selected)
    live.run(0.5)
    received = live.session.second_factor.received
    assert received is not None
    return received


def choose(session: Session, way: str) -> None:
    """Give the selected stamp a second factor."""
    session.second_factor.choose(session.factor_code, way)


def answers(received: Received) -> dict[str, str]:
    return {answer.action: answer.reason for answer in received.answers}


@pytest.fixture
def stamped(live: Live) -> Live:
    """A stamp above the glass whose second factors are looked at."""
    live.session.arrangement.add_stamp(CODE)
    assert live.session.second_factor.prepare()
    return live


def test_pads_alone_collect_and_no_more(stamped: Live) -> None:
    received = pressed(stamped)
    assert (received.read, received.way, received.spectrum) == (CODE, "none", None)
    assert answers(received) == {
        "visit": "accepted",
        "collect": "accepted",
        "redeem": "no_factor",
        "pay": "no_factor",
    }


def test_a_tag_is_tapped_once_in_a_press_and_collects_but_does_not_pay(stamped: Live) -> None:
    choose(stamped.session, "nfc")
    received = pressed(stamped)
    assert (received.number, received.touched) == (1, True)
    assert {line.key: line.values.get("counter") for line in received.lines} == {"url": None, "tap": 1}
    assert answers(received) == {
        "visit": "accepted",
        "collect": "accepted",
        "redeem": "age_unproven",
        "pay": "age_unproven",
    }
    assert pressed(stamped).number == 2


@pytest.mark.parametrize(
    ("way", "spoil", "seconds", "reason"),
    [
        ("nfc", "replay", 0.0, "replayed"),
        ("nfc", "relay", 3.0, "accepted"),
        ("nfc", "relay", 20.0, "too_far_apart"),
        ("nfc", "relay", 60.0, "too_old"),
        ("nfc", "wrong_key", 0.0, "not_genuine"),
        ("nfc", "wrong_clock", 600.0, "not_yet"),
        ("ble", "replay", 0.0, "replayed"),
        ("ble", "relay", 600.0, "out_of_time"),
        ("ble", "wrong_key", 0.0, "not_genuine"),
        ("ble", "wrong_clock", 600.0, "not_genuine"),
        ("ble", "wrong_clock", -600.0, "out_of_time"),
        ("sound", "replay", 0.0, "not_genuine"),
        ("sound", "relay", 5.0, "accepted"),
        ("sound", "relay", 60.0, "not_genuine"),
        ("sound", "wrong_key", 0.0, "not_genuine"),
        ("sound", "wrong_clock", 600.0, "not_genuine"),
    ],
)
def test_what_is_spoilt_is_refused_with_its_reason(
    stamped: Live, way: str, spoil: str, seconds: float, reason: str
) -> None:
    session = stamped.session
    factors = session.second_factor
    choose(session, way)
    assert factors.present(stamped.clock(), CODE, touched=True, read=CODE)
    factors.spoil = spoil
    factors.set_relay(seconds)
    factors.set_clock_error(seconds)
    stamped.clock.advance(1_000_000)
    assert factors.present(stamped.clock(), CODE, touched=True, read=CODE)
    received = factors.received
    assert received is not None
    assert answers(received)["collect" if way == "nfc" else "redeem"] == reason


def test_relayed_sound_answers_no_nonce_and_does_not_pay(stamped: Live) -> None:
    factors = stamped.session.second_factor
    choose(stamped.session, "sound")
    for spoil, pay in (("genuine", "accepted"), ("relay", "not_bound")):
        factors.spoil = spoil
        factors.set_relay(1.0)
        factors.present(stamped.clock(), CODE, touched=True, read=CODE)
        assert factors.received is not None
        assert answers(factors.received)["pay"] == pay
        assert factors.received.spectrum is not None
        assert factors.received.spectrum.shape[1] == 96


def test_a_beacon_alone_is_a_visit(stamped: Live) -> None:
    choose(stamped.session, "ble")
    stamped.session.present_factor()
    received = stamped.session.second_factor.received
    assert received is not None
    assert not received.touched
    assert answers(received) == {
        "visit": "accepted",
        "collect": "no_touch",
        "redeem": "no_touch",
        "pay": "no_factor",
    }


def test_a_stamp_that_was_not_read_presents_its_factor_all_the_same(stamped: Live) -> None:
    choose(stamped.session, "nfc")
    stamped.session.scene.tilt(stamped.session.scene.selected or 0, 0.08, 0.0)
    received = pressed(stamped)
    assert (received.touched, received.read) == (True, None)
    assert answers(received)["collect"] == "not_read"


def test_each_stamp_has_a_factor_of_its_own(stamped: Live) -> None:
    session = stamped.session
    choose(session, "nfc")
    session.arrangement.set_code(7)
    assert session.second_factor.way_of(7) == "none"
    choose(session, "ble")
    session.arrangement.set_code(CODE)
    assert session.second_factor.way_of(CODE) == "nfc"


def test_on_real_glass_a_factor_is_chosen_for_every_stamp(stamped: Live) -> None:
    session = stamped.session
    session.sources.use_touch(400.0, 600.0, 0.2)
    assert session.factor_code is None
    choose(session, "nfc")
    assert session.second_factor.way_of(99) == "nfc"


def test_another_codebook_has_other_stamps(stamped: Live) -> None:
    choose(stamped.session, "nfc")
    stamped.session.arrangement.set_family("p5-60k")
    assert stamped.session.second_factor.way_of(CODE) == "none"


def test_replay_before_anything_was_received_presents_nothing(stamped: Live) -> None:
    choose(stamped.session, "nfc")
    stamped.session.second_factor.spoil = "replay"
    assert [line.key for line in pressed(stamped).lines] == ["not_recorded"]


def test_no_picture_of_the_window_holds_a_whole_proof(stamped: Live) -> None:
    session = stamped.session
    for way in ("nfc", "sound"):
        choose(session, way)
        session.present_factor()
        received = session.second_factor.received
        assert received is not None
        for line in received.lines:
            shown = str(line.values.get("url", line.values.get("mac", "")))
            assert not shown or "…" in shown
            assert len(shown) < 60


def test_the_receiver_of_sound_is_made_ready_after_a_frame_has_said_so(stamped: Live) -> None:
    choose(stamped.session, "sound")
    assert stamped.session.second_factor.preparing
    stamped.run(0.05)
    assert not stamped.session.second_factor.preparing


def test_without_the_extra_it_is_said_which(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stampbench.bench.window.session.hardened", None)
    live.session.arrangement.add_stamp(CODE)
    with pytest.raises(InputError, match=r"stampbench\[hardened\]"):
        choose(live.session, "nfc")
    assert live.session.second_factor.missing == "hardened"
    live.session.present_factor()
    assert live.session.second_factor.received is None


def test_the_tab_shows_and_spoils_it_by_mouse_and_keys(screen: Screen) -> None:
    screen.do(ON_GLASS, 'at = 0.25\nclick = "factor.nfc"', PRESS, seconds=0.95)
    first = screen.session.second_factor.received
    assert first is not None
    assert answers(first)["collect"] == "accepted"
    screen.do('at = 0.0\nkey = "u"', PRESS, seconds=0.95)
    assert screen.session.second_factor.spoil == "replay"
    second = screen.session.second_factor.received
    assert second is not None
    assert answers(second)["collect"] == "replayed"
    screen.do('at = 0.0\nclick = "tab.noise"', 'at = 0.1\nkey = "y"', 'at = 0.2\nkey = "i"', seconds=0.3)
    assert screen.window.instruments.chosen == "factor"
    assert screen.session.second_factor.way_of(CODE) == "ble"
    screen.do('at = 0.0\nclick = "factor.sound"', 'at = 0.1\nclick = "factor.genuine"', PRESS, seconds=0.95)
    assert screen.session.second_factor.received is not None
    assert screen.session.second_factor.received.spectrum is not None
    screen.do('at = 0.0\nkey = "ctrl+l"', seconds=0.2)
    assert screen.session.second_factor.way_of(CODE) == "sound"
