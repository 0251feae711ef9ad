"""Make a small computer a USB touchscreen: a Raspberry Pi Zero, or any board whose USB port can be a device.

Plugged into the phone, tablet or kiosk under test, it is a touchscreen of the panel's size, into which
``stampbench run`` presses with ``[dut] kind = "gadget"``, ``path = "/dev/hidg0"``::

    sudo python usb_touchscreen.py nexus-5        # make it; /dev/hidg0 appears
    sudo python usb_touchscreen.py --remove       # take it away

After "Linux USB HID gadget driver" and "Linux USB gadget configured through configfs", Linux documentation.
On a Raspberry Pi add ``dtoverlay=dwc2`` to config.txt and load the module ``libcomposite`` first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stampbench.bench.dut.hid import digitizer_of
from stampbench.sim.device import identity_of

import stampbench as sb

ENGLISH = "0x409"


def make(gadget: Path, profile: str, contacts: int, port: str) -> None:
    """Describe the gadget under configfs, and connect it to a USB port."""
    digitizer = digitizer_of(identity_of(sb.load_profile(profile)), contacts)
    hid, config = gadget / "functions/hid.usb0", gadget / "configs/c.1"
    for folder in (gadget / "strings" / ENGLISH, hid, config / "strings" / ENGLISH):
        folder.mkdir(parents=True)
    for path, value in {
        gadget / "idVendor": "0x1209",  # pid.codes, for projects without a vendor id of their own
        gadget / "idProduct": "0x5350",
        gadget / "bcdUSB": "0x0200",
        gadget / "strings" / ENGLISH / "manufacturer": "stampbench",
        gadget / "strings" / ENGLISH / "product": f"stampbench {profile}",
        hid / "protocol": "0",
        hid / "subclass": "0",
        hid / "report_length": str(digitizer.packet_length),
        config / "strings" / ENGLISH / "configuration": "touchscreen",
        config / "MaxPower": "100",
    }.items():
        path.write_text(value)
    (hid / "report_desc").write_bytes(digitizer.descriptor())
    (config / "hid.usb0").symlink_to(hid)
    (gadget / "UDC").write_text(port)


def remove(gadget: Path) -> None:
    """Disconnect the gadget, and take it away; configfs wants that in this order."""
    (gadget / "UDC").write_text("\n")
    (gadget / "configs/c.1/hid.usb0").unlink()
    for folder in (
        f"configs/c.1/strings/{ENGLISH}",
        "configs/c.1",
        "functions/hid.usb0",
        f"strings/{ENGLISH}",
        "",
    ):
        (gadget / folder).rmdir()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make this computer a USB touchscreen.")
    parser.add_argument("profile", nargs="?", default="nexus-5", help="panel whose size it has")
    parser.add_argument("--contacts", type=int, choices=(5, 10), default=10)
    parser.add_argument("--remove", action="store_true", help="take it away")
    parser.add_argument("--configfs", type=Path, default=Path("/sys/kernel/config"))
    parser.add_argument("--port", help="one of /sys/class/udc; the first, if not given")
    said = parser.parse_args()
    gadget = said.configfs / "usb_gadget" / "stampbench"
    if said.remove:
        remove(gadget)
        return
    port = said.port or next((path.name for path in sorted(Path("/sys/class/udc").glob("*"))), None)
    if port is None:
        parser.exit(1, "no USB port that can be a device: expected one in /sys/class/udc\n")
    make(gadget, said.profile, said.contacts, port)


if __name__ == "__main__":
    main()
