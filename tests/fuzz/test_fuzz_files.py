"""A short form of ``fuzz_files.py``, which takes a minute for a thousand files of each kind."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

FILES = runpy.run_path(str(Path(__file__).with_name("fuzz_files.py")))


@pytest.fixture(scope="module")
def targets() -> list[Any]:
    return list(FILES["targets"]())


def test_mutated_files_of_each_kind_are_read_or_refused(targets: list[Any], tmp_path: Path) -> None:
    for target in targets:
        FILES["fuzz"](target, 40, 1, tmp_path)
        assert target.longest_s < FILES["LONGEST_S"]
        assert target.refused < 40, f"{target.name}: no file at all was read"
