"""Simulator and test bench for capacitive touch stamps."""

from pathlib import Path

# In a checkout the three floors stand beside this folder; in an installed package, inside it.
if not (Path(__file__).parent / "sim").is_dir():
    __path__.append(str(Path(__file__).parents[1]))
