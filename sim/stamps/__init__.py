"""Stamps: pads on a face, families with a guaranteed minimum distance, catalogues of existing stamps."""

from stampbench.sim.stamps.catalogue import Catalogue
from stampbench.sim.stamps.codebook import Codebook
from stampbench.sim.stamps.family import Family
from stampbench.sim.stamps.family_cache import load_family
from stampbench.sim.stamps.geometry import FaceGeometry, rigid_distance_mm
from stampbench.sim.stamps.stamp import Pad, Stamp

__all__ = [
    "Catalogue",
    "Codebook",
    "FaceGeometry",
    "Family",
    "Pad",
    "Stamp",
    "load_family",
    "rigid_distance_mm",
]
