from __future__ import annotations

import pytest


def test_interrupt_is_status_2(stampbench, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stampbench.bench.plans.plan.Plan.read", interrupted)
    ended = stampbench("plan", "check", "any.toml")
    assert (ended.status, ended.err) == (2, "stampbench: interrupted\n")


@pytest.mark.parametrize("arguments", [["no-such-command"], ["plan", "--no-such-option"]])
def test_wrong_usage_is_one_line_and_status_4(stampbench, arguments):
    ended = stampbench(*arguments)
    assert ended.status == 4
    assert ended.err.startswith("stampbench: No such")
    assert ended.err.count("\n") == 1
