"""Stamps: pads on a face, families with a guaranteed minimum distance, catalogues of existing stamps."""

from sim.stamps.catalogue import Catalogue
from sim.stamps.codebook import Codebook
from sim.stamps.family import Family
from sim.stamps.family_cache import load_family
from sim.stamps.geometry import FaceGeometry, rigid_distance_mm
from sim.stamps.stamp import Pad, Stamp

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
