"""What was installed: README's command installs the wheel, an editable install has none."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def wheel() -> Distribution:
    """The distribution as the wheel installed it."""
    installed = distribution("stampbench")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("stampbench is installed editable here: there is no wheel to look at")
    return installed


@pytest.fixture(scope="session")
def installed(wheel: Distribution) -> Path:
    """The folder of the package in the wheel's installation."""
    return Path(str(wheel.locate_file("stampbench")))
