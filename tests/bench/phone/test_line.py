"""A phone where a device or a rig is expected, pressed by a page of a few lines."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.phone import line as lines
from stampbench.bench.phone.line import PhoneLine, PhoneRig, open_phone, phone_line
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.presses import Outcome
from stampbench.bench.runs.pressing import Presser
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.sim.stamps import load_family

from .test_serving import HELLO

connecting = pytest.importorskip("websockets.sync.client")

PX_PER_MM = 6.0
PLACE_MM = np.array([34.0, 70.0])


@pytest.fixture
def line(monkeypatch):
    made = PhoneLine(PX_PER_MM, "127.0.0.1")
    monkeypatch.setattr(lines, "phone_line", lambda _: made)
    return made


class Page:
    """A page that presses what its prompt asks for."""

    def __init__(self, line):
        base, _, token = line.url.partition("/?token=")
        self.socket = connecting.connect(
            f"{base.replace('http', 'ws')}/socket?token={token}", origin=base, legacy=True
        )
        self.number = 0
        self.say(hello=HELLO)

    def say(self, **fields):
        self.socket.send(json.dumps(fields))

    def report(self, kind, said):
        self.number += 1
        self.say(reports=[[self.number, 8.0 * self.number, kind, said]])

    def press(self, code, *, cancel=False):
        places = (load_family("p5-60k").pads(code) + PLACE_MM) * PX_PER_MM
        said = [[n, x, y, 9.0, 0.5] for n, (x, y) in enumerate(places.tolist())]
        for _ in range(8):
            self.report("move", said)
        self.report("cancel" if cancel else "up", [])

    def prompted(self):
        while "prompt" not in (message := json.loads(self.socket.recv(10))):
            pass
        return message["prompt"]


@pytest.fixture
def page(line):
    one = Page(line)
    line.phone(10)
    yield one
    one.socket.close()


PLAN = Plan.parse(
    """
[plan]
name = "by hand"
family = "p5-60k"
profiles = ["nexus-5"]

[[cases]]
name = "held"
kind = "genuine"
stamps = [20406]
presses = 2
""",
    Path("hand.toml"),
)


def pressed_by(page, presses):
    """Presses whatever the page asks for, in a thread."""

    def run():
        for press in presses:
            page.prompted()
            time.sleep(0.1)  # a person; what came before the prompt would be no press
            press()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_plan_is_pressed_on_a_phone_whose_page_says_what(line, page):
    presser = Presser(PLAN, seed=1, port="phone:6")
    rig = PhoneRig(line, "nexus-5")
    hand = pressed_by(page, [lambda: page.press(20406)])
    record = presser.press(rig, PLAN.press(1))
    hand.join()
    assert record.outcome is Outcome.PASSED
    assert record.reading.code == 20406
    assert rig.identity.firmware_name == "Pixel 7 412x915"


def test_touches_that_the_phone_takes_away_are_told_in_the_record(line, page):
    hand = pressed_by(page, [lambda: page.press(20406, cancel=True)])
    rig = PhoneRig(line, "nexus-5")
    record = Presser(PLAN, seed=1, port="phone:6").press(rig, PLAN.press(1))
    hand.join()
    assert record.reading.verdict == "read" or "cancelled all touches" in record.message


def test_what_befalls_the_page_is_a_fault_of_the_bench(line, page):
    def leave():
        page.report("move", [[0, 10.0, 10.0, 9.0, 0.5]])
        page.report("note", "hidden")
        page.report("up", [])

    hand = pressed_by(page, [leave])
    record = Presser(PLAN, seed=1, port="phone:6").press(PhoneRig(line, "nexus-5"), PLAN.press(1))
    hand.join()
    assert record.outcome is Outcome.TIMEOUT
    assert record.message == "phone: the page was hidden"


def test_nobody_presses(line, page):
    with pytest.raises(LinkError, match=r"nobody pressed within 0\.1 s"):
        list(PhoneRig(line, "nexus-5").watch(first_contact_s=0.1, quiet_us=1))


def test_a_phone_is_a_device_that_is_read(line, page):
    with open_phone("phone:6") as source:
        page.press(5)
        reports = list(itertools.islice(filter(None, source.items), 9))
    assert source.header.width_mm == pytest.approx(412 / 6.0)
    assert [len(report.down) for report in reports] == [5] * 8 + [0]
    expected = load_family("p5-60k").pads(5) + PLACE_MM
    for contact, place in zip(reports[0].contacts, expected, strict=True):
        assert (contact.x_mm, contact.y_mm) == pytest.approx(tuple(place), abs=1e-3)
    assert [contact.tip for contact in reports[-1].contacts] == [False] * 5


def test_a_rig_needs_to_know_how_large_a_px_is():
    with pytest.raises(InputError, match="expected --rig phone:PX_PER_MM"):
        PhoneRig(PhoneLine(None, "127.0.0.1"), "nexus-5")


@pytest.mark.parametrize("name", ["phone:0", "phone:x", "phones", "phone+wan"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="expected phone, phone:PX_PER_MM"):
        phone_line(name)
