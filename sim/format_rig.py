"""A rig in software that speaks the format of other hardware: it takes no commands, and presses unasked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from firmware_emulator.controller import Controller
from firmware_emulator.formats import microtouch_px, muca, penmount
from firmware_emulator.touch import Contact, Frame, TouchReport
from sim.channels import Channel
from sim.panel import Panel, Profile
from sim.press import Hand, perform

PAUSE_US = 500_000
"""Time between two presses."""


class WireFormat(StrEnum):
    """Formats of other hardware that a rig in software speaks."""

    MUCA = "muca"
    MUCA_BYTES = "muca-bytes"
    MUCA_TOUCHES = "muca-touches"
    PX = "3m-px"
    PENMOUNT = "penmount"


class FormatRig:
    """Presses one object after the other, drawn from a seed, and streams each scan at its time.

    Args:
        profile: the panel.
        object_name: what it presses.
        wire_format: what it speaks.
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
        panel = Panel(self._profile)
        controller = Controller(self._profile.geometry, self._profile.controller)
        begun_s, rest_us, turn = self._clock(), 0, 0
        while not self._channel.interrupted:
            rng = np.random.default_rng((self._seed, turn))
            press = Hand().press(self._object_name, self._profile, rng)
            scan_us = 0
            for frame, report in perform(press, panel, controller, seed=int(rng.integers(1 << 63))):
                scan_us = rest_us + frame.t_us
                self._wait_until(begun_s + scan_us / 1e6)
                if self._channel.interrupted:
                    return
                self._channel.write(self._encode(frame, report))
            rest_us, turn = scan_us + PAUSE_US, turn + 1

    def _wait_until(self, due_s: float) -> None:
        """Let readers come and speak until a scan is due; deadlines are absolute, no delay adds up."""
        while not self._channel.interrupted and (left_s := due_s - self._clock()) > 0:
            self._channel.read(left_s)


def _penmount(frame: Frame, report: TouchReport) -> bytes:
    return penmount.encode(_numbered_below(report, penmount.SLOTS))


def _px(frame: Frame, report: TouchReport) -> bytes:
    return microtouch_px.encode(_numbered_below(report, 128))


def _muca_touches(frame: Frame, report: TouchReport) -> bytes:
    return muca.encode_touches(report)


def _numbered_below(report: TouchReport, limit: int) -> TouchReport:
    """Return the report with contact numbers that the format has."""
    contacts: tuple[Contact, ...] = tuple(
        replace(contact, id=contact.id % limit) for contact in report.contacts
    )
    return TouchReport(report.t_us, contacts)


_ENCODERS: dict[WireFormat, Callable[[Frame, TouchReport], bytes]] = {
    WireFormat.MUCA: lambda frame, report: muca.encode_text(frame),
    WireFormat.MUCA_BYTES: lambda frame, report: muca.encode_bytes(frame),
    WireFormat.MUCA_TOUCHES: _muca_touches,
    WireFormat.PX: _px,
    WireFormat.PENMOUNT: _penmount,
}
