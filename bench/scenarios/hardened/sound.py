"""Threat 7: a token of sound recorded and replayed, or misheard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.tally import Draws, Tally
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.policy import Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret
from stampbench.sim.credentials.sound.channel import Channel
from stampbench.sim.credentials.sound.factor import SoundFactor, sound_credential
from stampbench.sim.credentials.sound.protocols import (
    LENGTH_PARITY,
    PROTOCOLS,
    Protocol,
    chunks_of,
    nibbles_of,
    protocol_named,
)
from stampbench.sim.credentials.sound.receiver import Receiver
from stampbench.sim.credentials.sound.soft_decision import read_payload
from stampbench.sim.credentials.sound.token import (
    KEY_BYTES,
    TOKEN_BYTES,
    WINDOW_S,
    SoundStamp,
    SoundVerifier,
    window_at,
)
from stampbench.sim.credentials.sound.transmitter import waveform

REPLAY = "7 Sound recorded and replayed"
MISHEARD = "7 Sound misheard, or altered on the way"
_CODE: Final = 7
_BATCH: Final = 500
_LOST_AT_MOST: Final = 0.05
_GUESS: Final = "By chance, 3e-19 of wrong payloads would be accepted: the MAC has 64 bits."
_PLACES: Final = {
    "a loud shop": Channel(snr_db=-20.0, noise="shop"),
    "an echoing shop, 3 m away": Channel(
        distance_m=3.0,
        snr_db=20.0,
        noise="shop",
        reverberation_s=0.35,
        direct_db=-5.0,
        responses=True,
        skew_ppm=60.0,
    ),
}
_EARLY_S, _LATE_S = 2.0, 15.0
"""What the trials ask for, whatever the code under test has: before and after its window a token is good."""


class _Shop:
    """A stamp that sounds tokens, and the server that knows it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.now_s = 1_760_000_000.0 + WINDOW_S * rng.random()
        identifier, key = rng.bytes(4), Secret(rng.bytes(KEY_BYTES), KEY_BYTES)
        self.stamp, verifier, stamps = SoundStamp(identifier, key), SoundVerifier(), StampBook()
        verifier.register(identifier, key)
        stamps.enrol("counter", _CODE, sound_credential(identifier))
        self._desk = Desk([SoundFactor(verifier)], stamps, MemoryGuard())

    def pressed(self, nonce: bytes = b"") -> bytes:
        """The token of a press in a window of its own."""
        self.now_s += WINDOW_S
        return self.stamp.press(self.now_s, nonce).encoded

    def accepts(
        self,
        payload: bytes,
        after_s: float = 0.0,
        nonce: bytes = b"",
        action: Action = Action.REDEEM,
        member: str = "member",
    ) -> bool:
        """The decision about a press with this payload, so long after the last one."""
        time_s = self.now_s + after_s
        presented = Presented(Factor.SOUND, payload, time_s)
        return self._desk.decide(
            action, Evidence(member, time_s, Touch(_CODE, time_s), presented, nonce)
        ).accepted


def trials(settings: Settings, draws: Draws, directory: Path, tell: Progress) -> Iterator[Finding]:
    """All trials of sound."""
    tell.say("sound: replays")
    yield from _replays(settings, draws("sound replayed"))
    yield _first_uses(settings, draws("sound late"))
    yield from _sessions(settings, draws("sound sessions"))
    yield _bits(draws("sound bits"))
    tell.say("sound: receptions")
    yield _energies(settings, draws("sound energies"), tell)
    for place, channel in _PLACES.items():
        yield _recordings(settings, place, channel, draws(f"sound in {place}"))
    for protocol in PROTOCOLS.values():
        yield _lost(settings, protocol, draws(f"sound lost, {protocol.name}"))


def _replays(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    """Every second after a token was used."""
    longest_s = settings.sound_replay_s
    tallies = [
        Tally(REPLAY, f"used token replayed after 1 to {longest_s} s, by {who}: refused")
        for who in ("the same member", "another")
    ]
    honest = Tally(REPLAY, "token used for the first time, at once: accepted")
    for _ in range(settings.stamps):
        shop = _Shop(rng)
        payload = shop.pressed()
        honest.expect(True, shop.accepts(payload))
        for after_s in range(1, longest_s + 1):
            for tally, member in zip(tallies, ("member", "thief"), strict=True):
                tally.expect(False, shop.accepts(payload, after_s, member=member))
    yield honest.trial()
    for tally in tallies:
        yield tally.trial()


def _first_uses(settings: Settings, rng: np.random.Generator) -> Trial:
    """A recording of a token that its owner never used."""
    tally = Tally(
        REPLAY, f"unused token, 10 s before to {settings.sound_replay_s} s after: by its window alone"
    )
    shop = _Shop(rng)
    for after_s in range(-10, settings.sound_replay_s + 1):
        for _ in range(settings.taps):
            shop.now_s += WINDOW_S * rng.random()
            payload = shop.pressed()
            begins_s = WINDOW_S * window_at(shop.now_s)
            arrives_s = shop.now_s + after_s
            right = begins_s - _EARLY_S <= arrives_s < begins_s + WINDOW_S + _LATE_S
            tally.expect(right, shop.accepts(payload, after_s))
    return tally.trial("A token is accepted until 15 s after its window of 10 s: for 25 s at the most.")


def _sessions(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    shop = _Shop(rng)
    own = Tally(REPLAY, "token of this very session: pays")
    other = Tally(REPLAY, "token of another session, at once: refused")
    unbound = Tally(REPLAY, "token without a session: does not pay")
    for _ in range(settings.stamps * settings.taps):
        nonce = rng.bytes(16)
        payload = shop.pressed(nonce)
        for wrong in (b"", rng.bytes(16), nonce[:-1], nonce + b"\0"):
            other.expect(False, shop.accepts(payload, nonce=wrong))
        own.expect(True, shop.accepts(payload, nonce=nonce, action=Action.PAY))
        unbound.expect(False, shop.accepts(shop.pressed(), nonce=nonce, action=Action.PAY))
    for tally in (own, other, unbound):
        yield tally.trial()


def _bits(rng: np.random.Generator) -> Trial:
    shop, tally = _Shop(rng), Tally(MISHEARD, "every single bit of a token changed: refused")
    payload = shop.pressed()
    for bit in range(8 * TOKEN_BYTES):
        changed = (int.from_bytes(payload, "big") ^ 1 << bit).to_bytes(TOKEN_BYTES, "big")
        tally.expect(False, shop.accepts(changed))
    return tally.trial()


def _energies(settings: Settings, rng: np.random.Generator, tell: Progress) -> Trial:
    """Receptions from the energies of their tones on: without waveforms, they are quick enough for many."""
    shop, tries = _Shop(rng), settings.sound_receptions
    tally = Tally(
        MISHEARD, "energies of tones, noisy or composed by an attacker: only what was sent, accepted"
    )
    read_wrong = 0
    for begin in range(0, tries, _BATCH):
        count = min(_BATCH, tries - begin)
        sent: list[bytes | None] = []
        words = np.empty((count, len(_word(bytes(TOKEN_BYTES)))), np.intp)
        before = shop.pressed()
        for n in range(count):
            token = shop.pressed()
            kind = n % 4  # as it is, spliced with an older one, random with the right parity, random
            payload = (token, token[:9] + before[9:], rng.bytes(TOKEN_BYTES), b"")[kind]
            words[n] = _word(payload) if payload else rng.integers(16, size=words.shape[1])
            sent.append(token if kind == 0 else None)
            before = token
        # Tones from half drowned to clear.
        shares = _noisy(words, rng.uniform(2.0, 14.0, count), rng)
        shop.now_s -= WINDOW_S * count
        for n in range(count):
            shop.now_s += WINDOW_S
            read = read_payload(shares[n], TOKEN_BYTES)
            if read is None:
                tally.expect(False, False)
                continue
            read_wrong += read[0] != sent[n]
            tally.expect(read[0] == sent[n], shop.accepts(read[0]))
        tell.tried(begin + count, tries)
    return tally.trial(f"{read_wrong} of them were read as something else than a token sent. {_GUESS}")


def _word(payload: bytes) -> npt.NDArray[np.intp]:
    """Tones of payload and parity, low nibbles first, without the length's and without filling."""
    return nibbles_of(chunks_of(payload)).ravel()[2 * (1 + LENGTH_PARITY) :]


def _noisy(
    words: npt.NDArray[np.intp], ratios: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Shares of energy, (words, bytes, 2, 16), of tones so much louder than their bin's noise."""
    shape = (*words.shape, 16)
    tones = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    loud = np.sqrt(2.0 * ratios)[:, None] * np.exp(2j * np.pi * rng.random(words.shape))
    np.put_along_axis(
        tones, words[..., None], np.take_along_axis(tones, words[..., None], 2) + loud[..., None], 2
    )
    energies = tones.real**2 + tones.imag**2
    shares = energies / energies.sum(axis=2, keepdims=True)
    return np.ascontiguousarray(shares.reshape(len(words), -1, 2, 16))


def _heard(payload: bytes, protocol: Protocol, channel: Channel, rng: np.random.Generator) -> list[bytes]:
    receiver = Receiver(protocol, TOKEN_BYTES)
    samples = channel.carry(waveform(payload, protocol), rng)
    return [packet.payload for packet in (*receiver.feed(samples), *receiver.finish())]


def _recordings(settings: Settings, place: str, channel: Channel, rng: np.random.Generator) -> Trial:
    shop, protocol = _Shop(rng), protocol_named("fastest")
    tally = Tally(MISHEARD, f"waveforms in {place}: only what was sent, accepted")
    lost = misread = 0
    for _ in range(settings.sound_recordings):
        payload = shop.pressed()
        heard = _heard(payload, protocol, channel, rng)
        lost += payload not in heard
        for other in heard:
            misread += other != payload
            tally.expect(other == payload, shop.accepts(other))
        if not heard:
            tally.expect(False, False)
    return tally.trial(
        f"Protocol {protocol.name}; {lost} of {settings.sound_recordings} packets were not read, "
        f"{misread} of them as something else. {_GUESS}"
    )


def _lost(settings: Settings, protocol: Protocol, rng: np.random.Generator) -> Trial:
    shop = _Shop(rng)
    tally = Tally(MISHEARD, f"waveforms at -12 dB, protocol {protocol.name}: accepted", _LOST_AT_MOST)
    for _ in range(settings.sound_recordings):
        payload = shop.pressed()
        heard = _heard(payload, protocol, Channel(snr_db=-12.0), rng)
        tally.expect(True, heard == [payload] and shop.accepts(payload))
    return tally.trial("White noise over 0 to 24 kHz.")
