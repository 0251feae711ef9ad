from __future__ import annotations

from pathlib import Path

from stampbench.bench.rig.ports import PortSearch, TouchscreenInfo, serial_ports, touchscreens
from stampbench.bench.rig.serial_rig import rigs
from stampbench.sim.rig import open_channel, served
from stampbench.sim.rig.pattern import PatternDevice

DEVICES = """I: Bus=0019 Vendor=0000 Product=0001 Version=0000
N: Name="Power Button"
H: Handlers=kbd event0
B: PROP=0
B: EV=3
B: KEY=10000000000000 0

I: Bus=0018 Vendor=04f3 Product=000c Version=0100
N: Name="Touchscreen 04F3:000C"
H: Handlers=mouse1 event5
B: PROP=2
B: EV=1b
B: ABS=3273800000000003

I: Bus=0018 Vendor=06cb Product=0001 Version=0100
N: Name="Touchpad, not on a screen"
H: Handlers=mouse2 event6
B: PROP=5
B: ABS=260800000000003

N: Name="Rubbish"
H: Handlers=event9
B: PROP=xyz
"""


def test_rigs_are_told_apart_by_identity(tmp_path: Path) -> None:
    with (
        served(PatternDevice("left"), open_channel()) as left,
        served(PatternDevice("right"), open_channel("tcp")) as right,
    ):
        found = {
            port: identity.serial_number for port, identity in rigs([left, str(tmp_path / "none"), right])
        }
    assert found == {left: "left", right: "right"}


def test_touchscreens_are_multitouch_devices_on_a_screen(tmp_path: Path) -> None:
    listing = tmp_path / "devices"
    listing.write_text(DEVICES)
    assert touchscreens(listing) == [TouchscreenInfo("/dev/input/event5", "Touchscreen 04F3:000C")]


def test_system_without_a_list_of_input_devices_has_no_touchscreens(tmp_path: Path) -> None:
    assert touchscreens(tmp_path / "devices") == []


def test_ports_are_listed_by_name() -> None:
    names = [found.port for found in serial_ports()]
    assert names == sorted(names)


def test_ports_that_spoke_otherwise_are_tried_last_and_in_turn() -> None:
    search = PortSearch()
    assert search.order("abc") == ["a", "b", "c"]
    for port in "abc":
        search.spoke_otherwise(port)
    search.spoke_otherwise("a")
    assert search.order("abc") == ["b", "c", "a"]


def test_port_that_has_just_appeared_is_tried_first() -> None:
    search = PortSearch()
    search.order("abc")
    search.spoke_otherwise("a")
    assert search.order("abcd") == ["d", "b", "c", "a"]
    search.order("bc")
    assert search.order("abc") == ["a", "b", "c"]
