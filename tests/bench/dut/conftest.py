from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SKELETON = """
import json, sys
from stampbench.sim.decoder import Decoder
from stampbench.sim.stamps import load_family

decoder = Decoder(load_family("p5-60k"), sigma_mm=0.15)
fullest, press, last = [], 0, None
log = open(sys.argv[1], "a")
def say(answer):
    print(json.dumps(answer), flush=True)
    log.write(json.dumps(answer) + "\\\\n")
    log.flush()
for line in sys.stdin:
    message = json.loads(line)
    if "begin" in message:
        fullest, press = [], message["begin"]["press"]
    elif "end" in message:
        code = decoder.decode([[c["x_mm"], c["y_mm"]] for c in fullest]).code if fullest else None
        BODY
    elif len(message["contacts"]) >= len(fullest):
        fullest = message["contacts"]
"""


@pytest.fixture
def recogniser(tmp_path: Path) -> Callable[[str], list[str]]:
    """Writes a recogniser that reads the fullest report; ``body`` says what it does with the code it read."""

    def write(body: str) -> list[str]:
        script = tmp_path / "recogniser.py"
        indented = body.strip("\n").replace("\n", "\n        ")
        script.write_text(SKELETON.replace("\\\\n", "\\n").replace("BODY", indented))
        return [sys.executable, str(script), str(tmp_path / "log.jsonl")]

    return write
