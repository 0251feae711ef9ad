from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["link", "--family", "p5-60k"], "--family: `perf link` has none; expected `perf decoder`"),
        (["sound", "--stored", 100_000], "--stored: `perf sound` stores no presses; expected `perf service`"),
    ],
)
def test_an_option_of_another_subject_is_refused(stampbench, arguments, message):
    ended = stampbench("perf", *arguments)
    assert (ended.status, ended.err) == (4, f"stampbench: {message}\n")
