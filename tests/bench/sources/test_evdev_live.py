from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from stampbench.bench.sources.evdev_live import live_source, open_event_device
from stampbench.firmware_emulator.errors import InputError, NoHardwareError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Linux has event devices")


Event = tuple[int, int, int]


class EventDevice:
    """As ``evdev.InputDevice`` is: readable when there are events, which come all at once."""

    path = "/dev/input/event7"
    name = "Panel"

    def __init__(
        self, batches: list[list[tuple[int, int, int]]], axes: tuple[int, ...] = (0x35, 0x36)
    ) -> None:
        self.fd, self._end = os.pipe()
        self._batches = batches
        self._axes = axes
        os.write(self._end, b"." * len(batches))

    def capabilities(self, absinfo: bool) -> dict[int, list[tuple[int, SimpleNamespace]]]:
        info = SimpleNamespace(min=0, max=1000, resolution=10, value=0)
        return {3: [(code, info) for code in (0x2F, *self._axes)]}

    def read(self) -> Iterator[SimpleNamespace]:
        if not os.read(self.fd, 1):
            raise OSError(19, "No such device")
        for kind, code, value in self._batches.pop(0):
            yield SimpleNamespace(sec=2, usec=5, type=kind, code=code, value=value)

    def unplug(self) -> None:
        os.close(self._end)


TOUCH = [(3, 0x39, 4), (3, 0x35, 300), (3, 0x36, 200), (0, 0, 0)]
LIFT = [(3, 0x39, -1), (0, 0, 0)]


def test_events_become_reports_with_the_time_of_the_kernel() -> None:
    device = EventDevice([TOUCH[:2], TOUCH[2:] + LIFT])
    source = live_source(device)
    touch, lift, nothing = itertools.islice(source.items, 3)
    assert touch is not None
    assert lift is not None
    assert nothing is None
    assert touch.t_us == 2_000_005
    assert [(c.x, c.y, c.x_mm, c.tip) for c in touch.contacts] == [(300, 200, 30.0, True)]
    assert [contact.tip for contact in lift.contacts] == [False]
    assert (source.header.device, source.header.width_mm) == ("Panel", 100.0)
    assert source.counters() == {"events": 6, "reports": 2, "dropped": 0}


def test_device_that_goes_away_is_missing_hardware() -> None:
    device = EventDevice([])
    device.unplug()
    with pytest.raises(NoHardwareError, match="/dev/input/event7: went away: No such device"):
        next(live_source(device).items)


def test_device_without_coordinates_is_no_touchscreen() -> None:
    with pytest.raises(InputError, match="is no touchscreen"):
        live_source(EventDevice([], axes=()))


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "evdev", None)
    with (
        pytest.raises(InputError, match=r"pip install 'stampbench\[evdev\]'"),
        open_event_device("/dev/input/x"),
    ):
        pass


def test_device_that_is_not_there_is_missing_hardware(tmp_path: Path) -> None:
    pytest.importorskip("evdev", reason="needs the extra evdev")
    with pytest.raises(NoHardwareError), open_event_device(str(tmp_path / "event0")):
        pass
