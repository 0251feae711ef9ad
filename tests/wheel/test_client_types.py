"""A client's strict type checker knows every public name, precisely."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import stampbench

CLIENT = """
from pathlib import Path

import numpy as np
import numpy.typing as npt
import stampbench as sb

family: sb.Family = sb.load_family("p5-60k")
catalogue: sb.Catalogue = sb.Catalogue.read(Path("stamps.toml"))
pads: npt.NDArray[np.float64] = family.pads(777)
decoder = sb.Decoder(family, sigma_mm=None)
reading: sb.Reading = decoder.decode(pads)
several: list[sb.Reading] = decoder.decode_all(pads)
code: int | None = reading.code
read: bool = reading.verdict is sb.Verdict.READ
x_mm: float = reading.pose[0] if reading.pose is not None else 0.0
codes, distances_mm = decoder.decode_batch(pads[None])
names: npt.NDArray[np.int64] = codes
press = sb.PressDecoder(decoder)
sooner: sb.PressDecision | None = press.feed(sb.TouchReport(0, (sb.Contact(1, True, 10, 20),)))
decision: sb.PressDecision = press.finish()
scale = sb.PhoneScale(decoder, sb.ScalePrior(0.166, 0.07))
px_per_mm: float = 1.0 / scale.mm_per_unit
profile: sb.Profile = sb.load_profile("nexus-5")
panel = sb.Panel(profile, sb.Condition(noise=2.0), seed=1)
frame: sb.Frame = panel.frame(0)
plan: sb.Plan = sb.Plan.read("quickstart")
finished: sb.Run = sb.run(plan, out="runs/a", seed=3)
again: sb.Run = sb.read_run("runs/a")

above = sb.Keyframe(t_us=0, hold=sb.Hold(30.0, 50.0, force=0.0))
stamping = sb.Press("p5-60k/777", (above,))
held: sb.Hold = stamping.at(10_000)
device = sb.Device(profile, condition=sb.Condition(), seed=1)
for scanned, told in device.press(stamping):
    t_us: int = scanned.t_us
    down: tuple[sb.Contact, ...] = told.down


def exit_status(error: sb.StampbenchError) -> int:
    if isinstance(error, sb.InputError | sb.LinkError | sb.NoHardwareError | sb.ProtocolError):
        return error.exit_status
    return 3


def duration_us(press: sb.Press) -> int:
    return press.duration_us
"""


MISTAKES = {
    "sb.load_famly('p5-60k')": 'Module has no attribute "load_famly"',
    "name: str = family.size": 'expression has type "int"',
    "sb.Condition(noise='loud')": 'expected "float"',
}


@pytest.mark.slow
def test_strict_client_is_told_of_its_own_mistakes_alone(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed (extra lint)")
    assert [name for name in stampbench.__all__ if f"sb.{name}" not in CLIENT] == []
    (tmp_path / "client.py").write_text(CLIENT + "\n".join(MISTAKES) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "client.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    first = CLIENT.count("\n") + 1
    for number, (line, said) in enumerate(zip(found, MISTAKES.values(), strict=True), start=first):
        assert line.startswith(f"client.py:{number}:")
        assert said in line
