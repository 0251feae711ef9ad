"""Hardened stamps as the screen has them: what one presents, spoilt or not, and what the server answers.

No key leaves ``credentials``; of what is proof, only the beginning is shown, so that nobody can use a
picture of the window.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.ble.frames import Eid, parse_frame
from stampbench.sim.credentials.nfc.verifier import Genuine
from stampbench.sim.credentials.policy import Action
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Touch
from stampbench.sim.credentials.secrets import Secret
from stampbench.sim.credentials.shop import Shop, ShopStamp, Spoil
from stampbench.sim.credentials.sound.factor import SoundFactor, sound_credential
from stampbench.sim.credentials.sound.token import (
    KEY_BYTES,
    STAMP_BYTES,
    SoundToken,
    SoundVerifier,
    token_of,
    window_at,
)
from stampbench.sim.screen.picture import Explanation, Points

if TYPE_CHECKING:
    from stampbench.sim.credentials.sound.channel import Channel

EPOCH_S: Final = 1_760_000_000.0
"""Server's clock at the beginning of the session; the stamps' clocks were set two hours before."""
_SET_BEFORE_S: Final = 7200.0
TRAVEL_S: Final = 0.2
"""From the phone to the server; assumed."""
MEMBER: Final = "tester"
_PROTOCOL: Final = "fastest"
_NONCE_BYTES: Final = 8
_PROOF = re.compile(r"(?<==)([0-9A-F]{6})[0-9A-F]+")


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What the server's policy says of an action; ``reason`` is the name of a ``Reason``."""

    action: str
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Received:
    """What a stamp presented beside its pads, and what that is good for.

    Attributes:
        number: rises with each.
        code: of the stamp in truth, or as far as anybody knows.
        read: code that it was read as; None if it was not.
        touched: whether it stood on the glass.
        way: "none", "nfc", "ble" or "sound".
        spoil: what was done to it.
        spoil_s: by how much.
        lines: what was received.
        spectrum: of the sound heard, dB below the strongest, shape (frames, bins); None but for sound.
    """

    number: int
    code: int
    read: int | None
    touched: bool
    way: str
    spoil: str
    spoil_s: float
    lines: tuple[Explanation, ...]
    answers: tuple[ServerAnswer, ...]
    spectrum: Points | None


@dataclass(slots=True)
class _Stamp:
    """One stamp: tag and beacon of the shop, and a sounder with its key and a wrong one."""

    shop: ShopStamp
    sounder: bytes
    key: Secret
    other_key: Secret
    sounded: int = 0


class _OnePress:
    """A replay guard of which several actions can be asked for one press: noted when all are answered."""

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}
        self._used: set[str] = set()
        self._due: list[tuple[str, int | None]] = []

    def advance(self, name: str, counter: int) -> bool:
        """Return whether the counter is higher than every one noted."""
        self._due.append((name, counter))
        return counter > self._counters.get(name, -1)

    def first_use(self, name: str) -> bool:
        """Return whether the name was never noted."""
        self._due.append((name, None))
        return name not in self._used

    def note(self) -> None:
        """End the press: what it claimed is used."""
        for name, counter in self._due:
            if counter is None:
                self._used.add(name)
            else:
                self._counters[name] = max(counter, self._counters.get(name, -1))
        self._due.clear()


class HardenedStamps:
    """A shop whose stamps are made as they are first pressed.

    Args:
        seed: of keys, challenges and noise.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng([seed, *b"second factor"])
        self._guard = _OnePress()
        self._sound = SoundVerifier()
        self._shop = Shop(
            self._random, EPOCH_S - _SET_BEFORE_S, guard=self._guard, more=[SoundFactor(self._sound)]
        )
        self._stamps: dict[int, _Stamp] = {}
        self._recorded: dict[tuple[int, str], bytes] = {}
        self._count = 0

    def present(
        self,
        now_s: float,
        code: int,
        way: str,
        *,
        spoil: str,
        shift_s: float,
        touched: bool,
        read: int | None,
    ) -> Received:
        """Let a stamp present its factor, and ask the server what it is good for.

        Args:
            now_s: the session's time.
            code: of the stamp in truth.
            way: "none", "nfc", "ble" or "sound".
            spoil: "genuine", "replay", "relay", "wrong_key" or "wrong_clock".
            shift_s: by which a relay delays (negative) or a clock is fast.
            touched: whether it stands on the glass.
            read: code that it was read as.
        """
        time_s = EPOCH_S + now_s
        nonce = self._random.bytes(_NONCE_BYTES)
        presented, heard = self._presented(time_s, code, way, spoil, shift_s, nonce)
        touch = Touch(read, time_s) if touched else None
        evidence = Evidence(MEMBER, time_s + TRAVEL_S, touch, presented, nonce)
        decisions = [(action, self._shop.desk.decide(action, evidence)) for action in Action]
        self._guard.note()
        self._count += 1
        return Received(
            number=self._count,
            code=code,
            read=read,
            touched=touched,
            way=way,
            spoil=spoil,
            spoil_s=abs(shift_s) if spoil == "relay" else shift_s,
            lines=self._lines(way, presented),
            answers=tuple(ServerAnswer(str(a), d.accepted, d.reason.name.lower()) for a, d in decisions),
            spectrum=_spectrum(heard),
        )

    def warm_up_sound(self) -> None:
        """Do once what takes its time the first time."""
        _sounded(bytes(1), np.random.default_rng(0))

    def _presented(
        self, time_s: float, code: int, way: str, spoil: str, shift_s: float, nonce: bytes
    ) -> tuple[Presented | None, Points | None]:
        """Return what the phone received, and of sound the samples that it heard."""
        stamp = self._stamp(code)
        if way == "none":
            return None, None
        factor, key = Factor(way), (code, way)
        if spoil == "replay":
            payload = self._recorded.get(key)
            if payload is None:
                return None, None
            presented = Presented(factor, payload, time_s, -50 if factor is Factor.BLE else None)
        elif factor is Factor.SOUND:
            presented = Presented(factor, _token(stamp, time_s, spoil, shift_s, nonce), time_s)
        else:
            kind = Spoil.WRONG_KEY if spoil == "wrong_key" else Spoil.NONE
            presented = stamp.shop.present(factor, time_s + shift_s, kind)
            if factor is Factor.BLE:  # when it was heard is known here; when it was sent shows in it
                presented = replace(presented, at_s=time_s)
        if spoil == "genuine":
            self._recorded[key] = presented.payload
        if factor is not Factor.SOUND:
            return presented, None
        samples, payload = _sounded(presented.payload, self._random)
        return (None if payload is None else replace(presented, payload=payload)), samples

    def _stamp(self, code: int) -> _Stamp:
        if code not in self._stamps:
            name = f"stamp-{code}"
            shop_stamp = self._shop.new_stamp(name, code)
            sounder = code.to_bytes(STAMP_BYTES, "big")
            key, other = (Secret(self._random.bytes(KEY_BYTES), KEY_BYTES) for _ in range(2))
            self._sound.register(sounder, key)
            self._shop.stamps.enrol(name, code, sound_credential(sounder))
            self._stamps[code] = _Stamp(shop_stamp, sounder, key, other)
        return self._stamps[code]

    def _lines(self, way: str, presented: Presented | None) -> tuple[Explanation, ...]:
        """Return what was received, in words."""
        if presented is None:
            key = {"none": "nothing_sent", "sound": "not_heard"}.get(way, "not_recorded")
            return (Explanation(key, {}),)
        match presented.factor:
            case Factor.NFC:
                url = presented.payload.decode("ascii", "replace")
                found = self._shop.verifier.verify(url)
                says = Explanation("not_genuine", {})
                if isinstance(found, Genuine):
                    says = Explanation(
                        "tap", {"uid": found.tap.uid.hex().upper(), "counter": found.tap.counter}
                    )
                return Explanation("url", {"url": _PROOF.sub(r"\1…", url)}), says
            case Factor.BLE:
                return _advertisement(presented)
            case Factor.SOUND:
                return _token_lines(presented.payload)


def _advertisement(presented: Presented) -> tuple[Explanation, ...]:
    rssi_dbm = 0 if presented.rssi_dbm is None else presented.rssi_dbm
    heard = Explanation(
        "advertisement", {"bytes": len(presented.payload), "hex": presented.payload.hex(" ").upper()}
    )
    frame = parse_frame(presented.payload)
    if not isinstance(frame, Eid):
        return (heard,)
    return heard, Explanation("eid", {"eid": frame.identifier.hex().upper(), "rssi_dbm": rssi_dbm})


def _token_lines(payload: bytes) -> tuple[Explanation, ...]:
    try:
        token = SoundToken.parse(payload)
    except ProtocolError:
        return (Explanation("no_token", {"bytes": len(payload)}),)
    stamp = int.from_bytes(token.stamp, "big")
    mac = token.mac.hex().upper()[:4] + "…"
    return (Explanation("token", {"stamp": stamp, "number": token.number, "mac": mac}),)


def _token(stamp: _Stamp, time_s: float, spoil: str, shift_s: float, nonce: bytes) -> bytes:
    """Return the next token of a stamp.

    One that was sounded for somebody elsewhere answers no nonce of ours.
    """
    key = stamp.other_key if spoil == "wrong_key" else stamp.key
    answered = b"" if spoil == "relay" else nonce
    stamp.sounded += 1
    window = window_at(time_s + shift_s)
    return token_of(key, stamp.sounder, window, stamp.sounded % 256, answered).encoded


def _sounded(payload: bytes, rng: np.random.Generator) -> tuple[Points, bytes | None]:
    """Return a payload through the air of a shop: what the phone's microphone hears, and understands."""
    from stampbench.sim.credentials.sound.protocols import PROTOCOLS
    from stampbench.sim.credentials.sound.receiver import Receiver
    from stampbench.sim.credentials.sound.transmitter import waveform

    protocol = PROTOCOLS[_PROTOCOL]
    heard = _air().carry(waveform(payload, protocol), rng, silence_s=0.1)
    receiver = Receiver(protocol)
    packets = receiver.feed(heard) + receiver.finish()
    return heard, packets[0].payload if packets else None


def _air() -> Channel:
    from stampbench.sim.credentials.sound.channel import Channel

    return Channel(distance_m=0.3, snr_db=20.0, noise="shop", responses=True)


def _spectrum(heard: Points | None) -> Points | None:
    if heard is None:
        return None
    from stampbench.sim.credentials.sound.spectra import spectrogram

    return spectrogram(heard)
