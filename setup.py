"""Place the three floors, which stand at the top of the checkout, inside the package ``stampbench``."""

from setuptools import find_namespace_packages, setup

FLOORS = ("bench", "sim", "firmware_emulator")


def rooms(floor: str) -> list[str]:
    """Return a floor and every folder below it, by their names in the wheel."""
    below = find_namespace_packages(floor, exclude=["*__pycache__*"])
    return [f"stampbench.{floor}", *(f"stampbench.{floor}.{room}" for room in below)]


setup(
    packages=["stampbench", "stampbench.fixtures", *(room for floor in FLOORS for room in rooms(floor))],
    package_dir={
        "stampbench.fixtures": "fixtures",
        **{f"stampbench.{floor}": floor for floor in FLOORS},
    },
)
