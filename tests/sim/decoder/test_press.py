from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder, Reading, StampTracker, Verdict
from stampbench.sim.decoder import press as press_module
from stampbench.sim.decoder.press import JITTER_MM, PATIENCE_REPORTS
from stampbench.sim.decoder.reference import exhaustive_distances_mm
from stampbench.sim.stamps import load_family

INTERVAL_US = 10_000


def report(number, contacts):
    """One report of contacts given as {id: (x_mm, y_mm)}."""
    touches = tuple(
        Contact(i, True, round(10 * x), round(10 * y), float(x), float(y)) for i, (x, y) in contacts.items()
    )
    return TouchReport(number * INTERVAL_US, touches)


def still(points, reports, *, landing=None, rng=None, jitter_mm=0.0, frozen=0.0):
    """Reports of contacts that stay down, each from its landing on."""
    landing = landing or [0] * len(points)
    last = points
    made = []
    for number in range(reports):
        if rng is not None and not (number and rng.uniform() < frozen):
            last = points + rng.normal(0.0, jitter_mm, points.shape)
        made.append(report(number, {i: p for i, p in enumerate(last) if number >= landing[i]}))
    return made


def first_decision(decoder, reports):
    decisions = [decision for each in reports if (decision := decoder.feed(each)) is not None]
    assert len(decisions) <= 1
    return decisions[0] if decisions else None


@pytest.fixture(scope="module")
def decoder(codebook):
    return Decoder(codebook)


def test_two_reports_that_agree_decide(decoder, codebook, press):
    contacts = press(codebook.pads(3), np.random.default_rng(0))
    decision = first_decision(PressDecoder(decoder), still(contacts, 5))
    assert (decision.reading.verdict, decision.reading.code) == (Verdict.READ, 3)
    assert decision.decided_at_us == INTERVAL_US
    assert decision.reports_used == 2
    assert decision.first_contact_us == 0
    assert decision.all_pads_us == 0


def test_the_clock_starts_when_the_last_pad_lands(decoder, codebook, press):
    contacts = press(codebook.pads(3), np.random.default_rng(0))
    decision = first_decision(PressDecoder(decoder), still(contacts, 9, landing=[0, 1, 1, 4, 2]))
    assert decision.reading.code == 3
    assert decision.first_contact_us == 0
    assert decision.all_pads_us == 4 * INTERVAL_US
    assert decision.reports_used == 2


def test_a_pad_that_is_not_fully_down_does_not_decide(decoder, codebook, press):
    contacts = press(codebook.pads(3), np.random.default_rng(0))
    half_down = contacts.copy()
    half_down[0] += (1.0, 0.5)
    reports = [
        report(0, dict(enumerate(half_down))),
        *[report(n, dict(enumerate(contacts))) for n in (1, 2, 3)],
    ]
    decision = first_decision(PressDecoder(decoder), reports)
    assert decision.reading.code == 3
    assert decision.decided_at_us == 2 * INTERVAL_US


def test_finish_repeats_the_decision(decoder, codebook):
    press_decoder = PressDecoder(decoder)
    decision = first_decision(press_decoder, still(codebook.pads(3), 5))
    assert press_decoder.finish() is decision
    assert press_decoder.feed(report(9, {})) is None


def test_a_press_without_contacts_is_none(decoder):
    decision = PressDecoder(decoder).finish()
    assert decision.reading.verdict is Verdict.NONE
    assert decision.first_contact_us is None


def test_a_stranger_is_foreign_at_the_end(decoder, stamps):
    press_decoder = PressDecoder(decoder)
    assert first_decision(press_decoder, still(stamps(1, seed=99)[0], 10)) is None
    decision = press_decoder.finish()
    assert decision.reading.verdict is Verdict.FOREIGN
    assert decision.decided_at_us is None
    assert not decision.cancelled


@pytest.mark.parametrize("code", range(5))
def test_a_stranger_that_turns_into_a_stamp_is_read_as_soon_as_if_looked_up_each_time(
    code, decoder, codebook, press, monkeypatch
):
    contacts = press(codebook.pads(code), np.random.default_rng(code))
    off = contacts - contacts.mean(axis=0)  # a change of size is no motion
    off *= 1.5 * decoder.acceptance.radius_mm / np.linalg.norm(off)
    reports = [report(n, dict(enumerate(contacts + off * max(0.0, 1.0 - n / 40)))) for n in range(60)]
    decision = first_decision(PressDecoder(decoder), reports)
    monkeypatch.setattr(press_module, "CLEAR_MM", -1.0)
    assert decision == first_decision(PressDecoder(decoder), reports)
    assert decision.reading.code == code
    assert decision.reports_used > PATIENCE_REPORTS


def test_a_pad_that_never_lands_is_partial(codebook):
    sharing = codebook.pads(3).copy()
    sharing[4] = -sharing[4]
    pair = replace(codebook, table=np.array([codebook.pads(3), sharing]))
    press_decoder = PressDecoder(Decoder(pair))
    assert first_decision(press_decoder, still(pair.pads(0)[:4], 8)) is None
    decision = press_decoder.finish()
    assert decision.reading.verdict is Verdict.PARTIAL
    assert set(decision.reading.candidates) == {0, 1}
    assert decision.all_pads_us is None


def test_pads_may_come_and_go(decoder, codebook):
    pads = dict(enumerate(codebook.pads(3)))
    without = {i: p for i, p in pads.items() if i != 2}
    again = without | {7: pads[2]}
    press_decoder = PressDecoder(decoder)
    decision = first_decision(
        press_decoder, [report(0, pads), report(1, without), report(2, again), report(3, again)]
    )
    assert decision.reading.code == 3
    assert decision.all_pads_us == 2 * INTERVAL_US


def test_a_stamp_that_slides_and_turns_is_read(decoder, codebook):
    reports = []
    for number in range(4):
        angle = 0.05 * number
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        reports.append(
            report(number, dict(enumerate(codebook.pads(3) @ turn.T + (30.0 + 3.0 * number, 40.0))))
        )
    decision = first_decision(PressDecoder(decoder), reports)
    assert decision.reading.code == 3
    assert decision.reading.pose == pytest.approx((33.0, 40.0, 0.05), abs=1e-6)


def test_a_finger_beside_the_stamp_does_not_hide_it(decoder, codebook):
    contacts = np.vstack([codebook.pads(3), [[40.0, 40.0]]])
    decision = first_decision(PressDecoder(decoder), still(contacts, 5))
    assert decision.reading.code == 3
    assert decision.reports_used == 2


def beside_fingers(pads, fingers, rng, *, gap=2):
    """Contacts of a stamp whose pads land one by one beside fingers, most of which are down before it."""
    places = []
    while len(places) < fingers:
        place = pads.mean(axis=0) + rng.uniform(-50.0, 50.0, 2)
        if np.hypot(*(np.array([*pads, *places]) - place).T).min() > 13.0:
            places.append(place)
    landing = 8 + np.cumsum(rng.integers(0, gap + 1, 5))[rng.permutation(5)]
    early = rng.integers(0, 14, fingers) if rng.uniform() < 0.3 else rng.integers(0, 5, fingers)
    return np.array([*pads, *places]), [*landing.tolist(), *early.tolist()]


@pytest.mark.parametrize("gap", [1, 5])
@pytest.mark.parametrize("fingers", [0, 1, 2, 4])
def test_fingers_on_the_glass_cost_no_stamp_and_no_misreading(fingers, gap, press):
    decoder = Decoder(load_family("p5-60k"), sigma_mm=0.15)
    rng = np.random.default_rng([31, fingers, gap])
    for code in rng.integers(decoder.codebook.size, size=25).tolist():
        pads = press(decoder.codebook.pads(code), rng, 0.12)
        contacts, landing = beside_fingers(pads, fingers, rng, gap=gap)
        reports = still(contacts, 45, landing=landing, rng=rng, jitter_mm=JITTER_MM)
        press_decoder = PressDecoder(decoder)
        decision = first_decision(press_decoder, reports) or press_decoder.finish()
        assert decision.reading.code == code


def test_four_pads_and_a_finger_do_not_become_the_shape_of_the_press(decoder, codebook):
    contacts = np.vstack([codebook.pads(3), [[-40.0, 40.0]]])
    landing = [3, 4, 3, 12, 4, 0]
    decision = first_decision(PressDecoder(decoder), still(contacts, 20, landing=landing))
    assert decision.reading.code == 3
    assert decision.all_pads_us == 12 * INTERVAL_US


def test_contacts_keep_their_evidence_when_their_ids_change(decoder, codebook):
    contacts = np.vstack([codebook.pads(3), [[40.0, 40.0]]])
    reports = [report(n, {(i + n) % 6: p for i, p in enumerate(contacts)}) for n in range(6)]
    decision = first_decision(PressDecoder(decoder), reports)
    assert decision.reading.code == 3
    assert decision.decided_at_us == INTERVAL_US


def test_contacts_that_remain_while_others_lift_are_no_stamp(decoder, codebook):
    """Pads of one stamp and a finger that by chance lie as another's: they are alone once a pad is up."""
    fingers = codebook.pads(7)
    stranger = np.vstack([fingers, [[6.0, 40.0], [-40.0, 6.0]]])
    off = dict(enumerate(stranger)) | {0: stranger[0] + [4.0, 3.0]}
    press_decoder = PressDecoder(decoder)
    reports = [report(n, off) for n in range(8)]
    reports += [report(n, {i: p for i, p in enumerate(stranger) if i < 5}) for n in range(8, 12)]
    assert first_decision(press_decoder, reports) is None
    assert press_decoder.finish().reading.code is None


def test_a_pad_that_makes_one_contact_with_a_finger_is_found_by_the_way_it_drew_it(family_decoder):
    decoder = Decoder(family_decoder.codebook, sigma_mm=0.15)
    pads = decoder.codebook.pads(20_406)
    outwards = pads[0] / np.hypot(*pads[0])
    finger = pads[0] + 7.0 * outwards
    for drawn_mm, code in [(1.2, 20_406), (-1.2, None)]:
        merged = finger - drawn_mm * outwards
        early = [report(n, {9: finger}) for n in range(6)]
        late = [report(n, {9: merged, **dict(enumerate(pads[1:], start=1))}) for n in range(6, 24)]
        press_decoder = PressDecoder(decoder)
        assert first_decision(press_decoder, early + late) is None
        assert press_decoder.finish().reading.code == code


def test_a_pad_whose_contact_a_finger_drew_aside_is_read_by_the_others(family_decoder):
    decoder = Decoder(family_decoder.codebook, sigma_mm=0.15)
    pads = decoder.codebook.pads(20_406)
    outwards = pads[0] / np.hypot(*pads[0])
    finger = pads[0] + 11.0 * outwards
    for drawn_mm, code in [(1.1, 20_406), (-1.1, None)]:
        aside = np.vstack([pads[:1] + drawn_mm * outwards, pads[1:]])
        early = [report(n, {9: finger}) for n in range(6)]
        late = [report(n, {9: finger, **dict(enumerate(aside))}) for n in range(6, 24)]
        press_decoder = PressDecoder(decoder)
        assert first_decision(press_decoder, early + late) is None
        assert press_decoder.finish().reading.code == code


def test_two_codes_as_likely_are_both_named_at_the_end(codebook):
    twin = codebook.pads(0).copy()
    twin[4] = -twin[4]
    pair = replace(codebook, table=np.array([codebook.pads(0), twin]))
    press_decoder = PressDecoder(Decoder(pair))
    assert first_decision(press_decoder, still(np.vstack([codebook.pads(0), twin[4:]]), 9)) is None
    reading = press_decoder.finish().reading
    assert reading.verdict is Verdict.AMBIGUOUS
    assert set(reading.candidates) == {0, 1}


def test_touches_cancelled_at_the_contact_limit_are_not_blamed_on_the_stamp(decoder, codebook):
    contacts = dict(enumerate(codebook.pads(3)[:4])) | {8: (50.0, 50.0)}
    press_decoder = PressDecoder(decoder, contact_limit=5)
    assert first_decision(press_decoder, [report(0, contacts), report(1, {}), report(2, {})]) is None
    decision = press_decoder.finish()
    assert decision.cancelled
    assert decision.reading.code is None


def test_contacts_that_vanish_at_once_after_a_landing_were_cancelled(decoder, codebook):
    pads = codebook.pads(3)
    landing = [report(0, dict(enumerate(pads[:2]))), report(1, dict(enumerate(pads[:3])))]
    for number, limit, cancelled in [(4, 5, True), (17, 5, False), (4, None, False)]:
        press_decoder = PressDecoder(decoder, contact_limit=limit)
        first_decision(press_decoder, [*landing, report(number, {})])
        assert press_decoder.finish().cancelled is cancelled


@pytest.mark.parametrize(("after_us", "cancelled"), [(60_000, True), (60_001, False)])
def test_contacts_are_cancelled_within_60_ms_of_a_landing(decoder, codebook, after_us, cancelled):
    press_decoder = PressDecoder(decoder, contact_limit=5)
    first_decision(press_decoder, [report(1, dict(enumerate(codebook.pads(3)[:3])))])
    press_decoder.feed(TouchReport(INTERVAL_US + after_us, ()))
    assert press_decoder.finish().cancelled is cancelled


def test_contacts_marked_as_cancelled_are_believed(decoder, codebook):
    pads = dict(enumerate(codebook.pads(3)[:3]))
    for cancelled in (True, False):
        press_decoder = PressDecoder(decoder)
        press_decoder.feed(report(0, pads))
        gone = [contact._replace(tip=False, cancelled=cancelled) for contact in report(1, pads).contacts]
        press_decoder.feed(TouchReport(10_000, tuple(gone)))
        assert press_decoder.finish().cancelled is cancelled


def test_a_press_goes_on_after_a_cancel(decoder, codebook):
    press_decoder = PressDecoder(decoder)
    press_decoder.feed(report(0, dict(enumerate(codebook.pads(3)[:4]))))
    press_decoder.cancel()
    decision = first_decision(press_decoder, still(codebook.pads(3), 3))
    assert decision.reading.code == 3
    assert not decision.cancelled


def test_a_cancelled_press_says_so(decoder, codebook):
    press_decoder = PressDecoder(decoder)
    press_decoder.feed(report(0, dict(enumerate(codebook.pads(3)[:3]))))
    press_decoder.cancel()
    assert press_decoder.finish().cancelled


def test_contacts_without_millimetres_are_skipped(decoder):
    touches = tuple(Contact(i, True, 10 * i, 20 * i * i) for i in range(5))
    press_decoder = PressDecoder(decoder)
    press_decoder.feed(TouchReport(0, touches))
    assert press_decoder.finish().first_contact_us is None


def test_device_units_serve_where_the_scale_is_unknown(make_codebook):
    few = make_codebook(10, min_distance_mm=8.0)
    decoder = Decoder(few, sigma_mm=0.1, scale="unknown", mm_per_unit=0.01)
    touches = tuple(Contact(i, True, round(120 * x), round(120 * y)) for i, (x, y) in enumerate(few.pads(4)))
    decision = first_decision(PressDecoder(decoder), [TouchReport(n, touches) for n in range(3)])
    assert decision.reading.code == 4
    assert decision.reading.scale == pytest.approx(1 / 120, rel=1e-3)


@pytest.fixture(scope="module")
def family_decoder():
    return Decoder(load_family("p5-60k"))


def simulated(decoder, shape, rng):
    """Bias is in the shape; jitter for the report, two reports in five frozen, pads landing apart."""
    reports = still(
        shape, 12, landing=rng.integers(0, 3, 5).tolist(), rng=rng, jitter_mm=JITTER_MM, frozen=0.4
    )
    press_decoder = PressDecoder(decoder)
    return first_decision(press_decoder, reports) or press_decoder.finish()


def test_stated_error_rates_hold_in_simulation(family_decoder, press):
    rng = np.random.default_rng(21)
    family = family_decoder.codebook
    bias_mm = math.sqrt(family_decoder.sigma_mm**2 - JITTER_MM**2)
    presses, lost, wrong, used = 5_000, 0, 0, []
    for code in rng.integers(family.size, size=presses):
        decision = simulated(family_decoder, press(family.pads(int(code)), rng, bias_mm), rng)
        lost += decision.reading.code is None
        wrong += decision.reading.code not in (None, code)
        used.append(decision.reports_used)
    assert wrong == 0
    assert lost <= 14  # 99.98 % of runs at the stated rate of 0.001
    assert np.median(used) <= 3
    assert np.mean(np.array(used) <= PATIENCE_REPORTS) > 0.99


def test_repeated_looks_read_foreign_objects_no_more_often_than_predicted(family_decoder):
    rng = np.random.default_rng(22)
    family = family_decoder.codebook
    strangers = itertools.islice(family.geometry.random_pads(rng), 2_000)
    read = [simulated(family_decoder, pads, rng).reading.code is not None for pads in strangers]
    predicted = family_decoder.acceptance.far()
    assert predicted / 2.0 < np.mean(read) < predicted * 2.0


def test_the_log_odds_of_a_decision_are_at_least_those_of_the_wanted_misread_rate(decoder, codebook, press):
    contacts = press(codebook.pads(3), np.random.default_rng(0), 0.1)
    decision = first_decision(PressDecoder(decoder, misread=1e-3), still(contacts, 5))
    assert decision.log_odds >= math.log(999.0)


def test_the_log_odds_are_those_of_the_nearest_rival_there_may_be(decoder, codebook):
    d, sigma = codebook.min_distance_mm, decoder.sigma_mm
    still_ones = first_decision(PressDecoder(decoder), still(codebook.pads(3), 5))
    assert still_ones.log_odds == pytest.approx(d**2 / (2.0 * sigma**2))
    moved = codebook.pads(3) + np.array([[0.01, 0.0]] + [[0.0, 0.0]] * 4)
    reports = [report(0, dict(enumerate(codebook.pads(3)))), report(1, dict(enumerate(moved)))]
    two = first_decision(PressDecoder(decoder), reports)
    # Of the jitter, 0.06 mm as it was measured, two distinct reports leave half the variance.
    variance = sigma**2 - 0.06**2 / 2.0
    assert two.log_odds == pytest.approx(d * (d - 2.0 * two.reading.distance_mm) / (2.0 * variance))


@pytest.mark.parametrize(("more", "reports"), [(-0.01, 2), (0.01, 6)])
def test_a_code_is_read_once_its_odds_are_those_of_the_misreading_asked_for(decoder, codebook, more, reports):
    pads = codebook.pads(3)
    margin_mm = np.sort(exhaustive_distances_mm(pads, codebook.table))[1]
    odds = margin_mm**2 / (2.0 * decoder.sigma_mm**2) + more  # of the second-best code that there is
    press_decoder = PressDecoder(decoder, misread=1.0 / (1.0 + math.exp(odds)))
    assert first_decision(press_decoder, still(pads, 9)).reports_used == reports


def test_the_log_odds_bound_the_likelihoods_of_all_other_codes(codebook, press):
    decoder = Decoder(codebook)
    contacts = press(codebook.pads(3), np.random.default_rng(0), 0.1)
    decision = first_decision(PressDecoder(decoder), still(contacts, 5))
    variance = decoder.sigma_mm**2  # one distinct report
    log_likelihoods = np.sort(-(exhaustive_distances_mm(contacts, codebook.table) ** 2) / (2.0 * variance))
    assert decision.log_odds <= log_likelihoods[-1] - log_likelihoods[-2] + 1e-9


def test_a_missing_pad_beside_a_finger_is_read_at_the_end(make_codebook):
    few = make_codebook(3, min_distance_mm=8.0)
    contacts = np.vstack([few.pads(1)[:4], [[80.0, 80.0]]])
    press_decoder = PressDecoder(Decoder(few, sigma_mm=0.1))
    assert first_decision(press_decoder, still(contacts, 5)) is None
    decision = press_decoder.finish()
    assert (decision.reading.verdict, decision.reading.code) == (Verdict.READ, 1)
    assert decision.log_odds is None


def test_a_missing_pad_beside_two_fingers_is_read_at_the_end(make_codebook):
    few = make_codebook(3, min_distance_mm=8.0)
    contacts = np.vstack([[[80.0, 80.0]], few.pads(1)[:4], [[-70.0, 80.0]]])
    press_decoder = PressDecoder(Decoder(few, sigma_mm=0.1))
    assert first_decision(press_decoder, still(contacts, 5)) is None
    assert press_decoder.finish().reading.code == 1


@pytest.mark.parametrize(
    ("contacts", "words"),
    [(5, "read as code 3"), (4, "codes fit the others"), (2, "not enough contacts")],
)
def test_a_decision_explains_itself(contacts, words, codebook):
    sharing = codebook.pads(3).copy()
    sharing[4] = -sharing[4]
    table = np.concatenate([codebook.table[:4], [sharing]])
    press_decoder = PressDecoder(Decoder(replace(codebook, table=table)))
    first_decision(press_decoder, still(codebook.pads(3)[:contacts], 5))
    assert words in press_decoder.finish().explanation


def test_a_stranger_and_a_choice_of_codes_explain_themselves():
    assert "no code is near" in PressDecision(Reading(Verdict.FOREIGN)).explanation
    ambiguous = Reading(Verdict.AMBIGUOUS, candidates=(1, 2), candidates_total=2)
    assert "2 codes are possible" in PressDecision(ambiguous).explanation


def test_a_cancelled_press_does_not_blame_the_stamp(decoder, codebook):
    press_decoder = PressDecoder(decoder, contact_limit=5)
    four_pads_and_a_finger = dict(enumerate(codebook.pads(3)[:4])) | {8: (50.0, 50.0)}
    first_decision(press_decoder, [report(0, four_pads_and_a_finger), report(1, {})])
    assert "the stamp is not to blame" in press_decoder.finish().explanation


COORDINATES = st.one_of(st.floats(0.0, 60.0), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, 30.0]))
TOUCHES = st.lists(st.tuples(st.integers(0, 8), st.booleans(), COORDINATES, COORDINATES), max_size=12)


@settings(max_examples=60)
@given(st.lists(TOUCHES, max_size=8))
def test_no_reports_crash_the_press_decoder_or_the_tracker(codebook, touches):
    decoder = Decoder(codebook)
    press_decoder, tracker = PressDecoder(decoder, contact_limit=5), StampTracker(decoder)
    for number, contacts in enumerate(touches):
        each = TouchReport(number, tuple(Contact(i, tip, 0, 0, x, y) for i, tip, x, y in contacts))
        press_decoder.feed(each)
        tracker.feed(each)
    reading = press_decoder.finish().reading
    assert (reading.code is not None) == (reading.verdict is Verdict.READ)
