from __future__ import annotations

import msgspec
import pytest
from stampbench.bench.validation.certificate.certificate import CertificateAttempt, certificate_bytes
from stampbench.bench.validation.certificate.seal import sealed
from stampbench.bench.validation.plans import read_validation_plan
from stampbench.bench.validation.sampling.history import (
    CERTIFICATE_NAME,
    due_inspection,
    inspected_as_due,
    inspected_lots,
    kind_of,
    read_history,
)
from stampbench.bench.validation.sampling.sampling import Severity
from stampbench.firmware_emulator.errors import InputError

PLAN = """
[lot]
name = "L100"
part = "stamp"
nominal = "p5-60k/11"
size = 500
[sampling]
history = "lots"
[tolerances]
position_mm = 0.3
"""


@pytest.fixture
def put(tmp_path):
    def put(certificate, name=None):
        path = tmp_path / "lots" / (name or certificate.lot) / CERTIFICATE_NAME
        path.parent.mkdir(parents=True)
        path.write_bytes(sealed(certificate_bytes(certificate), ".jsonl"))
        return path

    (tmp_path / "lots").mkdir()
    return put


@pytest.fixture
def read(tmp_path):
    """Reads the plan, with changes, beside the folder of lots."""

    def read(*changes):
        text = PLAN
        for old, new in changes:
            text = text.replace(old, new)
        path = tmp_path / "plan.toml"
        path.write_text(text)
        return read_validation_plan(path)

    return read


def test_the_first_lot_is_inspected_normally(read, put):
    plan = read()
    due = due_inspection(plan)
    assert (due.inspection, due.ground) == ("normal", "no earlier lot")
    assert inspected_as_due(plan, due).sample.sample_size == 50


def test_severity_follows_from_the_certificates_of_earlier_lots(read, put, make_lot):
    for number in (3, 4):
        put(make_lot(number, decision="reject"))
    plan = read()
    due = due_inspection(plan)
    assert (due.inspection, due.lots) == ("tightened", 2)
    assert due.ground.startswith("2 of 2 lots in a row not accepted (L003, L004); 0 of 5 accepted in a row")
    tightened = inspected_as_due(plan, due).sample
    assert (tightened.severity, tightened.sample_size, tightened.accept) == (Severity.TIGHTENED, 80, 1)


def test_reduced_inspection_needs_the_word_of_the_plan(read, put, make_lot):
    for number in range(15):
        put(make_lot(number))
    assert due_inspection(read()).inspection == "normal"
    plan = read(("[sampling]", "[sampling]\nreduced = true"))
    reduced = inspected_as_due(plan, due_inspection(plan)).sample
    assert (reduced.letter, reduced.sample_size, reduced.accept) == ("J", 32, 1)


def test_other_parts_vendors_and_aqls_are_other_histories(read, put, make_lot):
    bad = make_lot(1, decision="reject")
    other_sampling = msgspec.structs.replace(bad.sampling, aql=2.5)
    for number, change in enumerate(
        ({"part": "another"}, {"vendor": "another"}, {"sampling": other_sampling}, {})
    ):
        put(msgspec.structs.replace(bad, **change), f"lot {number}")
    assert due_inspection(read()).lots == 1


def test_a_lot_counts_once_by_its_first_decision_and_not_for_itself(make_lot, read, put):
    open_, rejected, offered_again = (
        msgspec.structs.replace(make_lot(place, decision=decision), lot="L007")
        for place, decision in ((1, "measure again"), (2, "reject"), (3, "accept"))
    )
    assert [lot.accepted for lot in inspected_lots([offered_again, open_, rejected])] == [False]
    put(msgspec.structs.replace(make_lot(5), lot="L100"))
    assert due_inspection(read()).lots == 0


def test_a_lot_counts_by_its_first_attempt_even_where_that_has_no_certificate_any_more(make_lot):
    attempts = [
        CertificateAttempt(attempt=number, started_at="", decision=decision, measurements_sha256="")
        for number, decision in enumerate(("measure again", "reject", "accept"), start=1)
    ]
    second = msgspec.structs.replace(make_lot(1), attempt=3, attempts=attempts)
    assert [lot.accepted for lot in inspected_lots([second])] == [False]


def test_discontinued_inspection_needs_what_the_vendor_has_done(read, put, make_lot):
    for number in range(7):
        lot = make_lot(number, decision="reject")
        severity = "normal" if number < 2 else "tightened"
        put(msgspec.structs.replace(lot, sampling=msgspec.structs.replace(lot.sampling, severity=severity)))
    with pytest.raises(InputError, match=r"inspection of stamp is discontinued.*sampling\.resumed"):
        due_inspection(read())
    due = due_inspection(read(("[sampling]", '[sampling]\nresumed = "new insert in cavity 3"')))
    assert (due.inspection, due.ground.split(";")[0]) == ("tightened", "resumed: new insert in cavity 3")


def test_a_changed_certificate_is_no_history(read, put, make_lot):
    path = put(make_lot(1))
    path.write_bytes(path.read_bytes().replace(b"made up", b"made it"))
    with pytest.raises(InputError, match="a byte was changed"):
        due_inspection(read())


def test_a_missing_folder_is_named(tmp_path, make_lot):
    with pytest.raises(InputError, match=r"none: no such folder.*an empty one for the first lot"):
        read_history(tmp_path / "none", kind_of(make_lot(1)))


@pytest.mark.parametrize(
    ("sampling", "said"),
    [
        ('history = "lots"\nseverity = "normal"', "expected severity or history, not both"),
        ('history = "lots"\nsample = 5', "expected sample or history, not both"),
        ("reduced = true", "sampling.reduced: expected history with it"),
        ('resumed = "x"', "sampling.resumed: expected history with it"),
    ],
)
def test_what_does_not_go_together_is_refused(read, sampling, said):
    with pytest.raises(InputError, match=said):
        read(('history = "lots"', sampling))


def test_forged_certificates_of_earlier_lots_are_refused_where_keys_are_listed(read, put, make_lot):
    for number in range(15):
        put(make_lot(number))
    plan = read(('history = "lots"', 'history = "lots"\nreduced = true\nkeys = ["' + "A" * 43 + '="]'))
    with pytest.raises(
        InputError, match="not signed: expected a certificate signed with one of the 1 listed"
    ):
        due_inspection(plan)
