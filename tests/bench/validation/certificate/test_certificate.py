from __future__ import annotations

import json
import re
import shutil
import subprocess

import msgspec
import numpy as np
import pytest
from stampbench.bench.capacity.losses import LossCurve, loss_curves
from stampbench.bench.validation.attempts import Attempt, append_attempt
from stampbench.bench.validation.certificate.certificate import (
    certificate_bytes,
    read_certificate,
)
from stampbench.bench.validation.certificate.checking import check_certificate
from stampbench.bench.validation.certificate.export import certificate_csv, certificate_dfq
from stampbench.bench.validation.certificate.making import judge_records, make_certificate
from stampbench.bench.validation.certificate.report import render_page, write_certificate
from stampbench.bench.validation.certificate.seal import (
    load_signing_key,
    make_signing_key,
    public_key_of,
    sealed,
)
from stampbench.bench.validation.certificate.sheet import render_pdf
from stampbench.bench.validation.certificate.words import weak_said
from stampbench.firmware_emulator.errors import InputError

from ..conftest import NOMINAL


@pytest.fixture(scope="module", autouse=True)
def _made_up(units):
    """The stamps of these lots are of no family, and were not drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stampbench.bench.validation.certificate.making.nominal_pads_mm", lambda name: NOMINAL)
        patch.setattr("stampbench.bench.validation.certificate.making.draw_sample", lambda plan: units)
        yield


@pytest.fixture(scope="module")
def written(press_lot, write_measurements, tmp_path_factory):
    """A certificate, and the directory it was written to."""
    directory = tmp_path_factory.mktemp("lot")
    off = np.zeros((5, 2))
    off[2, 1] = 0.8
    write_measurements(press_lot(stamps={"S1": off}, missing={"S2": 1}), directory)
    certificate = make_certificate(judge_records(directory))
    write_certificate(certificate, directory)
    return certificate, directory


@pytest.fixture(scope="module")
def certificate(written):
    return written[0]


@pytest.fixture
def files(written, tmp_path):
    """A copy of all that was written."""
    shutil.copytree(written[1], tmp_path, dirs_exist_ok=True)
    return {path.suffix: path for path in sorted(tmp_path.glob("certificate.*"))}


def test_certificate_is_read_back_whole(certificate, files):
    assert files.keys() == {".jsonl", ".html", ".pdf"}
    assert read_certificate(files[".jsonl"]) == certificate
    assert all(check_certificate(path).holds for path in files.values())
    assert check_certificate(files[".jsonl"]).recomputed is True
    assert "as sealed and recomputed" in check_certificate(files[".jsonl"]).sentence


def test_a_page_that_somebody_else_sealed_is_not_of_the_signed_data_beside_it(certificate, files, tmp_path):
    make_signing_key(tmp_path / "station.pem")
    key = load_signing_key(tmp_path / "station.pem")
    signed = {path.suffix: path for path in write_certificate(certificate, tmp_path / "signed", key)}
    for suffix in (".html", ".pdf"):
        assert check_certificate(signed[suffix]).holds
        signed[suffix].write_bytes(files[suffix].read_bytes())  # the same words, sealed without a key
        check = check_certificate(signed[suffix])
        assert not check.holds
        assert "it is signed by nobody, certificate.jsonl beside it by " in check.sentence


def _attempted(directory, **after):
    """Seal a certificate as of attempt 1 of a log, in which a further line follows its own."""
    line = Attempt(attempt=1, event="begun", directory=".", started_at="monday", plan_sha256="")
    begun = append_attempt(directory, line)
    certificate = make_certificate(judge_records(directory), [begun])
    append_attempt(directory, msgspec.structs.replace(line, event="certified", **after))
    path = directory / "certificate.jsonl"
    path.write_bytes(sealed(certificate_bytes(certificate), ".jsonl"))
    return check_certificate(path)


def test_records_are_those_that_the_log_says_were_certified(certificate, files, tmp_path):
    assert _attempted(tmp_path, measurements_sha256=certificate.measurements_sha256).holds


def test_records_that_were_changed_and_certified_again_are_not_those_of_the_log(files, tmp_path):
    check = _attempted(tmp_path, measurements_sha256="f" * 64)
    assert not check.holds
    assert "the records of attempt 1 were changed since they were certified" in check.sentence


def test_a_certificate_is_told_with_the_attempts_that_followed_it(files, tmp_path):
    check = _attempted(tmp_path, attempt=2, started_at="tuesday", decision="reject")
    assert check.holds
    assert "; attempt 2 of tuesday followed: reject" in check.sentence


def test_panels_on_which_the_stamps_are_weak_are_named(written, press_lot, write_measurements, tmp_path):
    certificate, _ = written
    write_measurements(press_lot(), tmp_path)
    wide = LossCurve((1.661, 0.6601, 0.01696))
    again = make_certificate(
        judge_records(tmp_path), curves={"wide": wide, "fine": LossCurve((-40.0, 0.0, 0.0))}
    )
    (weak,) = again.weak
    assert (weak.panel, weak.serials) == ("wide", [])
    assert weak.loss == pytest.approx(float(wide.losses(NOMINAL[np.newaxis])[0]), abs=1e-5)
    assert weak_said(again) == [f"wide: {100.0 * weak.loss:.2g} % of presses expected lost"]
    assert weak_said(again)[0] in render_page(again, certificate_bytes(again)).decode()
    # Judged again by the curves that it holds, whatever is known by then.
    assert certificate.loss_curves == {name: curve.terms for name, curve in loss_curves().items()}
    write_certificate(again, tmp_path)
    assert check_certificate(tmp_path / "certificate.jsonl").recomputed is True


def test_same_certificate_gives_the_same_bytes(certificate, files, tmp_path):
    again = write_certificate(certificate, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [files[path.suffix].read_bytes() for path in again]


def test_no_certificate_is_overwritten(certificate, files):
    before = files[".jsonl"].read_bytes()
    again = write_certificate(certificate, files[".jsonl"].parent)
    assert [path.name for path in again] == [
        f"certificate-2{suffix}" for suffix in (".jsonl", ".html", ".pdf")
    ]
    assert files[".jsonl"].read_bytes() == before


@pytest.mark.parametrize("suffix", [".jsonl", ".html", ".pdf"])
def test_a_changed_byte_anywhere_in_a_certificate_is_noticed(files, suffix):
    data = files[suffix].read_bytes()
    for place in np.random.default_rng(0).integers(0, len(data), 60):
        changed = bytearray(data)
        changed[place] ^= 1
        files[suffix].write_bytes(changed)
        assert not check_certificate(files[suffix]).holds


def test_changed_measurements_are_noticed(files):
    records = files[".jsonl"].with_name("measurements.jsonl")
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(line for line in lines if b'"line":"press","serial":"S1"' not in line))
    check = check_certificate(files[".jsonl"])
    assert (check.holds, check.seal.holds) == (False, True)
    for said in ("DIFFERS", "decision is", "missing is []"):
        assert said in check.sentence


def test_an_edited_and_resealed_certificate_is_noticed_by_its_records(files):
    data = files[".jsonl"].read_bytes().splitlines(keepends=True)[0]
    forged = data.replace(b'"decision":"accept"', b'"decision":"reject"', 1)
    files[".jsonl"].write_bytes(sealed(forged, ".jsonl"))
    check = check_certificate(files[".jsonl"])
    assert check.seal.holds
    assert "recomputed" in check.sentence
    assert not check.holds


def test_without_records_it_is_said_that_they_are_absent(files):
    files[".jsonl"].with_name("measurements.jsonl").unlink()
    check = check_certificate(files[".jsonl"])
    assert check.holds
    assert "as sealed, records absent" in check.sentence


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_the_page_of_another_lot_is_noticed_beside_a_certificate(files, suffix):
    other = read_certificate(files[".jsonl"])
    pages = write_certificate(msgspec.structs.replace(other, lot="another"), files[".jsonl"].parent / "other")
    page = next(path for path in pages if path.suffix == suffix)
    files[suffix].write_bytes(page.read_bytes())
    check = check_certificate(files[suffix])
    assert check.seal.holds
    assert not check.holds
    assert "does not show certificate.jsonl" in check.sentence


def test_an_unsigned_certificate_is_not_called_changed(files):
    check = check_certificate(files[".jsonl"], "A" * 43 + "=")
    assert not check.holds
    assert "NOT TRUSTED: as it was sealed, but it is not signed" in check.sentence


def test_page_says_what_the_data_say(certificate, files):
    page = files[".html"].read_text()
    data = re.search(r'<script type="application/json" id="certificate">(.*?)</script>', page, re.S)
    assert json.loads(data[1])["lot"] == "made up"
    assert page.count('class="pill accept"') == certificate.count("accept") == 8
    for text in ("pad 1 missing", "S1", "rig B", "Ac 1, Re 2"):
        assert text in page


def test_stamps_of_different_kinds_have_no_common_picture(certificate):
    mixed = msgspec.structs.replace(certificate, nominal_mm=[], dimensions=[], corrections=[], gauge=None)
    page = render_page(mixed, certificate_bytes(mixed)).decode()
    assert "stamps of different kinds" in page
    assert "no gauge study" in page


def test_a_name_cannot_break_out_of_the_page(certificate):
    evil = msgspec.structs.replace(certificate, part="</script><script>alert(1)</script>")
    assert b"<script>alert" not in render_page(evil, certificate_bytes(evil))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize(("stamps", "pages"), [(10, 1), (200, 1), (240, 2)])
def test_sheet_has_a_line_for_every_stamp(certificate, files, stamps, pages):
    sheet, serials = files[".pdf"], [stamp.serial for stamp in certificate.stamps]
    if stamps > 10:
        serials = [f"N{n:04d}" for n in range(stamps)]
        many = [
            msgspec.structs.replace(certificate.stamps[n % 10], serial=serial)
            for n, serial in enumerate(serials)
        ]
        larger = msgspec.structs.replace(certificate, stamps=many)
        sheet.write_bytes(render_pdf(larger, certificate_bytes(larger)))
    text = subprocess.run(
        ["pdftotext", "-layout", sheet, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert text.count("\f") == pages
    assert ("page 2 of 2" in text) == (pages == 2)
    assert all(serial in text for serial in serials)
    assert "REJECTED" in text


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_words_on_the_sheet_do_not_run_into_each_other(certificate, files):
    long = msgspec.structs.replace(
        certificate,
        lot="a lot with a name of many letters, which a vendor may well think of",
        vendor="Example Mouldings of $Somewhere$ and Sons, Limited, formerly Example and Partners",
        stamps=[
            msgspec.structs.replace(certificate.stamps[n % 10], serial=f"2026-{n:08d}") for n in range(120)
        ],
    )
    files[".pdf"].write_bytes(render_pdf(long, certificate_bytes(long)))
    boxes = subprocess.run(
        ["pdftotext", "-bbox", files[".pdf"], "-"], capture_output=True, text=True, check=True
    ).stdout
    width = float(re.search(r'<page width="([\d.]+)"', boxes)[1])
    words = np.array(
        re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"', boxes), float
    )
    assert (words[:, 0] > 0.05 * width).all()
    assert (words[:, 2] < 0.93 * width).all()
    x0, y0, x1, y1 = words.T
    wide = np.minimum(x1, x1[:, None]) - np.maximum(x0, x0[:, None])
    high = np.minimum(y1, y1[:, None]) - np.maximum(y0, y0[:, None])
    overlap = np.triu((wide > 0.5) & (high > 0.5 * (y1 - y0)), 1)
    assert not overlap.any(), words[np.argwhere(overlap)[0]]


def test_sheet_says_why_inspection_was_so_severe_and_what_such_a_sample_finds(certificate, files):
    sampling = msgspec.structs.replace(
        certificate.sampling, severity="reduced", ground="switching score 32 of 30; 16 earlier lots"
    )
    reduced = msgspec.structs.replace(certificate, sampling=sampling, unknown_cavities=[2])
    page = render_page(reduced, certificate_bytes(reduced)).decode()
    for text in (
        "Why reduced inspection",
        "switching score 32 of 30; 16 earlier lots",
        "10 stamps, Ac 1, Re 2: not a plan of ISO 2859-1",
        "100 % of lots with 1 % bad stamps pass, 10 % of those with 34 %",
        "cavity 2: fewer than 3 whole stamps in the sample, nothing can be said",
        "position \N{PLUS-MINUS SIGN} 0.3 mm, level 0.6 to 1.4, evenness 40 %, flatness 0.15 mm",
    ):
        assert text in page


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "certificate.txt"
    path.write_text("x")
    with pytest.raises(InputError, match=r"\.jsonl, \.html, \.pdf"):
        check_certificate(path)
    with pytest.raises(InputError, match="absent"):
        check_certificate(tmp_path / "absent.pdf")


def test_a_lot_is_a_table_of_its_coordinates(certificate):
    lines = certificate_csv(certificate).splitlines()
    assert lines[0].startswith("lot,part,serial,cavity,characteristic,unit,deviation,uncertainty,lower,upper")
    assert len(lines) == 1 + 10 * (5 * 2 + 5 + 2)
    row = next(line for line in lines if ",S1,2,pad 3 y," in line).split(",")
    assert (row[5], row[8:]) == ("mm", ["-0.3", "0.3", "reject"])
    assert 0.3 < float(row[6]) < 0.8


def test_a_lot_is_a_file_of_k_fields(certificate):
    lines = certificate_dfq(certificate).split("\r\n")
    assert lines[:3] == ["K0100 17", "K1001 test stamp", "K1002 test stamp"]
    assert [line for line in lines if line[:9] in ("K2002/6 p", "K2142/6 m", "K2110/6 -", "K2111/6 0")] == [
        "K2002/6 pad 3 y",
        "K2142/6 mm",
        "K2110/6 -0.3",
        "K2111/6 0.3",
    ]
    values = [line.partition(" ")[2] for line in lines if line.startswith("K0001/6 ")]
    serials = [line.partition(" ")[2] for line in lines if line.startswith("K0014/6 ")]
    assert 0.3 < float(values[serials.index("S1")]) < 0.8
    counts = [line.partition(" ")[2] for line in lines if line.startswith("K0002/6 ")]
    assert [serial for serial, count in zip(serials, counts, strict=True) if count == "255"] == ["S2"]


def test_a_certificate_of_a_key_that_is_not_listed_is_refused(certificate, tmp_path):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    path = write_certificate(certificate, tmp_path, keys[0])[0]
    assert read_certificate(path, [public_key_of(keys[0])]) == certificate
    with pytest.raises(InputError, match="expected a certificate signed with one of the 1 listed keys"):
        read_certificate(path, [public_key_of(keys[1])])
