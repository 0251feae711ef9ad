"""What comes from outside, however hostile, is taken in at one door and shown as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import (
    checked_name,
    csv_cell,
    from_csv_cell,
    parse_toml,
    printable,
    told,
    write_beside,
)


@pytest.mark.parametrize("name", ["crown", "왕관 1", "  anchor ", "$x^{$", "=1+1", "a" * 80])
def test_a_name_that_can_be_printed_is_taken_without_blanks_around_it(name: str) -> None:
    assert checked_name(name, "stamps.toml") == name.strip()


@pytest.mark.parametrize(
    "name",
    ["", " ", "a" * 81, "a\n", "a\nb", "a\x85b", "a\u2028b", "a\u2029b", "a\x00", "\x1b[31mred", "a\u202eb"],
)
def test_a_name_that_acts_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(
        InputError, match=r"stamps.toml: name = .*expected a name of 1 to 80 printable"
    ) as caught:
        checked_name(name, "stamps.toml: name =")
    assert str(caught.value).isprintable()


def test_what_cannot_be_printed_is_escaped_and_the_rest_stays() -> None:
    assert printable("한글 é $x$ \u00a0") == "한글 é $x$ \u00a0"
    assert printable("\x1b[2J\x00\u202e\x85\u2028") == r"\x1b[2J\x00\u202e\x85\u2028"
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert len(told("x" * 1000)) == 200


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "'quoted", "crown", ""])
def test_no_cell_is_a_formula_and_reads_back_as_it_was(text: str) -> None:
    cell = str(csv_cell(text))
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert from_csv_cell(cell) == text
    assert csv_cell(-1.5) == -1.5


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "a = " + "{a=" * 5000,
        ".".join(["a"] * 20_000) + " = 1",
        " . ".join(['"a"'] * 20_000) + " = 1",
        "a = " + "9" * 5000,
        "a = 2026-13-45",
        "a = 1\na = 2",
    ],
    ids=["arrays", "tables", "dotted", "quoted", "digits", "date", "twice"],
)
def test_hostile_toml_is_refused_at_once(text: str) -> None:
    with pytest.raises(InputError, match=r"^plan.toml: not TOML: "):
        parse_toml(text, "plan.toml")


def test_toml_with_long_texts_is_read() -> None:
    words = " ".join(["word"] * 10_000)
    assert parse_toml(f'a.b.c = "{words}"', "plan.toml") == {"a": {"b": {"c": words}}}


def test_a_file_replaces_a_link_and_leaves_what_the_link_showed(tmp_path: Path) -> None:
    target, link = tmp_path / "precious", tmp_path / "report.html"
    target.write_text("kept")
    link.symlink_to(target)
    write_beside(link, b"new")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("kept", "new", False)


def test_what_is_no_file_is_written_as_it_is() -> None:
    write_beside(Path("/dev/null"), b"gone")
    assert Path("/dev/null").is_char_device()
