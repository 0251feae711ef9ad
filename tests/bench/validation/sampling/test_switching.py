from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.validation.sampling.sampling import OWN_NUMBERS, SamplingPlan, Severity, sampling_plan
from stampbench.bench.validation.sampling.switching import (
    DISCONTINUE,
    ENOUGH_SCORE,
    InspectedLot,
    Inspection,
    switching,
)

SEVERITY = {"N": Severity.NORMAL, "T": Severity.TIGHTENED, "R": Severity.REDUCED}


def lots(text, *, size=500, aql=1.0, resumed=""):
    """Lots such as "N0 N2! T1", in order: severity, nonconforming stamps, ! for one not accepted."""
    return [
        InspectedLot(
            f"L{number}",
            sampling_plan(size, aql, severity=SEVERITY[lot[0]]),
            int(lot.strip("NTR!")),
            not lot.endswith("!"),
            resumed if number == len(text.split()) else "",
        )
        for number, lot in enumerate(text.split(), start=1)
    ]


@pytest.mark.parametrize(
    ("history", "inspection"),
    [
        ("", Inspection.NORMAL),
        ("N0 N2! N0 N0 N0 N0 N2!", Inspection.NORMAL),  # six lots apart
        ("N0 N2! N0 N0 N2!", Inspection.TIGHTENED),
        ("N2! N2!", Inspection.TIGHTENED),
        ("N2! N2! T0 T0 T0 T0", Inspection.TIGHTENED),
        ("N2! N2! T0 T0 T0 T0 T0", Inspection.NORMAL),
        ("N2! N2! T0 T0 T2! T0 T0 T0 T0", Inspection.TIGHTENED),
        ("N2! N2! T2! T0 T2! T0 T2! T0 T2! T0", Inspection.TIGHTENED),
        ("N2! N2! T2! T0 T2! T0 T2! T0 T2! T0 T2!", Inspection.DISCONTINUED),
    ],
)
def test_lots_not_accepted_tighten_inspection_and_accepted_ones_relax_it(history, inspection):
    assert switching(lots(history), reduced=True).inspection is inspection


def test_fifteen_accepted_lots_allow_reduced_inspection_where_it_is_agreed():
    fourteen, fifteen = lots("N0 " * 14), lots("N0 " * 15)
    assert switching(fourteen, reduced=True).inspection is Inspection.NORMAL
    assert switching(fifteen).inspection is Inspection.NORMAL
    due = switching(fifteen, reduced=True)
    assert (due.inspection, due.score, due.lots) == (Inspection.REDUCED, 30, 15)
    assert due.ground == "production is steady, and it is agreed; switching score 30 of 30; 15 earlier lots"


def test_score_with_acceptance_numbers_of_2_and_more_looks_at_the_next_smaller_aql():
    # Lots of 1,200 at AQL 1.0: 80 stamps, Ac 2; at AQL 0.65 it would be Ac 1.
    assert switching(lots("N0 N1 N1", size=1200)).score == 9
    assert switching(lots("N0 N1 N2", size=1200)).score == 0
    assert switching(lots("N0 N1 N2 N1", size=1200)).score == 3
    ten = lots("N1 " * 10, size=1200)
    assert switching(ten, reduced=True).inspection is Inspection.REDUCED


def test_a_lot_not_accepted_starts_the_score_again():
    assert switching(lots("N0 N0 N0 N2! N0")).score == 2


def test_one_lot_not_accepted_ends_reduced_inspection_and_the_score():
    reduced = "N0 " * 15 + "R0 R0 R0"
    assert switching(lots(reduced), reduced=True).inspection is Inspection.REDUCED
    due = switching(lots(reduced + " R1!"), reduced=True)
    assert (due.inspection, due.score) == (Inspection.NORMAL, 0)
    assert "L19 was not accepted under reduced inspection" in due.ground
    assert switching(lots(reduced + " R1! N2!"), reduced=True).inspection is Inspection.TIGHTENED


def test_reduced_inspection_ends_when_production_is_no_longer_steady():
    due = switching(lots("N0 " * 15 + "R0 R0"), reduced=False)
    assert (due.inspection, due.score) == (Inspection.NORMAL, 0)
    # A lot that went back to normal inspection starts the score again, too.
    assert switching(lots("N0 " * 15 + "R0 N0"), reduced=True).score == 2


def test_discontinued_inspection_begins_tightened_once_the_vendor_has_acted():
    stopped = "N2! N2! " + "T2! " * DISCONTINUE
    due = switching(lots(stopped))
    assert due.inspection is Inspection.DISCONTINUED
    assert "5 lots not accepted under tightened inspection (L3, L4, L5, L6, L7)" in due.ground
    assert switching(lots(stopped + "T0")).inspection is Inspection.DISCONTINUED
    assert switching(lots(stopped), resumed="new insert").inspection is Inspection.TIGHTENED
    due = switching(lots(stopped + "T0", resumed="new insert"))
    assert due.inspection is Inspection.TIGHTENED
    assert due.ground == "resumed with lot L8: new insert; 1 of 5 accepted in a row since; 8 earlier lots"


def test_lots_inspected_less_strictly_than_was_due_do_not_relax_inspection():
    due = switching(lots("N2! N2! N0 N0 N0 N0 N0"))
    assert (due.inspection, due.lenient) == (Inspection.TIGHTENED, ("L3", "L4", "L5", "L6", "L7"))
    assert switching(lots("N0 N0 R0 R0")).lenient == ("L3", "L4")
    assert switching(lots("N0 N0 R0 R0")).score == 4
    # ... but one that failed even so counts.
    assert switching(lots("N2! R1!")).inspection is Inspection.TIGHTENED


def test_numbers_of_ones_own_count_only_against_a_vendor():
    own = SamplingPlan(500, 1.0, "II", Severity.NORMAL, OWN_NUMBERS, 10, 1)
    accepted = [InspectedLot(f"L{n}", own, 0, True) for n in range(20)]
    assert switching(accepted, reduced=True).score == 0
    failed = [InspectedLot(f"M{n}", own, 2, False) for n in range(2)]
    assert switching(accepted + failed).inspection is Inspection.TIGHTENED


decided = st.lists(st.booleans(), max_size=60)


@given(decided, st.booleans())
def test_inspected_as_due_no_lot_is_ever_too_lenient_and_the_state_follows_the_last_lots(results, reduced):
    history: list[InspectedLot] = []
    for number, accepted in enumerate(results):
        due = switching(history, reduced=reduced)
        assert due.lenient == ()
        if due.inspection is Inspection.DISCONTINUED:
            assert sum(not lot.accepted for lot in history) >= 2 + DISCONTINUE
            break
        plan = sampling_plan(500, 1.0, severity=Severity(due.inspection))
        history.append(InspectedLot(f"L{number}", plan, 0 if accepted else plan.reject, accepted))
        last, after = [lot.accepted for lot in history[-5:]], switching(history, reduced=reduced)
        if last.count(False) >= 2:
            assert after.inspection in (Inspection.TIGHTENED, Inspection.DISCONTINUED)
        if after.inspection is Inspection.REDUCED:
            assert reduced
            assert after.score >= ENOUGH_SCORE
            assert all(last)
        if not accepted:
            assert after.score == 0
