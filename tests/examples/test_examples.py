"""The programs that users may copy do what they say."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import socket
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from stampbench.bench.judging.assessment import Verdict, assess
from stampbench.bench.records.files import Run
from stampbench.sim.service.app import create_app
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import seed_world
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database

import stampbench as sb

EXAMPLES = Path(__file__).parents[2] / "examples"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, as ``python -m http.server`` does; its address."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def serving_app(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=functools.partial(server.run, sockets=[listener]))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no chromium and chromedriver: expected Debian's chromium and chromium-driver",
)


def pressed_into(folder: Path, page: str, out: Path) -> tuple[sb.Plan, Run]:
    """Press a seeded merchant's stamps into a page that asks the service; the plan, and the run."""
    url = f"sqlite:///{out / 'service.sqlite3'}"
    database = Database(url)
    migrate(database)
    database.close()
    with serving_files(folder) as shop:
        service = open_service(ServiceSettings(bytes(range(32)), url, origins=(shop,)))
        merchant = seed_world(service).merchants[0]
        with serving_app(create_app(service)) as address:
            tables = tomllib.loads((EXAMPLES / "shop/plan.toml").read_text())
            tables["dut"] |= {
                "url": f"{shop}/{page}#service={address}&key={merchant.app_key}",
                "codes": {stamp.serial: stamp.code for stamp in merchant.stamps},
                "late_ms": 500.0,
            }
            tables["cases"][0] |= {"stamps": [stamp.code for stamp in merchant.stamps], "presses": 4}
            plan = sb.Plan.of(tables)
            run = sb.run(plan, out=out / "run")
        service.database.close()
    return plan, run


@needs_chromium
def test_a_stamp_pressed_on_the_shops_page_is_named_by_the_service(tmp_path: Path) -> None:
    plan, run = pressed_into(EXAMPLES / "shop", "index.html", tmp_path)
    assert [press.message for press in run.presses if not press.read_right] == []
    assert assess(plan, run).verdict is Verdict.PASSED
    # The page waits for the last pad to settle, and the service answers in its own time.
    assert all(press.time_from_last_pad_ms > 0 for press in run.presses)


LISTENER_PAGE = """<!doctype html>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body style="touch-action: none"><p id="serial"></p>
<script type="module">
import StampListener from "./listener.js";
const settings = new URLSearchParams(location.hash.slice(1));
new StampListener({preventScrolling: true, preventZooming: true}).listen(async (data, again) => {
  const headers = {"Content-Type": "application/json", "SnowShoe-Api-Key": settings.get("key")};
  const body = JSON.stringify({data});
  const answer = await fetch(settings.get("service") + "/v3/stamp", {method: "POST", headers, body});
  const said = await answer.json();
  document.getElementById("serial").textContent = answer.ok ? said.stamp.serial : said.error.message;
  again();
});
</script>
"""


@needs_chromium
@pytest.mark.skipif(
    "STAMP_LISTENER" not in os.environ, reason="STAMP_LISTENER names no stamp_listener/index.js"
)
def test_a_public_stamp_listener_reads_presses_at_the_services_endpoint(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    shutil.copy(os.environ["STAMP_LISTENER"], folder / "listener.js")
    (folder / "index.html").write_text(LISTENER_PAGE)
    _, run = pressed_into(folder, "index.html", tmp_path)
    assert [press.message for press in run.presses if not press.read_right] == []


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_a_recogniser_in_shell_answers_every_press(tmp_path: Path) -> None:
    tables = {
        "plan": {"name": "shell", "family": "p5-60k", "seed": 1, "profiles": ["nexus-5"]},
        "dut": {"kind": "process", "command": ["sh", str(EXAMPLES / "recogniser.sh")]},
        "cases": [
            {"name": "held", "kind": "genuine", "stamps": [20406], "presses": 3},
            {"name": "finger", "kind": "foreign", "stamps": ["finger"], "presses": 2},
        ],
    }
    run = sb.run(sb.Plan.of(tables), out=tmp_path / "run")
    assert [press.reading.code for press in run.presses] == [20406, 20406, 20406, None, None]
    assert {press.message for press in run.presses if press.kind == "foreign"} == {"1 fingers"}
