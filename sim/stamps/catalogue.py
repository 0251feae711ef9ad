"""Catalogues: stamps that already exist, as pad coordinates with names, in TOML or CSV.

TOML holds ``[[stamp]]`` tables with ``name`` and ``pads = [[x, y], ...]`` (mm). CSV has the header
``name,x1_mm,y1_mm,x2_mm,y2_mm,...`` and one line per stamp.
"""

from __future__ import annotations

import csv
import functools
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import (
    checked_name,
    csv_cell,
    from_csv_cell,
    parse_toml,
    write_beside,
)
from stampbench.sim.stamps.canonical import canonical_coordinates
from stampbench.sim.stamps.geometry import MAX_PADS, MIN_PADS
from stampbench.sim.stamps.stamp import Floats, Pad, Stamp

if TYPE_CHECKING:
    from stampbench.sim.stamps.index_arrays import IndexArrays


class Catalogue:
    """Named stamps with equally many pads; a :class:`~stampbench.sim.stamps.codebook.Codebook`.

    Attributes:
        name: where it came from.
        names: name of every stamp; its place is the code.
    """

    unit_mm = 1.0

    def __init__(self, names: Sequence[str], pads_mm: npt.ArrayLike, name: str = "catalogue") -> None:
        """Take ``names`` and pads (size, n, 2), mm.

        Raises:
            InputError: no stamp, a name twice, pads not finite or coincident, 3 to 8 pads not kept.
        """
        self.name = name
        self.names = tuple(names)
        self._pads = np.array(pads_mm, np.float64)
        if not self.names:
            raise InputError(f"{name}: no stamps; expected at least one")
        if self._pads.ndim != 3 or self._pads.shape[::2] != (len(self.names), 2):
            raise InputError(
                f"{name}: pads have shape {self._pads.shape}; expected ({len(self.names)}, 3 to 8, 2)"
            )
        seen: set[str] = set()
        for stamp_name, pads in zip(self.names, self._pads, strict=True):
            if stamp_name in seen:
                raise InputError(f"{name}: stamp {stamp_name!r} is there twice; expected different names")
            seen.add(stamp_name)
            checked_name(stamp_name, f"{name}: stamp")
            _check_pads(f"{name}: stamp {stamp_name!r}", pads)

    @classmethod
    def read(cls, path: str | Path) -> Catalogue:
        """Read a catalogue file; ``.csv`` is CSV, anything else TOML.

        >>> family = sb.load_family("p5-60k")
        >>> stamps = sb.Catalogue(["crown", "anchor"], [family.pads(7), family.pads(8)])
        >>> stamps.write("stamps.toml")
        >>> sb.Catalogue.read("stamps.toml").names
        ('crown', 'anchor')

        Raises:
            InputError: the file cannot be read or does not hold what is described above.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"catalogue {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"catalogue {path}: byte {error.start}: not UTF-8 text") from error
        entries = _read_csv(path, text) if path.suffix.lower() == ".csv" else _read_toml(path, text)
        if not entries:
            raise InputError(f"catalogue {path}: no stamps; expected at least one")
        first_where, first_name, first_pads = entries[0]
        for where, name, pads in entries:
            if len(pads) != len(first_pads):
                raise InputError(
                    f"{where}: stamp {name!r} has {len(pads)} pads; {first_name!r} ({first_where}) has"
                    f" {len(first_pads)}, and all stamps of a catalogue have equally many"
                )
            _check_pads(f"{where}: stamp {name!r}", pads)
        return cls([name for _, name, _ in entries], [pads for _, _, pads in entries], str(path))

    @property
    def size(self) -> int:
        """Number of stamps."""
        return len(self.names)

    @property
    def pads_per_stamp(self) -> int:
        """Number of pads on every stamp."""
        return int(self._pads.shape[1])

    @functools.cached_property
    def min_distance_mm(self) -> float:
        """Least rigid distance of two stamps (mm), over all pairs; infinite for a single stamp."""
        from stampbench.sim.stamps.proof import least_distance_mm

        return least_distance_mm(self)

    @functools.cached_property
    def coordinates(self) -> Floats:
        """Canonical coordinates, shape (size, 2 n - 3), mm."""
        return canonical_coordinates(self._pads)

    def index_arrays(self) -> IndexArrays:
        """Return the stamps sorted for search."""
        from stampbench.sim.stamps.index_arrays import grid_arrays

        return grid_arrays(self.coordinates, self.unit_mm)

    def pads(self, code: int) -> Floats:
        """Return pad centres as the file has them, shape (n, 2), mm.

        Raises:
            InputError: ``code`` is not in the catalogue.
        """
        if not 0 <= code < self.size:
            raise InputError(f"{self.name}: code {code}: expected 0 to {self.size - 1}")
        return self._pads[code].copy()

    def pads_of(self, codes: npt.ArrayLike) -> Floats:
        """Return pad centres of several stamps, shape (m, n, 2), mm."""
        return self._pads[np.asarray(codes, np.int64)]

    def stamp(self, code: int) -> Stamp:
        """Return one stamp with its name."""
        return Stamp(self.names[code], tuple(Pad(float(x), float(y)) for x, y in self.pads(code)))

    def code_of(self, name: str) -> int:
        """Return the code of a name.

        Raises:
            InputError: no stamp has that name.
        """
        if name not in self.names:
            raise InputError(f"{self.name} has no stamp {name!r}; it has {', '.join(self.names[:20])}")
        return self.names.index(name)

    def with_entry(self, name: str, pads_mm: Floats) -> Catalogue:
        """Return this catalogue and one more stamp."""
        return Catalogue([*self.names, name], np.concatenate([self._pads, pads_mm[None]]), self.name)

    def write(self, path: str | Path) -> None:
        """Write a file that :meth:`read` reads, CSV or TOML by its suffix."""
        path = Path(path)
        if path.suffix.lower() == ".csv":
            file = io.StringIO()
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(
                ["name", *(f"{axis}{k}_mm" for k in range(1, self.pads_per_stamp + 1) for axis in "xy")]
            )
            for name, pads in zip(self.names, self._pads, strict=True):
                writer.writerow([csv_cell(name), *(repr(float(value)) for value in pads.ravel())])
            text = file.getvalue()
        else:
            lines = []
            for name, pads in zip(self.names, self._pads, strict=True):
                listed = ", ".join(f"[{float(x)!r}, {float(y)!r}]" for x, y in pads)
                lines += ["[[stamp]]", f"name = {_toml_string(name)}", f"pads = [{listed}]", ""]
            text = "\n".join(lines) + "\n"
        write_beside(path, text.encode())


Entry = tuple[str, str, Floats]
"""Where it stands, its name, its pads (n, 2)."""


def _read_toml(path: Path, text: str) -> list[Entry]:
    document = parse_toml(text, f"catalogue {path}")
    unknown = [key for key in document if key != "stamp"]
    if unknown:
        raise InputError(f"catalogue {path}: unknown key {unknown[0]!r}; expected [[stamp]] tables")
    stamps = document.get("stamp", [])
    if not isinstance(stamps, list):
        raise InputError(f"catalogue {path}: stamp = {stamps!r}: expected [[stamp]] tables")
    entries: list[Entry] = []
    for place, stamp in enumerate(stamps):
        where = f"catalogue {path}: stamp[{place}]"
        if not isinstance(stamp, dict):
            raise InputError(f"{where} = {stamp!r}: expected a table with name and pads")
        for key in stamp:
            if key not in ("name", "pads"):
                raise InputError(f"{where}: unknown key {key!r}; expected name and pads")
        for key in ("name", "pads"):
            if key not in stamp:
                raise InputError(f"{where}: {key} is missing; expected name and pads")
        entries.append((where, _name(where, stamp["name"]), _toml_pads(where, stamp["pads"])))
    return entries


def _toml_pads(where: str, value: object) -> Floats:
    pads = value if isinstance(value, list) else []
    for pad in pads or [value]:
        numbers = pad if isinstance(pad, list) else []
        if len(numbers) != 2 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
            raise InputError(f"{where}.pads: {pad!r}: expected pads as [x, y] in mm")
    return np.array(pads, np.float64)


def _read_csv(path: Path, text: str) -> list[Entry]:
    rows = _csv_rows(path, text)
    _, header = next(rows, (1, []))
    count = (len(header) - 1) // 2
    expected = ["name", *(f"{axis}{k}_mm" for k in range(1, count + 1) for axis in "xy")]
    if [column.strip() for column in header] != expected or count < MIN_PADS:
        raise InputError(
            f"catalogue {path}: line 1: header {','.join(header)!r}: expected name,x1_mm,y1_mm,x2_mm,..."
            f" for {MIN_PADS} to {MAX_PADS} pads"
        )
    entries: list[Entry] = []
    for line, row in rows:
        where = f"catalogue {path}: line {line}"
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{where}: {len(row)} fields; expected {len(header)} as in the header")
        numbers = []
        for column, field in zip(header[1:], row[1:], strict=True):
            try:
                numbers.append(float(field))
            except ValueError as error:
                raise InputError(f"{where}: {column} = {field!r}: expected a number of mm") from error
        name = _name(where, from_csv_cell(row[0]))
        entries.append((where, name, np.array(numbers).reshape(-1, 2)))
    return entries


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows, each with the line it ends on."""
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise InputError(f"catalogue {path}: line {rows.line_num}: {error}: expected CSV") from error


def _name(where: str, name: object) -> str:
    if not isinstance(name, str):
        raise InputError(f"{where}: name = {name!r}: expected text that is not empty")
    return checked_name(name, f"{where}: name =")


def _check_pads(where: str, pads: Floats) -> None:
    if not MIN_PADS <= len(pads) <= MAX_PADS:
        raise InputError(f"{where}: {len(pads)} pads; expected {MIN_PADS} to {MAX_PADS}")
    if not (np.abs(pads) < 1e4).all():
        raise InputError(f"{where}: pads {pads.tolist()}: expected finite coordinates in mm, within 10 m")
    gaps = np.hypot(*(pads[:, None] - pads[None]).transpose(2, 0, 1))[np.triu_indices(len(pads), 1)]
    if math.isclose(gaps.min(), 0.0, abs_tol=1e-6):
        raise InputError(f"{where}: two pads at one place; expected pads apart from each other")


def _toml_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
