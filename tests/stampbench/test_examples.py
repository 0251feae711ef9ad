"""Every public name shows how it is used, in examples that run."""

from __future__ import annotations

import doctest
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


@pytest.mark.parametrize("name", ["stampbench", *stampbench.__all__])
def test_examples_of_a_public_name_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = examples_of(name)
    assert shown, f"{name} has no example"
    wrong: list[str] = []
    for example in shown:
        doctest.DocTestRunner(optionflags=FLAGS).run(example, out=wrong.append)
    assert not wrong, "".join(wrong)
