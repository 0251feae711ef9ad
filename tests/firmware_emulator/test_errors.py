from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.firmware_emulator.errors import InputError, expect_new


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path = tmp_path / "codes.csv"
    expect_new(path)
    path.write_text("1\n")
    with pytest.raises(InputError, match=r"codes.csv is there already: expected a new file"):
        expect_new(path)


def test_a_device_and_a_folder_are_no_files_that_could_be_lost(tmp_path):
    expect_new(tmp_path)
    expect_new(Path("/dev/null"))
