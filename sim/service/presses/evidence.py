"""What an app sends about one press, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stampbench.sim.service.presses.geometry import Points


class Purpose(StrEnum):
    """What the member wants."""

    STAMP = "stamp"
    REDEEM = "redeem"
    CHECK_IN = "check-in"
    CHECK_OUT = "check-out"


class Outcome(StrEnum):
    """What became of a press."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REVIEW = "review"
    """A person decides."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device says it is.

    Attributes:
        accuracy_m: radius that holds it in two cases of three, as phones give it.
        mocked: the device's platform says that the place was made up.
    """

    lat_deg: float
    lon_deg: float
    accuracy_m: float
    mocked: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A second factor.

    Attributes:
        kind: which verifier takes it.
        values: as that verifier wants them.
    """

    kind: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OfflineReading:
    """What an app read by itself, from a bundle."""

    serial: str
    bundle: str


@dataclass(frozen=True, kw_only=True)
class PressEvidence:
    """One press as an app tells it; either ``contacts`` or ``reading`` is there.

    Attributes:
        key: under which the app may send the same again.
        request_digest: of all that was sent.
        contacts: in mm unless ``size_known`` is False; (n, 2).
        unit_mm: length of the unit in which the contacts were sent; a guess where the size is not known.
        contacts_again: a second set from the same press.
        member, device: what the merchant's app calls them.
        address: of the network, from which it came; None where that says nothing.
        pressed_us: by the device's clock; None: now.
    """

    key: str
    request_digest: bytes
    purpose: Purpose = Purpose.STAMP
    contacts: Points | None = None
    contacts_again: Points | None = None
    size_known: bool = True
    unit_mm: float = 1.0
    reading: OfflineReading | None = None
    credentials: tuple[Credential, ...] = field(default=())
    member: str | None = None
    device: str | None = None
    address: str | None = None
    place: Place | None = None
    pressed_us: int | None = None
