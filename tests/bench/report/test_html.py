from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import pytest
from stampbench.bench.judging.assessment import judge, measure
from stampbench.bench.judging.tallies import Sample
from stampbench.bench.plans.tables import Limit
from stampbench.bench.records.presses import Outcome
from stampbench.bench.report import limit_rows, press_cards, report_run, shown_presses
from stampbench.firmware_emulator.errors import InputError


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures need the simulated panel; here the page itself is looked at."""
    monkeypatch.setattr(press_cards, "_picture", lambda *_: None)


@pytest.fixture
def page(write_run):
    def render(presses, **how):
        directory = write_run(presses, **how)
        report_run(directory)
        return (directory / "report.html").read_text(encoding="utf-8")

    return render


class Outline(HTMLParser):
    """Notes what a page loads from elsewhere, and whether its elements are closed in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input"})

    def __init__(self):
        super().__init__()
        self.open = []
        self.loads = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") and value[:5] != "data:"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_self_contained_and_well_formed(page, make_press):
    outline = Outline()
    outline.feed(
        page([make_press(1), make_press(2, read=9), make_press(3, kind="foreign", verdict="foreign")])
    )
    assert outline.open == []
    assert [target for target in outline.loads if not target.startswith("#")] == []


def test_verdict_comes_first(page, make_press):
    text = page([make_press(n, read=9) for n in range(1, 5)])
    assert text.index("failed") < text.index("1 of 2 limits missed") < text.index("Measurements against")


def test_rate_stands_with_k_n_interval_and_limit(page, make_press):
    text = page([make_press(1, read=9), *(make_press(n) for n in (2, 3, 4))]).replace("\u202f", " ")
    for part in ("25.0 %", "1 of 4", "0.631 \N{EN DASH} 80.6 %", "≤ 50.0 %"):
        assert part in text


def test_zero_failures_are_told_as_the_claim_they_allow(page, make_press):
    text = page([make_press(n) for n in range(1, 5)]).replace("\u202f", " ")
    assert "0 of 4: at most 52.7 % with 95 % confidence (one-sided)" in text


def test_each_of_the_worst_presses_has_its_replay_command(page, make_press):
    presses = [make_press(n) for n in range(1, 30)] + [
        make_press(30, read=9),
        make_press(31, verdict="ambiguous"),
    ]
    text = page(presses)
    gallery = text[text.index("The worst presses") :]
    assert gallery.index("--press 30<") < gallery.index("--press 31<")
    assert gallery.count("<code>stampbench replay ") == shown_presses.GALLERY_SIZE


def test_a_press_that_the_phone_cancelled_is_shown_with_that_reason(page, make_press):
    text = page([make_press(1, read=None, verdict="none", message="the phone cancelled all touches")])
    assert "not read (none): the phone cancelled all touches" in text


def test_killed_run_is_told_as_such(page, make_press):
    text = page([make_press(1)], status=None)
    assert "This run did not end" in text
    assert "interrupted" in text


def test_bench_faults_are_listed_with_their_cause(page, make_press):
    text = page([make_press(1), make_press(2, outcome=Outcome.ERROR, message="3 lost <b>")])
    assert "3 lost &lt;b&gt;" in text


def test_run_without_presses_has_a_page(page):
    assert "no press was made" in page([])


def test_reports_can_go_elsewhere(write_run, make_press, tmp_path):
    report_run(write_run([make_press(1)]), tmp_path / "other")
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == [
        "junit.xml",
        "report.html",
        "summary.json",
    ]


def test_destination_that_is_a_file_is_told(write_run, make_press, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a writable directory"):
        report_run(write_run([make_press(1)]), tmp_path / "file")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "1", "0 %"),
        (0.01834, "1", "1.83 %"),
        (0.000123, "1", "0.0123 %"),
        (1.0, "1", "100 %"),
        (1e-8, "1", "1.00e\N{MINUS SIGN}06 %"),
        (62.04, "ms", "62.0 ms"),
        (1234.5, "ms", "1,234 ms"),
        (0.2134, "mm", "0.213 mm"),
        (None, "mm", "\N{EN DASH}"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(value, unit, text):
    assert limit_rows.number(value, unit).replace("\u202f", " ") == text


def test_gauge_has_room_beyond_the_largest_number():
    sample = Sample(k=1, n=10)
    measured = dataclasses.replace(measure("frr", sample, profile="p", case=None), low=0.05, high=0.2)
    bar = limit_rows.gauge(judge(measured, Limit(measurement="frr", max=0.4)))
    assert bar is not None
    assert (bar.allowed_from, round(bar.allowed_to, 3), round(bar.value, 3)) == (0.0, 86.957, 21.739)
