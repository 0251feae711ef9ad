from __future__ import annotations

from stampbench.bench.judging.misses import misses
from stampbench.bench.records.presses import Outcome, PressRecord, ReadingRecord, Timing


def press(*, dut: bool, ours: bool, pads_after_ms: int = 10, case: str = "held") -> PressRecord:
    """Return a genuine press that the device under test read or not, and our decoder too."""

    def reading(read: bool) -> ReadingRecord:
        code, verdict = (7, "read") if read else (None, "none")
        return ReadingRecord(code=code, verdict=verdict, distance_mm=None, margin_mm=None, pose=None)

    return PressRecord(
        press=1,
        profile="nexus-5",
        case=case,
        kind="genuine",
        number=1,
        code=7,
        outcome=Outcome.PASSED if dut else Outcome.FAILED,
        reading=reading(dut),
        own_reading=reading(ours),
        timing=Timing(
            first_contact_us=20_000, all_pads_us=20_000 + 1000 * pads_after_ms, decided_us=None, reports=1
        ),
        object="p5-60k/7",
        seed=1,
        condition={},
        keyframes=[],
    )


def test_what_missed_presses_have_in_common_is_told() -> None:
    presses = [
        *(press(dut=True, ours=True) for _ in range(284)),
        *(press(dut=True, ours=True, pads_after_ms=40) for _ in range(2)),
        *(press(dut=False, ours=True, pads_after_ms=40) for _ in range(9)),
        *(press(dut=False, ours=True) for _ in range(5)),
        *(press(dut=False, ours=False) for _ in range(3)),
        press(dut=True, ours=False),
    ]
    found = misses(presses)
    assert found is not None
    assert (found.both, found.dut_only, found.ours_only, found.neither) == (286, 1, 14, 3)
    assert found.words == (
        "the app missed 14 of 300 that our decoder read: 9 with a pad landing over 30 ms late (of 11 such); "
        "3 more neither read, 1 it alone"
    )


def test_a_trait_that_all_presses_have_explains_nothing() -> None:
    found = misses([press(dut=n > 4, ours=True) for n in range(10)])
    assert found is not None
    assert found.traits == ()


def test_where_our_decoder_is_judged_there_is_nothing_beside_it() -> None:
    assert misses([]) is None
