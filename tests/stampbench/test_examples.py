"""Every public name shows how it is used, in examples that run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import stampbench

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples_of(name: str) -> list[doctest.DocTest]:
    """Return what the docstrings of a public name and its methods show, with ``sb`` and ``np`` imported."""
    thing = stampbench if name == "stampbench" else getattr(stampbench, name)
    found = doctest.DocTestFinder().find(
        thing, name, module=False, extraglobs={"sb": stampbench, "np": np, "Path": Path}
    )
    return [shown for shown in found if shown.examples]


SHOWN_BY = {"Run": "run"}
"""A value, and the example of what makes it."""


@pytest.mark.parametrize("name", ["stampbench", *sorted({*stampbench.__all__} - {*SHOWN_BY})])
def test_examples_of_a_public_name_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = examples_of(name)
    assert shown, f"{name} has no example"
    wrong: list[str] = []
    for example in shown:
        doctest.DocTestRunner(optionflags=FLAGS).run(example, out=wrong.append)
    assert not wrong, "".join(wrong)


def test_readmes_example_runs(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(
        r"^```python\n(.+?)^```", (project / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    shown = shown.replace('sb.Plan.read("quickstart")', 'sb.Plan.read("quickstart").with_presses(1)')
    exec(compile(shown, "README.md", "exec"), {})
    assert (tmp_path / "runs/a/report.html").is_file()
