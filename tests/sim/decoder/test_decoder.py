from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Decoder, Verdict, constellations
from stampbench.sim.decoder.chance import FINGER_GAP_MM, spread_contacts
from stampbench.sim.decoder.reference import (
    exhaustive_candidates,
    exhaustive_code,
    exhaustive_constellations,
    exhaustive_distances_mm,
    exhaustive_margin_mm,
    exhaustive_partial,
)
from stampbench.sim.stamps import Catalogue, FaceGeometry, load_family


@pytest.fixture(scope="module")
def decoder(codebook):
    return Decoder(codebook)


@pytest.mark.kernel
@pytest.mark.parametrize("noise", [0.0, 1.0, 2.0, 6.0])
def test_code_and_distance_are_those_of_exhaustive_search(noise, decoder, codebook, press):
    rng = np.random.default_rng(5)
    for code in rng.integers(codebook.size, size=12):
        contacts = press(codebook.pads(code), rng, noise * decoder.sigma_mm)
        expected, distance = exhaustive_code(contacts, codebook.table, decoder.acceptance.radius_mm)
        reading = decoder.decode(contacts)
        assert (reading.code if reading.code is not None else -1) == expected
        assert (reading.verdict is Verdict.READ) == (expected >= 0)
        if expected >= 0:
            assert reading.distance_mm == pytest.approx(distance, abs=2e-6)


@pytest.mark.kernel
def test_margin_is_that_of_exhaustive_search(decoder, codebook, press):
    rng = np.random.default_rng(6)
    for code in range(5):
        contacts = press(codebook.pads(code), rng, 0.1)
        reading = decoder.decode(contacts)
        assert not reading.margin_is_bound
        assert reading.margin_mm >= codebook.min_distance_mm - 2.0 * reading.distance_mm
        assert reading.margin_mm == pytest.approx(exhaustive_margin_mm(contacts, codebook.table), abs=2e-6)


def test_the_only_stamp_has_no_margin(make_codebook):
    alone = make_codebook(1, min_distance_mm=math.inf)
    reading = Decoder(alone).decode(alone.pads(0))
    assert (reading.verdict, reading.margin_mm) == (Verdict.READ, None)


def test_pose_lays_the_pads_on_their_contacts(decoder, codebook, press):
    contacts = press(codebook.pads(8), np.random.default_rng(1))
    reading = decoder.decode(contacts)
    x, y, theta = reading.pose
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    np.testing.assert_allclose(
        codebook.pads(8) @ turn.T + (x, y), contacts[list(reading.contacts)], atol=1e-5
    )


def test_batch_agrees_with_single_decodes(decoder, codebook, press):
    rng = np.random.default_rng(2)
    batch = np.array([press(codebook.pads(i % 150), rng, 0.4 * (i % 4)) for i in range(60)])
    codes, distances = decoder.decode_batch(batch)
    assert codes.dtype == np.int64
    assert distances.dtype == np.float64
    for contacts, code, distance in zip(batch, codes, distances, strict=True):
        reading = decoder.decode(contacts)
        assert code == (-1 if reading.code is None else reading.code)
        assert distance == (
            math.inf if reading.code is None else pytest.approx(reading.distance_mm, abs=2e-6)
        )


def test_batch_rows_of_rubbish_are_not_read(decoder, codebook):
    batch = np.array([codebook.pads(1), np.full((5, 2), np.nan), np.zeros((5, 2)), np.full((5, 2), np.inf)])
    codes, distances = decoder.decode_batch(batch)
    assert codes.tolist() == [1, -1, -1, -1]
    assert np.isinf(distances[1:]).all()


def test_empty_batch_gives_empty_arrays(decoder):
    codes, distances = decoder.decode_batch(np.empty((0, 5, 2)))
    assert codes.shape == distances.shape == (0,)


def test_batch_of_another_shape_is_refused(decoder):
    with pytest.raises(InputError, match=r"shape \(3, 4, 2\): must be \(m, 5, 2\)"):
        decoder.decode_batch(np.zeros((3, 4, 2)))


def test_batch_of_anything_but_numbers_is_refused(decoder):
    with pytest.raises(InputError, match="must be numbers"):
        decoder.decode_batch([[["a", "b"]]])


@pytest.mark.parametrize(
    "rubbish",
    [
        np.empty((0, 2)),
        [],
        None,
        "contacts",
        [[1.0, 2.0], [3.0]],
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.full((5, 2), np.inf),
        np.full((5, 2), 1e300),
        np.zeros((5, 3)),
        np.zeros(10),
        np.zeros((2, 5, 2)),
        np.random.default_rng(0).uniform(0.0, 60.0, (100, 2)),
        np.random.default_rng(0).uniform(0.0, 60.0, (3, 2)),
    ],
    ids=repr,
)
def test_rubbish_is_none(rubbish, decoder):
    assert decoder.decode(rubbish).verdict is Verdict.NONE


def test_a_contact_reported_twice_is_taken_for_one_and_noted(decoder, codebook):
    pads = codebook.pads(0)
    reading = decoder.decode(np.vstack([pads[:1], pads]))
    assert (reading.verdict, reading.code) == (Verdict.READ, 0)
    assert reading.contacts == (0, 2, 3, 4, 5)
    assert reading.note == "1 contact reported twice"
    four = decoder.decode(np.vstack([pads[:4], pads[3:4]]))
    assert four.candidates == decoder.decode(pads[:4]).candidates
    assert decoder.decode(np.vstack([pads[:2], pads[:2], pads[:1]])).note == (
        "3 contacts reported twice; 2 contacts are too few for a stamp"
    )


COORDINATES = st.one_of(
    st.floats(width=32),
    st.floats(0.0, 100.0),
    st.sampled_from([0.0, 50.0, math.nan, math.inf, -math.inf, 1e300]),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(COORDINATES, COORDINATES), max_size=24), st.sampled_from(["known", "unknown"]))
def test_no_contacts_crash_the_decoder(codebook, contacts, scale):
    decoder = Decoder(codebook, sigma_mm=0.05, scale=scale)
    for reading in [decoder.decode(contacts), *decoder.decode_all(contacts)]:
        assert (reading.code is not None) == (reading.verdict is Verdict.READ)
        assert not (reading.code is not None and not np.isfinite(contacts).all())


@settings(max_examples=50)
@given(st.lists(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=5, max_size=5), max_size=4))
def test_no_batch_crashes_the_decoder(codebook, batch):
    points = np.array(batch).reshape(-1, 5, 2)
    codes, distances = Decoder(codebook, sigma_mm=0.05).decode_batch(points)
    assert np.array_equal(codes < 0, np.isinf(distances))
    assert (codes[~np.isfinite(points).all(axis=(1, 2))] < 0).all()


def test_a_stamp_of_no_code_is_foreign(decoder, stamps, press):
    stranger = press(stamps(1, seed=99)[0], np.random.default_rng(0))
    assert decoder.decode(stranger).verdict is Verdict.FOREIGN


@pytest.mark.parametrize("by_mm", [0.0, 0.5, 3.0])
def test_contacts_are_clear_while_exhaustive_search_finds_no_code_so_near(by_mm, decoder, codebook, press):
    rng = np.random.default_rng(6)
    for noise in (0.2, 0.6, 1.0, 1.5, 2.5):
        for code in range(20):
            contacts = press(codebook.pads(code), rng, noise)
            nearest = exhaustive_distances_mm(contacts, codebook.table).min()
            assert decoder.is_clear(contacts, by_mm) == (nearest > decoder.acceptance.radius_mm + by_mm)


def test_beyond_half_the_minimum_distance_a_code_is_read_where_no_second_is_near(codebook, press):
    noisy = Decoder(codebook, sigma_mm=0.6)
    contacts = press(codebook.pads(3), np.random.default_rng(0))
    contacts[0] += (1.9, 0.0)
    assert noisy.acceptance.radius_mm < 1.5
    reading = noisy.decode(contacts)
    assert (reading.verdict, reading.code) == (Verdict.READ, 3)


@pytest.mark.kernel
@pytest.mark.parametrize("sigma_mm", [0.3, 0.6, 1.2])
def test_codes_too_near_for_the_noise_are_the_candidates_of_exhaustive_search(sigma_mm, codebook, press):
    decoder = Decoder(codebook, sigma_mm=sigma_mm)
    rng = np.random.default_rng(15)
    for code in rng.integers(codebook.size, size=15):
        contacts = press(codebook.pads(code), rng, 0.8 * sigma_mm)
        expected = exhaustive_candidates(contacts, codebook.table, decoder.acceptance)
        reading = decoder.decode(contacts)
        assert reading.candidates == tuple(expected[:20])
        verdicts = {0: Verdict.FOREIGN, 1: Verdict.READ}
        assert reading.verdict is verdicts.get(len(expected), Verdict.AMBIGUOUS)
        codes, _ = decoder.decode_batch(contacts[np.newaxis])
        assert codes.tolist() == [-1 if reading.code is None else reading.code]


def spoilt(codebook, **near):
    """Fifty stamps and one more that lies so near to the first."""
    twin = codebook.pads(0).copy()
    twin[0, 0] += near["by_mm"]
    names = [f"s{i}" for i in range(51)]
    return Catalogue(names, np.concatenate([codebook.table[:50], twin[np.newaxis]]))


@pytest.mark.parametrize("by_mm", [0.1, 0.0])
def test_a_near_duplicate_spoils_only_itself(by_mm, codebook, press, caplog):
    decoder = Decoder(spoilt(codebook, by_mm=by_mm))
    assert "cannot be told apart at a noise of 0.40 mm: 's0' and 's50' (0." in caplog.text
    assert decoder.close_pairs[0][:2] == (0, 50)
    rng = np.random.default_rng(16)
    for code in range(1, 50):
        assert decoder.decode(press(codebook.pads(code), rng, 0.2)).code == code
    either = decoder.decode(press(codebook.pads(0), rng, 0.2))
    assert (either.verdict, set(either.candidates)) == (Verdict.AMBIGUOUS, {0, 50})


def test_a_catalogue_whose_stamps_can_be_told_apart_warns_of_nothing(codebook, caplog):
    decoder = Decoder(spoilt(codebook, by_mm=0.1), sigma_mm=0.01)
    assert decoder.close_pairs == ()
    assert not caplog.text
    assert decoder.decode(codebook.pads(0)).code == 0


def test_two_of_the_same_stamp_are_read_as_it(decoder, codebook, press):
    rng = np.random.default_rng(4)
    both = np.vstack(
        [press(codebook.pads(5), rng, 0.1), press(codebook.pads(5), rng, 0.1) + np.array([60.0, 0.0])]
    )
    assert decoder.decode(both).code == 5


def test_a_contact_under_the_stamp_does_not_hide_it_in_a_crowd(decoder, codebook, press):
    rng = np.random.default_rng(17)
    contacts = press(codebook.pads(7), rng, 0.05)
    crowd = 12.0 * np.array([(i, j) for i in range(5) for j in range(3)][:14], np.float64) + (90.0, 90.0)
    contacts = np.vstack([contacts, contacts.mean(axis=0), crowd + rng.normal(0.0, 0.5, crowd.shape)])
    read = {reading.code: reading.contacts for reading in decoder.decode_all(contacts)}
    assert sorted(read[7]) == [0, 1, 2, 3, 4]


def test_more_choices_than_are_tried_are_none_and_say_so(monkeypatch, decoder, codebook):
    monkeypatch.setattr(constellations, "MOST_CONSTELLATIONS", 3)
    contacts = np.vstack([codebook.pads(0), codebook.pads(1) + np.array([9.0, 4.0])])
    reading = decoder.decode(contacts)
    assert reading.verdict is Verdict.NONE
    assert "choices of pads" in reading.note


def test_a_batch_takes_the_coordinates_that_a_single_call_takes(decoder, codebook):
    near, far = codebook.pads(1) + 9e4, codebook.pads(1) + 2e5
    assert decoder.decode_batch(np.array([near, far]))[0].tolist() == [1, -1]
    assert [decoder.decode(contacts).code for contacts in (near, far)] == [1, None]


@pytest.mark.parametrize("threads", [0, 2])
def test_threads_do_not_change_a_batch(threads, decoder, codebook, press):
    rng = np.random.default_rng(2)
    batch = np.array([press(codebook.pads(i % 150), rng, 0.3) for i in range(90)])
    batch = np.tile(batch, (100, 1, 1))
    codes, distances = decoder.decode_batch(batch)
    again, same = decoder.decode_batch(batch, threads=threads)
    assert (again.dtype, same.dtype) == (np.int64, np.float64)
    assert np.array_equal(codes, again)
    assert np.array_equal(distances, same)


def test_a_negative_number_of_threads_is_refused(decoder):
    with pytest.raises(InputError, match="threads -1"):
        decoder.decode_batch(np.zeros((1, 5, 2)), threads=-1)


@pytest.mark.kernel
def test_four_contacts_list_every_code_that_fits(decoder, codebook, press):
    rng = np.random.default_rng(8)
    for code in range(5):
        contacts = press(codebook.pads(code), rng, 0.25)[:4]
        expected = exhaustive_partial(contacts, codebook.table, decoder.acceptance)
        reading = decoder.decode(contacts)
        assert reading.candidates == tuple(expected[:20])
        assert reading.candidates_total == len(expected)


def test_four_contacts_read_when_one_code_stands_alone(make_codebook, press):
    few = make_codebook(3, min_distance_mm=8.0)
    contacts = press(few.pads(2), np.random.default_rng(1), 0.05)[:4]
    reading = Decoder(few, sigma_mm=0.15).decode(contacts)
    assert (reading.verdict, reading.code) == (Verdict.READ, 2)
    assert sorted(reading.contacts) == [-1, 0, 1, 2, 3]
    assert reading.margin_mm > 0.0


def test_four_contacts_stand_alone_where_no_second_code_is_within_twice_the_radius(stamps):
    one = stamps(1)[0]
    seen = []
    for way_mm in np.linspace(0.5, 4.0, 36):
        other = one + np.array([[way_mm, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [60.0, 0.0]])
        decoder = Decoder(Catalogue(["one", "other"], [one, other]), sigma_mm=0.3)
        second_mm = exhaustive_distances_mm(one[:4], other[None, :4])[0]
        alone = second_mm > 2.0 * decoder.acceptance.partial_radius_mm()
        seen.append(alone)
        assert decoder.decode(one[:4]).verdict is (Verdict.READ if alone else Verdict.PARTIAL)
    assert {False, True} == set(seen)


def test_four_contacts_that_two_codes_share_are_partial(codebook, press):
    twin = codebook.pads(0).copy()
    twin[4] = -twin[4]
    pair = replace(codebook, table=np.array([codebook.pads(0), twin]))
    contacts = press(pair.pads(0)[:4], np.random.default_rng(0))
    reading = Decoder(pair).decode(contacts)
    assert reading.verdict is Verdict.PARTIAL
    assert set(reading.candidates) == {0, 1}


@pytest.mark.kernel
def test_a_stamp_among_fingers_is_read_as_exhaustive_search_reads_it(codebook, press):
    few = replace(codebook, table=codebook.table[:25])
    decoder = Decoder(few)
    rng = np.random.default_rng(11)
    for code in range(4):
        contacts = np.vstack([press(few.pads(code), rng, 0.1), rng.uniform(0.0, 100.0, (2, 2))])
        contacts = contacts[rng.permutation(7)]
        chosen = exhaustive_constellations(contacts, few.table, decoder.acceptance.radius_mm)
        assert [(tuple(sorted(r.contacts)), r.code) for r in decoder.decode_all(contacts)] == [
            found[:2] for found in chosen
        ]


def test_fifteen_fingers_do_not_hide_a_stamp(decoder, codebook, press):
    rng = np.random.default_rng(3)
    contacts = np.vstack([press(codebook.pads(40), rng, 0.1), rng.uniform(0.0, 120.0, (15, 2))])
    reading = decoder.decode(contacts)
    assert (reading.verdict, reading.code) == (Verdict.READ, 40)


def test_sixteen_fingers_are_too_many(decoder, codebook):
    contacts = np.vstack([codebook.pads(0), np.random.default_rng(3).uniform(100.0, 300.0, (16, 2))])
    assert decoder.decode(contacts).verdict is Verdict.NONE


@pytest.mark.parametrize("fingers", [1, 2, 3])
def test_a_missing_pad_among_fingers_is_read_where_few_codes_exist(fingers, make_codebook, press):
    few = make_codebook(3, min_distance_mm=8.0)
    rng = np.random.default_rng(12)
    contacts = np.vstack(
        [press(few.pads(2), rng, 0.05)[:4], [[110.0, 10.0], [115.0, 30.0], [10.0, 115.0]][:fingers]]
    )
    reading = Decoder(few, sigma_mm=0.1).decode(contacts[::-1])
    assert (reading.verdict, reading.code) == (Verdict.READ, 2)
    assert sorted(reading.contacts) == [-1, *range(fingers, fingers + 4)]


def test_four_pads_and_a_contact_under_the_stamp_are_foreign(make_codebook):
    few = make_codebook(3, min_distance_mm=8.0)
    contacts = few.pads(2).copy()
    contacts[0] = few.pads(2)[1:].mean(axis=0)
    assert Decoder(few, sigma_mm=0.1).decode(contacts).verdict is Verdict.FOREIGN


def test_two_stamps_at_once_are_both_read(decoder, codebook, press):
    rng = np.random.default_rng(4)
    both = np.vstack(
        [press(codebook.pads(5), rng, 0.1), press(codebook.pads(6), rng, 0.1) + np.array([60.0, 0.0])]
    )
    assert {reading.code for reading in decoder.decode_all(both)} == {5, 6}
    reading = decoder.decode(both)
    assert reading.verdict is Verdict.AMBIGUOUS
    assert set(reading.candidates) == {5, 6}


def test_contacts_that_make_two_codes_are_ambiguous(codebook):
    twin = codebook.pads(0).copy()
    twin[4] = -twin[4]
    pair = replace(codebook, table=np.array([codebook.pads(0), twin]))
    contacts = np.vstack([codebook.pads(0), twin[4:]])
    reading = Decoder(pair).decode(contacts)
    assert reading.verdict is Verdict.AMBIGUOUS
    assert set(reading.candidates) == {0, 1}


def test_measured_rejections_are_those_predicted(codebook, press):
    decoder = Decoder(codebook, frr=0.02)
    rng = np.random.default_rng(9)
    batch = np.array([press(codebook.pads(i % 150), rng, decoder.sigma_mm) for i in range(6000)])
    codes, _ = decoder.decode_batch(batch)
    rejected = np.count_nonzero(codes < 0)
    assert 0.02 / 1.5 < rejected / len(batch) < 0.02 * 1.5
    assert np.count_nonzero((codes >= 0) & (codes != np.arange(6000) % 150)) == 0


def test_other_pad_counts_are_read(make_codebook, press):
    for pads in (3, 4, 6):
        codes = make_codebook(30, pads=pads, min_distance_mm=1.0)
        reading = Decoder(codes).decode(press(codes.pads(9), np.random.default_rng(pads), 0.01))
        assert (reading.verdict, reading.code) == (Verdict.READ, 9)


def test_a_false_acceptance_asked_for_is_kept(codebook, stamps, press):
    decoder = Decoder(codebook, far=0.003)
    assert decoder.acceptance.far(5) == pytest.approx(0.003, rel=0.2)
    strangers = stamps(6_000, seed=98)
    codes, _ = decoder.decode_batch(strangers)
    assert 0.003 / 2.0 < np.mean(codes >= 0) < 0.003 * 2.0
    assert decoder.decode(press(codebook.pads(3), np.random.default_rng(0), 0.1)).code == 3
    with pytest.raises(InputError, match="one follows from the other"):
        Decoder(codebook, far=0.003, sigma_mm=0.1)


@pytest.mark.parametrize(("sigma_mm", "contacts"), [(0.36, 5), (0.25, 5), (0.1, 4), (0.36, 10)])
def test_stated_false_acceptance_is_that_of_strangers(sigma_mm, contacts):
    decoder = Decoder(load_family("p5-60k"), sigma_mm=sigma_mm)
    rng = np.random.default_rng(18)
    if contacts <= 5:
        strangers = itertools.islice(FaceGeometry(contacts).random_pads(rng), 1_500)
    else:
        strangers = (spread_contacts(contacts, FINGER_GAP_MM, rng) for _ in range(600))
    read = np.mean([decoder.decode(each).code is not None for each in strangers])
    stated = decoder.acceptance.far(contacts)
    assert stated / 2.0 < read < stated * 2.0


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": "any"},
        {"misread": 0.0},
        {"mm_per_unit": 0.0},
        {"sigma_mm": -1.0},
        {"frr": 2.0},
        {"far": 0.0},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(codebook, arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        Decoder(codebook, **arguments)
