"""Pad coordinates for those who make stamps: CSV, DXF for the mould, SVG to look at; pictures of one stamp.

Drawings show the pads as the panel sees them from above, through the stamp: x right, y down on paper. Seen
from its face a stamp is the mirror image, which is another code. DXF counts y upwards and looks the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import csv_cell, write_beside
from stampbench.sim.stamps.geometry import FaceGeometry
from stampbench.sim.stamps.stamp import Floats, Stamp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN_MM: Final = 4.0
"""Room round a face in drawings."""


def write_stamps(path: str | Path, stamps: Sequence[Stamp], geometry: FaceGeometry) -> None:
    """Write stamps to ``.csv``, ``.dxf`` or ``.svg``, by the suffix.

    Raises:
        InputError: another suffix, the file is there already or cannot be written, or DXF without the
            ``export`` extra.
    """
    path = Path(path)
    writers = {".csv": csv_text, ".svg": svg_text, ".dxf": dxf_text}
    if path.suffix.lower() not in writers:
        raise InputError(f"output {path}: suffix {path.suffix!r}: expected {', '.join(writers)}")
    expect_new(path)
    text = writers[path.suffix.lower()](stamps, geometry)
    try:
        write_beside(path, text.encode())
    except OSError as error:
        raise InputError(f"output {path}: {error.strerror}") from error


def csv_text(stamps: Sequence[Stamp], geometry: FaceGeometry) -> str:
    """Return a line for each stamp, to 0.1 um, as :meth:`stampbench.sim.stamps.Catalogue.read` takes it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", *(f"{axis}{k}_mm" for k in range(1, geometry.pads + 1) for axis in "xy")])
    for stamp in stamps:
        writer.writerow(
            [csv_cell(stamp.name), *(f"{value:.4f}" for pad in stamp.pads for value in (pad.x_mm, pad.y_mm))]
        )
    return out.getvalue()


def svg_text(stamps: Sequence[Stamp], geometry: FaceGeometry) -> str:
    """Return faces in a square array, to scale (1 user unit = 1 mm)."""
    places = list(_array(len(stamps), geometry))
    width = max(x for x, _ in places) + _half(geometry)
    height = max(y for _, y in places) + _half(geometry)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm"'
        f' viewBox="0 0 {width:g} {height:g}">'
    ]
    for stamp, (x, y) in zip(stamps, places, strict=True):
        lines.append(f'<g transform="translate({x:g} {y:g})"><title>{_escaped(stamp.name)}</title>')
        lines.append(f'<circle r="{_face_mm(geometry):g}" fill="none" stroke="#888" stroke-width="0.2"/>')
        for pad in stamp.pads:
            lines.append(
                f'<circle cx="{pad.x_mm:.4f}" cy="{pad.y_mm:.4f}" r="{pad.diameter_mm / 2:g}" fill="#222"/>'
            )
        lines.append(
            f'<text y="{_face_mm(geometry) + 3:g}" text-anchor="middle" font-family="sans-serif"'
            f' font-size="3">{_escaped(stamp.name)}</text></g>'
        )
    return "\n".join([*lines, "</svg>", ""])


def dxf_text(stamps: Sequence[Stamp], geometry: FaceGeometry) -> str:
    """Return DXF R2010 in mm: layers FACE, PADS and NAMES; x right, y up.

    Raises:
        InputError: ezdxf is not installed.
    """
    try:
        from ezdxf import filemanagement, units
    except ImportError as error:
        raise InputError("DXF needs ezdxf; install stampbench[export]") from error
    document = filemanagement.new("R2010", units=units.MM)
    for layer in ("FACE", "PADS", "NAMES"):
        document.layers.add(layer)
    space = document.modelspace()
    for stamp, (x, y) in zip(stamps, _array(len(stamps), geometry), strict=True):
        space.add_circle((x, -y), _face_mm(geometry), dxfattribs={"layer": "FACE"})
        for pad in stamp.pads:
            centre = (x + pad.x_mm, -(y + pad.y_mm))
            space.add_circle(centre, pad.diameter_mm / 2, dxfattribs={"layer": "PADS"})
        name = space.add_text(stamp.name, height=2.5, dxfattribs={"layer": "NAMES"})
        name.set_placement((x - _face_mm(geometry), -(y + _face_mm(geometry) + 3.0)))
    out = io.StringIO()
    document.write(out)
    return out.getvalue()


def draw_stamp(pads_mm: Floats, geometry: FaceGeometry, title: str) -> Figure:
    """Return a picture of one stamp: face, pads, numbers, distances; x right, y down, mm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    figure = Figure(figsize=(5, 5.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.add_patch(Circle((0, 0), _face_mm(geometry), fill=False, color="0.5"))
    axes.add_patch(Circle((0, 0), geometry.face_radius_mm, fill=False, color="0.8", linestyle="--"))
    for number, (x, y) in enumerate(pads_mm, start=1):
        axes.add_patch(Circle((x, y), geometry.pad_diameter_mm / 2, color="0.15"))
        axes.text(x, y, str(number), color="white", ha="center", va="center")
    half = _half(geometry)
    axes.set(
        xlim=(-half, half), ylim=(half, -half), aspect="equal", title=title, xlabel="x, mm", ylabel="y, mm"
    )
    return figure


def save_picture(path: str | Path, pads_mm: Floats, geometry: FaceGeometry, title: str) -> None:
    """Draw one stamp into a ``.png`` or ``.svg`` file.

    Raises:
        InputError: another suffix, or the file is there already or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg"):
        raise InputError(f"output {path}: suffix {path.suffix!r}: expected .png or .svg")
    expect_new(path)
    try:
        draw_stamp(pads_mm, geometry, title).savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"output {path}: {error.strerror}") from error


def _face_mm(geometry: FaceGeometry) -> float:
    """Return the radius of a face that holds the pads whole."""
    return geometry.face_radius_mm + geometry.pad_diameter_mm / 2


def _half(geometry: FaceGeometry) -> float:
    return _face_mm(geometry) + MARGIN_MM


def _array(count: int, geometry: FaceGeometry) -> Iterator[tuple[float, float]]:
    """Yield centres of the faces (mm), row by row."""
    columns = max(1, round(count**0.5))
    for place in range(count):
        yield _half(geometry) * (2 * (place % columns) + 1), _half(geometry) * (2 * (place // columns) + 1)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
