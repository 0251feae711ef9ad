"""Answers that come beside the way in: over HTTP, and from a phone's log."""

from __future__ import annotations

import queue
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stampbench.bench.dut.answers import Said, understood
from stampbench.bench.dut.hearing import AnswerServer, hearing_logcat
from stampbench.bench.plans.tables import DutAnswer

WAIT_S = 20.0


def said(heard: queue.SimpleQueue[Said]) -> tuple[int | str | None, str]:
    one = heard.get(timeout=WAIT_S)
    return (one.value, one.why) if not one.fault else ("fault", one.fault)


@contextmanager
def serving() -> Iterator[tuple[AnswerServer, queue.SimpleQueue[Said]]]:
    heard: queue.SimpleQueue[Said] = queue.SimpleQueue()
    server = AnswerServer(DutAnswer(http=True, none=["nothing"]), heard)
    yield server, heard
    server.close()


def call(address: str, body: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body), timeout=WAIT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    ("query", "body", "value"),
    [
        ("?code=20406", None, ("20406", "")),
        ("?code=S001", None, ("S001", "")),
        ("", b'{"code": 20406}', (20406, "")),
        ("", b'{"code": null, "why": "two pads"}', (None, "two pads")),
        ("", b"code=S001&why=clear", ("S001", "clear")),
        ("?code=nothing", None, (None, "nothing")),
    ],
)
def test_an_app_answers_by_a_call(query: str, body: bytes | None, value) -> None:
    with serving() as (server, heard):
        assert call(server.next_address() + query, body) == 204
        assert said(heard) == value


def test_an_address_that_was_never_given_says_nothing() -> None:
    with serving() as (server, heard):
        address = server.next_address()
        assert call(address.rpartition("/")[0] + "/guessed?code=1") == 404
        assert call(address, b"no code") == 422
        assert heard.empty()


def test_every_press_has_an_address_of_its_own() -> None:
    with serving() as (server, _):
        assert len({server.next_address() for _ in range(100)}) == 100


def test_a_line_of_the_log_is_an_answer_where_it_matches(stub_adb) -> None:
    log = stub_adb(
        "for line in ('StampApp: hello', 'StampApp: read S001', 'Other: read S9', 'StampApp: read none'):\n"
        "    print(line, flush=True)\ntime.sleep(60)"
    )
    heard: queue.SimpleQueue[Said] = queue.SimpleQueue()
    with hearing_logcat("PHONE", DutAnswer(logcat=r"^StampApp: read (\w+)", none=["none"]), heard):
        assert said(heard) == ("S001", "")
        assert said(heard) == (None, "none")
    assert heard.empty()
    assert log.read_text() == "-s PHONE logcat -v raw -T 1\n"


def test_a_log_that_ends_is_a_fault(stub_adb) -> None:
    stub_adb("")
    heard: queue.SimpleQueue[Said] = queue.SimpleQueue()
    with hearing_logcat("PHONE", DutAnswer(logcat="read"), heard):
        assert said(heard) == ("fault", "the log of PHONE ended: expected a phone that is connected")


@pytest.mark.parametrize(
    ("value", "understood_as"),
    [
        (7, (7, "")),
        (7.0, (7, "")),
        ("S1", ("S1", "")),
        (None, (None, "")),
        ({"code": 7, "why": "clear"}, (7, "clear")),
        (-1, "fault"),
        (True, "fault"),
        (7.5, "fault"),
        ({"stamp": 7}, "fault"),
        ([7], "fault"),
    ],
)
def test_what_a_value_says(value, understood_as) -> None:
    one = understood(value, DutAnswer(), 0.0)
    assert one is not None
    assert ("fault" if one.fault else (one.value, one.why)) == understood_as
