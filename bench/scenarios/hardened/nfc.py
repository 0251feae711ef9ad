"""Threats 4 and 5: a tag's URL replayed or shared; one that is altered, guessed, or made with other keys."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.tally import Draws, Tally
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.aes import encrypt_cbc
from stampbench.sim.credentials.guard import MemoryGuard, ReplayGuard, SqliteGuard
from stampbench.sim.credentials.nfc.apdu import Status
from stampbench.sim.credentials.nfc.factor import NfcFactor, credential_of
from stampbench.sim.credentials.nfc.file_settings import FREE, Rights
from stampbench.sim.credentials.nfc.files import NDEF
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.sdm import Tap, encrypt_picc_data, session
from stampbench.sim.credentials.nfc.tag import Tag
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.nfc.verifier import (
    FILE_READ_KEY,
    META_READ_KEY,
    Genuine,
    SunVerifier,
    TagKeys,
)
from stampbench.sim.credentials.policy import Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret

REPLAY, FORGERY = "4 SUN URL replayed or shared", "5 SUN URL altered, guessed, or with other keys"
WAYS = {
    "plain": UrlTemplate("https://stamp.example/s?u={uid}&n={counter}&c={mac}"),
    "encrypted": UrlTemplate("https://stamp.example/s?e={picc}&c={mac}"),
    "file data": UrlTemplate("https://stamp.example/s?e={picc}&d={data:16}&c={mac}", covered_from="data"),
    "LRP": UrlTemplate("https://stamp.example/s?e={picc}&c={mac}", lrp=True),
}
"""How a tag shows itself: UID and counter in plain text or encrypted, with file data, and in LRP mode."""
_PUBLISHED = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
_FILE_DATA = b"gold member 0001"
_CODE = 7


@dataclass(frozen=True, slots=True)
class _Issuer:
    """Who makes stamps of one way: keys, tags made with them, and the verifier of their URLs."""

    template: UrlTemplate
    keys: TagKeys
    verifier: SunVerifier
    tags: tuple[Tag, ...]

    @classmethod
    def new(cls, way: str, tags: int, rng: np.random.Generator) -> _Issuer:
        template, keys = WAYS[way], TagKeys(Secret(rng.bytes(16)))
        made = []
        for _ in range(tags):
            tag = Tag(b"\x04" + rng.bytes(6), rng)
            personalise(tag, keys, template, rng, _FILE_DATA if way == "file data" else b"")
            made.append(tag)
        return cls(template, keys, SunVerifier(template, keys.meta_read, keys.file_read), tuple(made))

    def accepts(self, url: str, guard: ReplayGuard) -> bool:
        """The whole decision: genuine, and never seen before."""
        found = self.verifier.verify(url)
        if not isinstance(found, Genuine):
            return False
        return guard.advance(credential_of(found.tap.uid), found.tap.counter)

    def genuine(self, url: str) -> bool:
        return isinstance(self.verifier.verify(url), Genuine)


def tapped(tag: Tag, rng: np.random.Generator) -> str:
    """The URL that a phone reads at one tap."""
    tag.power_up()
    return Reader(tag.transceive, rng).read_url()


def trials(settings: Settings, draws: Draws, directory: Path, tell: Progress) -> Iterator[Finding]:
    """All trials of threats 4 and 5."""
    tell.say("NFC: tags, their URLs, and those of attackers")
    for way in WAYS:
        yield from _used_twice(way, settings, draws(f"twice {way}"))
    yield _published_twice()
    yield _beyond_two_bytes(draws("beyond"))
    yield from _out_of_order(settings, draws("order"))
    yield from _at_the_same_time(settings, draws("threads"), directory, tell)
    yield from _named_twice(directory)
    yield from _shared(draws("shared"))
    for way in WAYS:
        yield _altered_bits(way, settings, draws(f"bits {way}"), tell)
    yield _altered_text(settings, draws("text"))
    yield from _altered_data(settings, draws("data"))
    yield from _other_keys(settings, draws("keys"))
    yield _other_forms(draws("forms"))
    yield from _factory_keys(settings, draws("factory"))
    yield from _guessed(settings, draws("guesses"), tell)
    yield _altered_personalisation(draws("personalisation"))


def _used_twice(way: str, settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    issuer, guard = _Issuer.new(way, settings.stamps, rng), MemoryGuard()
    first = Tally(REPLAY, f"URL shown once ({way}): accepted")
    second = Tally(REPLAY, f"the same URL again ({way}): refused")
    for tag in issuer.tags:
        for _ in range(settings.taps):
            url = tapped(tag, rng)
            first.expect(True, issuer.accepts(url, guard))
            second.expect(False, issuer.accepts(url, guard))
    yield first.trial()
    yield second.trial()


def _published_twice() -> Trial:
    template = UrlTemplate("https://ntag.nxp.com/424?e={picc}&c={mac}")
    zeros, guard = Secret(bytes(16)), MemoryGuard()
    verifier = SunVerifier(template, zeros, lambda _: zeros, production=False)
    tally = Tally(REPLAY, "URL published in NXP AN12196 shown twice: second one refused")
    for right in (True, False):
        found = verifier.verify(_PUBLISHED)
        tally.expect(right, isinstance(found, Genuine) and guard.advance("published", found.tap.counter))
    return tally.trial()


def _beyond_two_bytes(rng: np.random.Generator) -> Trial:
    """A tag counts in three bytes: its 65,536th tap is one like any other."""
    issuer, guard = _Issuer.new("encrypted", 1, rng), MemoryGuard()
    (tag,) = issuer.tags
    tag.files[NDEF].counter = (1 << 16) - 3
    tally = Tally(REPLAY, "taps around a tag's 65,536th tap: accepted once each")
    for _ in range(5):
        url = tapped(tag, rng)
        tally.expect(True, issuer.accepts(url, guard))
        tally.expect(False, issuer.accepts(url, guard))
    return tally.trial()


def _named_twice(directory: Path) -> Iterator[Trial]:
    with (
        TemporaryDirectory(dir=directory) as place,
        closing(SqliteGuard(Path(place) / "guard.sqlite")) as file,
    ):
        for where, guard in (("memory", MemoryGuard()), ("SQLite", file)):
            tally = Tally(REPLAY, f"one name used twice, guard in {where}: accepted once")
            for number in range(100):
                tally.expect(True, guard.first_use(f"name {number}"))
                tally.expect(False, guard.first_use(f"name {number}"))
            yield tally.trial()


def _out_of_order(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    issuer = _Issuer.new("encrypted", settings.stamps, rng)
    urls = [[tapped(tag, rng) for _ in range(settings.taps)] for tag in issuer.tags]
    guard, skipped = MemoryGuard(), Tally(REPLAY, "taps skipped, counter with gaps: accepted")
    behind = Tally(REPLAY, "counter rolled back, every earlier URL: refused")
    for of_tag in urls:
        *earlier, last = range(0, settings.taps, 3)
        for place in (*earlier, last):
            skipped.expect(True, issuer.accepts(of_tag[place], guard))
        for url in of_tag[:last]:
            behind.expect(False, issuer.accepts(url, guard))
    yield skipped.trial()
    yield behind.trial()
    guard, mixed = (
        MemoryGuard(),
        Tally(REPLAY, "taps in any order: accepted where the counter is the highest yet"),
    )
    for of_tag in urls:
        highest = -1
        for place in rng.permutation(settings.taps):
            mixed.expect(bool(place > highest), issuer.accepts(of_tag[place], guard))
            highest = max(highest, int(place))
    yield mixed.trial()


class _NaiveGuard(MemoryGuard):
    """What the guard must not be: it reads, and writes later."""

    def advance(self, name: str, counter: int) -> bool:
        """True if the counter was higher when it was read."""
        if counter <= self._counters.get(name, -1):
            return False
        time.sleep(0.0)  # others run meanwhile, as during a query of a database
        self._counters[name] = counter
        return True


def _at_the_same_time(
    settings: Settings, rng: np.random.Generator, directory: Path, tell: Progress
) -> Iterator[Finding]:
    issuer = _Issuer.new("encrypted", 1, rng)
    with (
        TemporaryDirectory(dir=directory) as place,
        closing(SqliteGuard(Path(place) / "guard.sqlite")) as file,
    ):
        guards: tuple[tuple[str, ReplayGuard], ...] = (("memory", MemoryGuard()), ("SQLite", file))
        for name, guard in guards:
            tally = Tally(
                REPLAY, f"one URL from {settings.threads} threads at once, guard in {name}: one accepted"
            )
            for round_ in range(settings.rounds):
                url = tapped(issuer.tags[0], rng)
                tally.expect(True, _accepted_together(issuer, url, guard, settings.threads) == 1)
                tell.tried(round_ + 1, settings.rounds)
            yield tally.trial()
    naive = _NaiveGuard()
    doubled = sum(
        _accepted_together(issuer, tapped(issuer.tags[0], rng), naive, settings.threads) > 1
        for _ in range(settings.rounds)
    )
    yield Figure(
        "rounds in which a guard that reads first and writes later accepts twice",
        doubled,
        f"of {settings.rounds}",
        note="Shows that the trial above would find a double acceptance.",
    )


def _accepted_together(issuer: _Issuer, url: str, guard: ReplayGuard, threads: int) -> int:
    barrier, accepted = threading.Barrier(threads), []

    def show() -> None:
        barrier.wait()
        accepted.append(issuer.accepts(url, guard))

    running = [threading.Thread(target=show) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(accepted)


def _shared(rng: np.random.Generator) -> Iterator[Trial]:
    """A URL that is sent on: another member shows it, or the same one later."""
    issuer, stamps = _Issuer.new("encrypted", 1, rng), StampBook()
    stamps.enrol("counter", _CODE, credential_of(issuer.tags[0].uid))
    desk = Desk([NfcFactor(issuer.verifier)], stamps, MemoryGuard())

    def accepted(url: str, member: str, age_s: float) -> bool:
        presented = Presented(Factor.NFC, url.encode(), 1000.0)
        evidence = Evidence(member, 1000.0 + age_s, Touch(_CODE, 1000.0), presented)
        return desk.decide(Action.COLLECT, evidence).accepted

    ages = Tally(REPLAY, "URL 0 to 120 s old: accepted to 30 s, and not later")
    for age_s in range(121):
        ages.expect(age_s <= 30, accepted(tapped(issuer.tags[0], rng), "anna", age_s))
    yield ages.trial()
    sent = Tally(REPLAY, "URL used, then sent to a friend: the friend refused")
    for member in range(100):
        url = tapped(issuer.tags[0], rng)
        accepted(url, "anna", 1.0)
        sent.expect(False, accepted(url, f"friend {member}", 2.0))
    yield sent.trial()


def _altered_bits(way: str, settings: Settings, rng: np.random.Generator, tell: Progress) -> Trial:
    """Every single bit of what a URL carries in hexadecimal, changed."""
    issuer = _Issuer.new(way, settings.altered_urls, rng)
    tally = Tally(FORGERY, f"every bit of every field changed ({way}): refused")
    for number, tag in enumerate(issuer.tags):
        url = tapped(tag, rng)
        for start, end in issuer.template.spans.values():
            value, digits = int(url[start:end], 16), end - start
            for bit in range(4 * digits):
                changed = f"{value ^ 1 << bit:0{digits}X}"
                tally.expect(False, issuer.genuine(url[:start] + changed + url[end:]))
        tell.tried(number + 1, settings.altered_urls)
    return tally.trial()


def _altered_text(settings: Settings, rng: np.random.Generator) -> Trial:
    issuer = _Issuer.new("encrypted", settings.altered_urls, rng)
    tally = Tally(FORGERY, "every bit of every character of the URL changed: refused")
    for tag in issuer.tags:
        text = tapped(tag, rng).encode()
        for place, bit in itertools.product(range(len(text)), range(8)):
            changed = text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1 :]
            tally.expect(False, issuer.genuine(changed.decode("latin-1")))
    return tally.trial()


def _altered_data(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    """File data that no MAC covers could be written by anybody: such a template is refused."""
    text = "https://stamp.example/s?e={picc}&d={data:16}&c={mac}"
    built = Tally(FORGERY, "URL whose MAC does not cover its file data: not built")
    built.expect(False, _is_built(lambda: UrlTemplate(text, covered_from="mac")))
    yield built.trial()
    template, keys = UrlTemplate(text), TagKeys(Secret(rng.bytes(16)))
    verifier = SunVerifier(template, keys.meta_read, keys.file_read)
    altered = Tally(FORGERY, "every digit of file data changed, template as its default has it: refused")
    for _ in range(settings.altered_urls):
        tag = Tag(b"\x04" + rng.bytes(6), rng)
        personalise(tag, keys, template, rng, b"points=000000010")
        url = tapped(tag, rng)
        start, end = template.spans["data"]
        for place in range(start, end):
            for digit in "0123456789ABCDEF":
                right = digit == url[place]
                changed = url[:place] + digit + url[place + 1 :]
                altered.expect(right, isinstance(verifier.verify(changed), Genuine))
    yield altered.trial("One in sixteen is the digit that was there, and genuine.")


def _other_keys(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    issuer, other = (_Issuer.new("encrypted", settings.stamps, rng) for _ in range(2))
    mixed = Tally(FORGERY, "UID of one tag with the MAC of another: refused")
    for a, b in itertools.permutations([tapped(tag, rng).partition("&c=") for tag in issuer.tags], 2):
        mixed.expect(False, issuer.genuine(a[0] + b[1] + b[2]))
    yield mixed.trial()
    foreign = Tally(FORGERY, "tags of another issuer: refused")
    for tag in other.tags:
        for _ in range(settings.taps):
            foreign.expect(False, issuer.genuine(tapped(tag, rng)))
    yield foreign.trial()


def _other_forms(rng: np.random.Generator) -> Trial:
    """PICCData that say another length of UID, or none, encrypted and signed with the right keys."""
    issuer = _Issuer.new("encrypted", 1, rng)
    tap = Tap(issuer.tags[0].uid, 5)
    tally = Tally(FORGERY, "other length of UID, or none, right keys: refused; form C7: accepted")
    for form in range(256):
        picc = encrypt_cbc(issuer.keys.meta_read.reveal(), bytes([form]) + tap.encoded + rng.bytes(5))
        mac = session(issuer.keys.file_read(tap.uid), tap, lrp=False).mac(b"")
        tally.expect(form == 0xC7, issuer.genuine(_url(picc, mac)))
    return tally.trial()


def _url(picc: bytes, mac: bytes) -> str:
    """A URL of the encrypted way."""
    return WAYS["encrypted"].text.format(picc=picc.hex().upper(), mac=mac.hex().upper())


def _factory_keys(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    """A tag whose keys were never changed shows URLs that anybody can make."""
    issuer, zeros = _Issuer.new("encrypted", 1, rng), Secret(bytes(16))
    new = Tally(FORGERY, "tags with the factory's keys: refused")
    for _ in range(settings.stamps):
        tag = Tag(b"\x04" + rng.bytes(6), rng)
        reader = Reader(tag.transceive, rng)
        reader.authenticate(0, zeros)
        reader.write(issuer.template.file())
        rights = Rights(read=FREE, write=0, both=0, change=0)
        reader.change_settings(
            issuer.template.settings(meta_read=META_READ_KEY, file_read=FILE_READ_KEY, rights=rights)
        )
        for _ in range(settings.taps):
            new.expect(False, issuer.genuine(tapped(tag, rng)))
    yield new.trial()
    # The MAC's key alone left as delivered, and a server that believes so too.
    careless = SunVerifier(issuer.template, issuer.keys.meta_read, lambda _: zeros)
    half = Tally(FORGERY, "MAC with the factory's key, server set up for it: refused")
    for counter in range(settings.taps):
        tap = Tap(b"\x04" + rng.bytes(6), counter)
        picc = encrypt_picc_data(issuer.keys.meta_read, tap, rng.bytes(5), lrp=False)
        url = _url(picc, session(zeros, tap, lrp=False).mac(b""))
        half.expect(False, isinstance(careless.verify(url), Genuine))
    yield half.trial()
    server = Tally(FORGERY, "server with the factory's key for PICCData: not built")
    server.expect(False, _is_built(lambda: SunVerifier(issuer.template, zeros, issuer.keys.file_read)))
    yield server.trial()


def _is_built(build: Callable[[], object]) -> bool:
    try:
        build()
    except InputError:
        return False
    return True


def _guessed(settings: Settings, rng: np.random.Generator, tell: Progress) -> Iterator[Trial]:
    issuer = _Issuer.new("encrypted", 1, rng)
    urls = Tally(FORGERY, "URLs guessed at random: refused")
    for number in range(settings.guesses):
        urls.expect(False, issuer.genuine(_url(rng.bytes(16), rng.bytes(8))))
        if number % 1000 == 999:
            tell.tried(number + 1, settings.guesses)
    yield urls.trial()
    macs = Tally(FORGERY, "MAC of a genuine tap guessed: refused")
    picc = bytes.fromhex(tapped(issuer.tags[0], rng).partition("?e=")[2][:32])
    for _ in range(settings.guesses // 10):
        macs.expect(False, issuer.genuine(_url(picc, rng.bytes(8))))
    yield macs.trial()


def _altered_personalisation(rng: np.random.Generator) -> Trial:
    """Every bit of the command that gives a tag its key, changed on the way: the tag must not take it."""
    zeros, new = Secret(bytes(16)), Secret(rng.bytes(16))
    sent: list[bytes] = []

    def noted(tag: Tag) -> Callable[[bytes], bytes]:
        def transceive(command: bytes) -> bytes:
            sent.append(command)
            return tag.transceive(command)

        return transceive

    uid = b"\x04" + rng.bytes(6)
    reader = Reader(noted(Tag(uid, np.random.default_rng(1))), np.random.default_rng(2))
    reader.authenticate(0, zeros)
    reader.change_key(1, new, zeros)
    *before, command = sent
    tally = Tally(FORGERY, "every bit of a ChangeKey command changed: not taken by the tag")
    for place, bit in itertools.product(range(5, len(command) - 1), range(8)):
        tag = Tag(uid, np.random.default_rng(1))
        for earlier in before:
            tag.transceive(earlier)
        changed = command[:place] + bytes([command[place] ^ 1 << bit]) + command[place + 1 :]
        tally.expect(False, tag.transceive(changed)[-2:] == Status.OK.value)
    return tally.trial()
