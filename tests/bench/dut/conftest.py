from __future__ import annotations

import os
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


PAGE = """<!doctype html>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body style="touch-action: none"><p id="out">Press a stamp</p>
<script>
const press = Number(sessionStorage.press ?? 0) + 1;
sessionStorage.press = press;
const say = text => { document.getElementById("out").textContent = text; };
let most = 0;
addEventListener("touchstart", event => {
  if (event.touches.length > most && (most = event.touches.length) === 5) { BODY }
});
</script>
"""


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], str]:
    """Writes a page; ``body`` says what it does when five fingers are down. Returns its URL."""

    def write(body: str) -> str:
        file = tmp_path / "app.html"
        file.write_text(PAGE.replace("BODY", body))
        return file.as_uri()

    return write


@pytest.fixture
def stub_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program in the place of adb; ``body`` answers ``words``. Returns the file of what was asked."""

    def write(body: str) -> Path:
        log, program = tmp_path / "adb.log", tmp_path / "bin" / "adb"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable}\nimport sys, time\nwords = sys.argv[1:]\n"
            f"open({str(log)!r}, 'a').write(' '.join(words) + '\\n')\n"
            "assert words[:2] == ['-s', 'PHONE']\nwords = words[2:]\n" + body
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        return log

    return write
