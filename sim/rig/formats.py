"""A rig in software that speaks the format of other hardware: it takes no commands, and presses unasked."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from stampbench.firmware_emulator.controller import PanelGeometry
from stampbench.firmware_emulator.formats import WireFormat, microtouch_px, muca, penmount, printed
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import Device
from stampbench.sim.panel import Profile
from stampbench.sim.press import Hand
from stampbench.sim.rig.channels import Channel

PAUSE_US = 500_000
"""Time between two presses."""


class FormatRig:
    """Presses one object after the other, drawn from a seed, and streams each scan at its time.

    Args:
        profile: the panel.
        object_name: what it presses.
        wire_format: what it speaks; anything but the link.
        channel: what it is reached through.
        seed: from which presses and noise are drawn.
        clock: seconds, against which scans are due; real time unless a test says otherwise.
    """

    def __init__(
        self,
        profile: Profile,
        object_name: str,
        wire_format: WireFormat,
        channel: Channel,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._profile = profile
        self._object_name = object_name
        self._encode = _ENCODERS[wire_format]
        self._channel = channel
        self._seed = seed
        self._clock = clock

    def serve(self) -> None:
        """Press and stream until the channel is interrupted.

        Raises:
            InputError: no such object, it does not fit the panel, or its contacts do not fit the format.
        """
        device = Device(self._profile)
        begun_s, rest_us, turn = self._clock(), 0, 0
        while not self._channel.interrupted:
            rng = np.random.default_rng((self._seed, turn))
            press = Hand().press(self._object_name, self._profile, rng)
            scan_us = 0
            for frame, report in device.press(press, int(rng.integers(1 << 63))):
                scan_us = rest_us + frame.t_us
                self._wait_until(begun_s + scan_us / 1e6)
                if self._channel.interrupted:
                    return
                self._channel.write(self._encode(self._profile.geometry, frame, report))
            rest_us, turn = scan_us + PAUSE_US, turn + 1

    def _wait_until(self, due_s: float) -> None:
        """Let readers come and speak until a scan is due; deadlines are absolute, no delay adds up."""
        while not self._channel.interrupted and (left_s := due_s - self._clock()) > 0:
            self._channel.read(left_s)


_Encode = Callable[[PanelGeometry, Frame, TouchReport], bytes]


def _penmount(model: penmount.Model) -> _Encode:
    def encode(geometry: PanelGeometry, frame: Frame, report: TouchReport) -> bytes:
        return penmount.encode(_in_units_of(report, geometry, model.coordinate_max, model.slots), model)

    return encode


def _px(geometry: PanelGeometry, frame: Frame, report: TouchReport) -> bytes:
    maximum, numbers = microtouch_px.COORDINATE_MAX, microtouch_px.CONTACT_NUMBERS
    return microtouch_px.encode(_in_units_of(report, geometry, maximum, numbers))


def _in_units_of(report: TouchReport, geometry: PanelGeometry, maximum: int, numbers: int) -> TouchReport:
    """Return the report with coordinates up to ``maximum`` and contact numbers below ``numbers``."""
    return TouchReport(
        report.t_us,
        tuple(
            contact._replace(
                id=contact.id % numbers,
                x=round(contact.x * maximum / geometry.x_max),
                y=round(contact.y * maximum / geometry.y_max),
            )
            for contact in report.contacts
        ),
    )


_ENCODERS: dict[WireFormat, _Encode] = {
    WireFormat.MUCA: lambda geometry, frame, report: muca.encode_text(frame),
    WireFormat.MUCA_BYTES: lambda geometry, frame, report: muca.encode_bytes(frame),
    WireFormat.MUCA_TOUCHES: lambda geometry, frame, report: muca.encode_touches(report),
    WireFormat.PX: _px,
    WireFormat.PENMOUNT: _penmount(penmount.PM_6250),
    WireFormat.PENMOUNT_3000: _penmount(penmount.PM_3000),
    WireFormat.PRINTED: lambda geometry, frame, report: printed.encode(report),
}
