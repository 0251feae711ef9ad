"""Feeds mutated files of each kind to what commands read them with: ``python tests/fuzz/fuzz_files.py``.

As ``fuzz_parsers.py``, whose harness it shares: each file is read, or refused with one of our errors in one
line, within LONGEST_S of processor time and MEMORY_MB of memory.
"""

from __future__ import annotations

import io
import random
import runpy
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from stampbench.bench.capacity.ranking import read_ranking
from stampbench.bench.cli.defaults import take_defaults
from stampbench.bench.records.files import read_run
from stampbench.bench.sources.frame_files import read_array, read_frames
from stampbench.bench.sweep.sweeping import read_sweep
from stampbench.bench.touch.gestures import recorded_gestures
from stampbench.bench.validation.certificate.certificate import (
    Certificate,
    CertificateCorrection,
    CertificateSampling,
    certificate_bytes,
    read_certificate,
)
from stampbench.bench.validation.certificate.seal import sealed
from stampbench.bench.validation.plans import read_validation_plan
from stampbench.bench.validation.watching import Station
from stampbench.bench.window.script import read_script
from stampbench.sim.credentials.sound.wav import read_wav
from stampbench.sim.panel import profile as profiles
from stampbench.sim.stamps.specification import read_spec

import stampbench as sb

SHARED = runpy.run_path(str(Path(__file__).with_name("fuzz_parsers.py")))
Target, fuzz = SHARED["Target"], SHARED["fuzz"]
LONGEST_S, MEMORY_MB = 5.0, 500
COUNT = 1000
_FAMILY = (
    'pads = 5\nspacing_mm = 7.0\nface_radius_mm = 20.0\nsize = 100\nmin_distance_mm = 2.0\nname = "mine"\n'
)
_CATALOGUE = (
    '[[stamp]]\nname = "crown"\npads = [[0.0, 0.0], [20.0, 0.0], [10.0, 18.0], [-9.5, 17.0]]\n'
    '[[stamp]]\nname = "anchor"\npads = [[0.0, 0.0], [22.0, 0.0], [10.0, 15.0], [-9.5, 11.0]]\n'
)
_TABLE = "name,x1_mm,y1_mm,x2_mm,y2_mm,x3_mm,y3_mm\ncrown,0,0,20,0,10,18\n'=anchor,0,0,22,0,10,15\n"
_SWEEP = (
    '[sweep]\ntitle = "noise"\nmeasurements = ["frr"]\n'
    '[[sweep.axes]]\nkey = "condition.noise"\nvalues = [0.5, 1.0]\n'
    '[plan]\nname = "demo"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n'
    '[[cases]]\nname = "held"\nkind = "genuine"\npresses = 2\n'
)
_SCRIPT = (
    'size = [800, 600]\nseconds = 1.0\n[[do]]\nat = 0.1\nkey = "ctrl+r"\nseconds = 0.2\n'
    "[[do]]\nat = 0.5\ndrag = [[10.0, 20.0], {px = [3, 4]}]\nseconds = 0.2\n"
    '[[do]]\nat = 0.9\ntype = "20406"\n'
)
_LOT = (
    '[lot]\nname = "L1"\npart = "stamp"\nnominal = "p5-60k/11"\nsize = 500\ncavities = 2\nseed = 5\n'
    "[sampling]\nsample = 10\naccept = 1\n[measurement]\npresses = 4\nrepeats = 2\ngauge_stamps = 5\n"
    '[tolerances]\nposition_mm = 0.3\nlevel = [0.6, 1.4]\n[[appraisers]]\nname = "rig A"\n'
)
_SESSION = (
    '[session]\nrefresh_hz = 60.0\nwidth_mm = 60.0\nheight_mm = 100.0\n[[gestures]]\nkind = "line"\n'
    'recording = "line.capture"\npath_mm = [[10, 20], [50, 20]]\npath_ms = [0, 400]\n'
)
_CAPTURE = (
    '{"format":"stampbench-capture","version":1,"device":"rig","x_max":1079,"y_max":1919,'
    '"width_mm":61.6,"height_mm":109.6}\n'
    '{"t_us":1,"contacts":[{"id":1,"tip":true,"x":200,"y":300}]}\n'
    '{"t_us":400000,"contacts":[{"id":1,"tip":false,"x":900,"y":300}]}\n'
)
_RANKING = (
    "# p5-60k on nexus-5, largest_loss = 0.05\ncode,predicted_loss,nearest_pads_mm\n7,0.01,1.2\n8,0.2,0.3\n"
)
_DEFAULTS = '[defaults]\nfamily = "p5-60k"\n'


def read_file(suffix: str, read: Callable[[Path], object]) -> Callable[[bytes, random.Random], None]:
    """Reads an input as a file with this suffix, beside a recording."""
    folder = Path(tempfile.mkdtemp(prefix="stampbench-fuzz-"))
    (folder / "line.capture").write_text(_CAPTURE, encoding="utf-8")
    path = folder / f"input{suffix}"

    def reader(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        read(path)

    return reader


def lot(number: int = 1) -> Certificate:
    """A certificate with a correction."""
    sampling = CertificateSampling(
        lot_size=500, aql=1.0, level="II", severity="normal", letter="H", sample=50, accept=1, reject=2
    )
    correction = CertificateCorrection(
        cavity=1,
        pad=1,
        offset_mm=(0.01, 0.02),
        correction_mm=(0.0, 0.0),
        uncertainty_mm=0.01,
        n=20,
        significant=False,
        sentence="",
    )
    return Certificate(
        format=2,
        lot=f"L{number}",
        part="stamp",
        vendor="",
        date="2026-01-01",
        measured_at=f"2026-01-0{number}T00:00:00+00:00",
        station="s",
        software={},
        decision="accept",
        reasons=[],
        sampling=sampling,
        tolerances={"position_mm": 0.3, "gauge": 0.3, "level": [0.6, 1.4]},
        rigs=[],
        nominal_mm=[],
        stamps=[],
        dimensions=[],
        gauge=None,
        suspects=[],
        corrections=[correction],
        scatter_mm=0.03,
        systematic_mm=0.01,
        presses=0,
        lost=0,
        plan_sha256="",
        measurements_sha256="",
    )


def watch_resealed(path: Path) -> None:
    """Follows two good lots and one that was changed and sealed anew: anybody can make a seal."""
    path.write_bytes(sealed(path.read_bytes(), ".jsonl"))
    station = Station()
    for number in (1, 2):
        station.add_lot(lot(number), "here")
    station.add_lot(read_certificate(path), "here")


def records() -> bytes:
    """The records of a small run."""
    plan = sb.Plan.of(
        {
            "plan": {"name": "small", "family": "p5-60k", "profiles": ["nexus-5"]},
            "cases": [{"name": "held", "kind": "genuine", "presses": 2}],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        sb.run(plan, out=Path(folder) / "run")
        return (Path(folder) / "run" / "records.jsonl").read_bytes()


def array(shape: tuple[int, ...]) -> bytes:
    """A NumPy file."""
    file = io.BytesIO()
    np.save(file, np.zeros(shape, np.int16))
    return file.getvalue()


def sound() -> bytes:
    """A wave file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(48_000)
        opened.writeframes(bytes(960))
    return file.getvalue()


def read_defaults(path: Path) -> None:
    """Reads the file of what is usual here."""
    import os

    before = dict(os.environ)
    os.environ["STAMPBENCH_DEFAULTS"] = str(path)
    try:
        take_defaults()
    finally:
        os.environ.clear()
        os.environ.update(before)


def targets() -> list[Any]:
    """All kinds of files."""
    profile = (Path(profiles.__file__).parent / "profiles" / "nexus-5.toml").read_bytes()
    certificate = certificate_bytes(lot(3))
    hostile = array((4, 21, 12)).replace(b"(4, 21, 12)", b"(-4, 2, 12)")
    return [
        Target("catalogue-toml", [_CATALOGUE.encode()], read_file(".toml", sb.Catalogue.read)),
        Target("catalogue-csv", [_TABLE.encode()], read_file(".csv", sb.Catalogue.read)),
        Target("family", [_FAMILY.encode()], read_file(".toml", read_spec)),
        Target("profile", [profile], read_file(".toml", profiles.load_profile.__wrapped__)),
        Target("certificate", [certificate], read_file(".jsonl", watch_resealed)),
        Target("sealed", [sealed(certificate, ".jsonl")], read_file(".jsonl", read_certificate)),
        Target("sweep", [_SWEEP.encode()], read_file(".toml", read_sweep)),
        Target("script", [_SCRIPT.encode()], read_file(".toml", read_script)),
        Target("lot", [_LOT.encode()], read_file(".toml", read_validation_plan)),
        Target("session", [_SESSION.encode()], read_file(".toml", recorded_gestures)),
        Target("records", [records()], read_file(".jsonl", _whole_run)),
        Target(
            "ranking", [_RANKING.encode()], read_file(".csv", lambda path: list(read_ranking(path, 60_000)))
        ),
        Target(
            "array", [array((4, 21, 12)), hostile], read_file(".npy", lambda path: read_array(path, "frames"))
        ),
        Target("frames", [b",".join([b"3"] * 252) + b"\n"], read_file(".csv", read_frames)),
        Target("sound", [sound()], read_file(".wav", read_wav)),
        Target("defaults", [_DEFAULTS.encode()], read_file(".toml", read_defaults)),
    ]


def _whole_run(path: Path) -> None:
    run = read_run(path)
    msgspec.json.encode(list(run.presses))


def main() -> int:
    """Feed every kind so many files."""
    for target in targets():
        begun_s = time.monotonic()
        try:
            fuzz(target, COUNT, 0, Path())
        except SHARED["FuzzError"] as error:
            sys.stdout.write(f"{error}\n")
            return 1
        sys.stdout.write(
            f"{target.name}: {COUNT} files, {target.refused} refused, longest {target.longest_s:.2f} s, "
            f"{time.monotonic() - begun_s:.0f} s\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
