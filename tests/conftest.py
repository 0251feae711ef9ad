"""What all tests share: where real recordings lie, and property tests that always draw the same examples."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: commands under test would inherit deafness to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests start in the checkout imports stampbench as it is installed, not the folder of that name.
os.environ["PYTHONSAFEPATH"] = "1"
# What its developer is used to is nothing to the tests.
os.environ["STAMPBENCH_DEFAULTS"] = ""

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def real() -> Path:
    """Recordings of real touchscreens, which lie beside the checkout and are not part of it."""
    folder = PROJECT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("recordings of real touchscreens are not beside this checkout")
    return folder
