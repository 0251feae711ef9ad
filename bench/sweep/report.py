"""Sweeps as files: the heat map, the numbers, and a page that holds both."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.report.html import render
from stampbench.bench.sweep.pictures import sweep_svg
from stampbench.bench.sweep.sweeping import Cell, Figure, SweepResult
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import write_beside

FILE_NAME: Final = "sweep.json"


def write_sweep(result: SweepResult, directory: Path, svg: Path | None = None) -> tuple[Path, ...]:
    """Write ``sweep.json``, ``sweep.svg`` and ``sweep.html`` into a directory.

    Args:
        result: what they say.
        directory: made if it is not there.
        svg: where the heat map goes besides.

    Raises:
        InputError: ``svg`` is there already, or a file cannot be written.
    """
    if svg is not None:
        expect_new(svg)
    figures = directory / FILE_NAME
    # What was measured is written before anything is drawn.
    _write(figures, msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
    picture = sweep_svg(result)
    texts = {directory / "sweep.svg": picture, directory / "sweep.html": render_page(result, picture)}
    if svg is not None:
        texts[svg] = picture
    for path, text in texts.items():
        _write(path, text)
    return figures, *texts


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, text.encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def read_result(directory: Path) -> SweepResult:
    """Read what :func:`write_sweep` wrote.

    Raises:
        InputError: there is no sweep, or it is none of this version.
    """
    path = directory / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=SweepResult)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the directory of a sweep") from None
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: {error}: expected what `stampbench sweep` writes") from None


def render_page(result: SweepResult, picture: str) -> str:
    """Return the page: heat map, then every cell with its intervals."""
    from markupsafe import Markup

    return render(
        Path(__file__).with_name("sweep.html.j2"),
        result=result,
        picture=Markup(picture[picture.index("<svg") :]),
        names=[MEASUREMENTS[name].title for name in result.measurements],
        places=[
            [axis.shown[k] for axis, k in zip(result.axes, cell.at, strict=True)] for cell in result.cells
        ],
        texts=[[_text(cell, name) for name in result.measurements] for cell in result.cells],
    )


def _text(cell: Cell, name: str) -> str:
    figure: Figure | None = cell.figures.get(name)
    if figure is None:
        return cell.note
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    measurement = MEASUREMENTS[name]
    if measurement.is_rate:
        return f"{figure.k} of {figure.n:,}: {100 * figure.low:.3g} to {100 * figure.high:.3g} %"
    return f"{figure.value:.3g} {measurement.unit} ({figure.low:.3g} to {figure.high:.3g})"
