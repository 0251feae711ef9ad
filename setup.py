"""Place the three floors, which stand at the top of the checkout, inside the package ``stampbench``."""

import shutil
from pathlib import Path

from setuptools import find_namespace_packages, setup

FLOORS = ("bench", "sim", "firmware_emulator")
FIXTURES = ("corpora", "plans", "lots", "sweeps")
"""What travels of the fixtures, to be found by name."""


def rooms(floor: str) -> list[str]:
    """Return a floor and every folder below it, by their names in the wheel."""
    below = find_namespace_packages(floor, exclude=["*__pycache__*"])
    return [f"stampbench.{floor}", *(f"stampbench.{floor}.{room}" for room in below)]


# setuptools copies into this folder and never clears it: a module that has moved would travel twice.
shutil.rmtree(Path(__file__).parent / "build" / "lib", ignore_errors=True)

setup(
    packages=[
        "stampbench",
        *(room for floor in FLOORS for room in rooms(floor)),
        *(f"stampbench.fixtures.{folder}" for folder in FIXTURES),
    ],
    package_dir={f"stampbench.{folder}": folder for folder in (*FLOORS, "fixtures")},
)
