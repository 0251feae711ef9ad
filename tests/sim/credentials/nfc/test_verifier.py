"""URLs: NXP AN12196 rev. 2.0, and nfc-developer/sdm-backend at b459ca19 (MIT)."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.nfc import lrp, sdm, verifier
from stampbench.sim.credentials.nfc.sdm import Tap, encrypt_picc_data, session
from stampbench.sim.credentials.nfc.url import UrlTemplate, url_in
from stampbench.sim.credentials.nfc.verifier import Genuine, Refusal, SunVerifier, TagKeys
from stampbench.sim.credentials.secrets import Secret

ZERO = Secret(bytes(16))
KEYS = TagKeys(Secret(bytes(range(16))))
UID = bytes.fromhex("04782E21801D80")
TEMPLATE = UrlTemplate("https://stamp.example/s?e={picc}&c={mac}")
VERIFIER = SunVerifier(TEMPLATE, KEYS.meta_read, KEYS.file_read)


def url_of(tap, *, tag=0xC7, meta_read=None, file_read=None):
    """A URL as a tag with these keys would show it; another PICCDataTag where asked for."""
    plain = bytes([tag]) + tap.encoded + bytes(5)
    picc = sdm.encrypt_cbc((meta_read or KEYS.meta_read).reveal(), plain)
    mac = session(file_read or KEYS.file_read(tap.uid), tap, lrp=False).mac(b"")
    return f"https://stamp.example/s?e={picc.hex().upper()}&c={mac.hex().upper()}"


@pytest.mark.parametrize(
    ("template", "covered_from", "lrp", "url", "uid", "counter", "data"),
    [
        (
            "https://ntag.nxp.com/424?e={picc}&c={mac}",
            "mac",
            False,
            "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086",
            "04DE5F1EACC040",
            61,
            b"",
        ),
        (
            "https://www.my424dna.com/?picc_data={picc}&enc={data:16}&cmac={mac}",
            "data",
            False,
            "https://www.my424dna.com/?picc_data=FD91EC264309878BE6345CBE53BADF40"
            "&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6",
            "04958CAA5C5E80",
            8,
            b"x" * 16,
        ),
        (
            "https://sdm.example/tag?uid={uid}&ctr={counter}&cmac={mac}",
            "mac",
            False,
            "https://sdm.example/tag?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3",
            "041E3C8A2D6B80",
            6,
            b"",
        ),
        (
            "https://sdm.example/tag?picc_data={picc}&enc={data:16}&cmac={mac}",
            "data",
            True,
            "https://sdm.example/tag?picc_data=07D9CA2545881D4BFDD920BE1603268C0714420DD893A497"
            "&enc=D6E921C47DB4C17C56F979F81559BB83&cmac=F9481AC7D855BDB6",
            "049B112A2F7080",
            4,
            b"NTXXb7dz3PsYYBlU",
        ),
        (
            "https://any.domain/?m={picc}x{data:16}x{mac}",
            "url",
            True,
            "https://any.domain/?m=65628ED36888CF9C84797E43ECACF114C6ED9A5E101EB592"
            "x4ADE304B5AB9474CB40AFFCAB0607A85x87E287E8135BFC06",
            "042E1D222A6380",
            123,
            b"0102030400000000",
        ),
    ],
)
def test_published_url_is_genuine(template, covered_from, lrp, url, uid, counter, data):
    checked = SunVerifier(
        UrlTemplate(template, covered_from=covered_from, lrp=lrp), ZERO, lambda _: ZERO, production=False
    )
    assert checked.verify(url) == Genuine(Tap(bytes.fromhex(uid), counter), data)


def test_factory_keys_are_refused_in_production():
    with pytest.raises(InputError, match="all zeros, as delivered"):
        SunVerifier(TEMPLATE, ZERO, KEYS.file_read)
    half = SunVerifier(TEMPLATE, KEYS.meta_read, lambda _: ZERO)
    assert half.verify(url_of(Tap(UID, 1), file_read=ZERO)) is Refusal.NOT_GENUINE
    assert VERIFIER.verify(url_of(Tap(UID, 1), meta_read=ZERO, file_read=ZERO)) is Refusal.NOT_GENUINE


def test_key_of_another_tag_is_refused():
    other = KEYS.file_read(UID[:-1] + b"\x81")
    assert VERIFIER.verify(url_of(Tap(UID, 1), file_read=other)) is Refusal.NOT_GENUINE
    assert isinstance(VERIFIER.verify(url_of(Tap(UID, 1))), Genuine)


@pytest.mark.parametrize("tag", [0x00, 0x47, 0x87, 0xC0, 0xC4, 0xC6, 0xCA, 0xCF])
def test_picc_data_of_another_form_is_refused(tag):
    assert VERIFIER.verify(url_of(Tap(UID, 1), tag=tag)) is Refusal.NOT_GENUINE


def test_every_url_of_the_right_form_costs_the_same_work(monkeypatch):
    calls = []
    for module, name in [
        (sdm, "cmac"),
        (sdm, "decrypt_cbc"),
        (sdm, "encrypt_block"),
        (verifier, "diversify"),
    ]:
        original = getattr(module, name)

        def counted(*arguments, _name=name, _original=original, **named):
            calls.append((_name, len(arguments[1])))
            return _original(*arguments, **named)

        monkeypatch.setattr(module, name, counted)

    def work(url):
        calls.clear()
        VERIFIER.verify(url)
        return list(calls)

    genuine = url_of(Tap(UID, 1))
    whole = work(genuine)
    assert len(whole) >= 6
    assert work(url_of(Tap(UID, 1), tag=0xC4)) == whole  # UID of 4 bytes
    assert work(url_of(Tap(bytes(7), 9))) == whole  # unknown UID
    assert work(genuine[:-1] + ("0" if genuine[-1] != "0" else "1")) == whole  # wrong MAC
    assert work(genuine.replace("e=", "e=0")[:-1]) == []  # not of the right form


def test_every_url_of_the_right_form_costs_the_same_work_in_lrp_mode(monkeypatch):
    template = UrlTemplate("https://s.example/?e={picc}&d={data:16}&c={mac}", covered_from="data", lrp=True)
    checked = SunVerifier(template, KEYS.meta_read, KEYS.file_read)
    tap, calls = Tap(UID, 1), []
    keys = session(KEYS.file_read(UID), tap, lrp=True)
    data = keys.encrypt(bytes(16)).hex().upper()
    mac = keys.mac(f"{data}&c=".encode()).hex().upper()

    def url(form, mac=mac):
        picc = bytes(8) + lrp.Lrp(KEYS.meta_read).encrypt(bytes([form]) + tap.encoded + bytes(5), bytes(8))
        return f"https://s.example/?e={picc.hex().upper()}&d={data}&c={mac}"

    urls = [url(0xC7), url(0xC4), url(0x00), url(0xC7, "0" * 16)]
    original = lrp.encrypt_block
    monkeypatch.setattr(lrp, "encrypt_block", lambda *block: calls.append(1) or original(*block))
    costs = []
    for text in urls:
        calls.clear()
        accepted = isinstance(checked.verify(text), Genuine)
        costs.append((accepted, len(calls)))
    assert [accepted for accepted, _ in costs] == [True, False, False, False]
    assert len({cost for _, cost in costs}) == 1


@pytest.mark.parametrize("in_lrp", [False, True])
def test_every_changed_bit_is_refused(in_lrp):
    template = UrlTemplate("https://s.example/?e={picc}&c={mac}", lrp=in_lrp)
    checked = SunVerifier(template, KEYS.meta_read, KEYS.file_read)
    tap = Tap(UID, 77)
    picc = encrypt_picc_data(KEYS.meta_read, tap, np.random.default_rng(1).bytes(13), lrp=in_lrp)
    text = picc + session(KEYS.file_read(UID), tap, lrp=in_lrp).mac(b"")

    def verdict(changed):
        parts = changed.to_bytes(len(text), "big").hex().upper()
        return checked.verify(f"https://s.example/?e={parts[:-16]}&c={parts[-16:]}")

    number = int.from_bytes(text, "big")
    assert isinstance(verdict(number), Genuine)
    assert {verdict(number ^ 1 << bit) for bit in range(8 * len(text))} == {Refusal.NOT_GENUINE}


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.lower(),
        lambda url: url + "&x=1",
        lambda url: url.replace("stamp.example", "stamp.example.org"),
        lambda url: url.replace("https", "http"),
        lambda url: url[:-2],
        lambda url: " " + url,
        lambda url: url + "\n",
        lambda _: "",
    ],
)
def test_url_that_is_not_to_the_letter_is_malformed(change):
    assert VERIFIER.verify(change(url_of(Tap(UID, 1)))) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("text", "covered_from", "said"),
    [
        ("https://s.example/?e={picc}", "mac", "expected {mac}"),
        ("https://s.example/?c={mac}", "mac", "expected {mac} with"),
        ("https://s.example/?e={picc}{picc}&c={mac}", "mac", "each once"),
        ("https://s.example/?e={picc}&c={mac}&x={}", "mac", "expected {mac}"),
        ("http://s.example/?e={picc}&c={mac}", "mac", "https://"),
        ("https://s.example/?e={picc}&d={data}&c={mac}", "mac", "multiple of 16"),
        ("https://s.example/?e={picc}&d={data:8}&c={mac}", "mac", "multiple of 16"),
        ("https://s.example/?e={picc:16}&c={mac}", "mac", "no number elsewhere"),
        ("https://s.example/?e={picc}&c={mac}", "uid", "expected one of url, picc, mac"),
        ("https://s.example/?c={mac}&e={picc}", "picc", "before {mac}"),
        ("https://s.example/?e={picc}&d={data:16}&c={mac}", "mac", "before {data}"),
        ("https://s.example/?e={picc}&c={mac}&d={data:16}", None, "before {mac}"),
    ],
)
def test_template_that_is_no_stamps_url_is_refused(text, covered_from, said):
    with pytest.raises(InputError) as refused:
        UrlTemplate(text, covered_from=covered_from)
    assert said in str(refused.value)


def test_file_data_are_covered_unless_said_otherwise():
    assert "covered_from='data'" in repr(UrlTemplate("https://s.example/?e={picc}&d={data:16}&c={mac}"))
    assert "covered_from='mac'" in repr(UrlTemplate("https://s.example/?e={picc}&c={mac}"))


def test_url_too_long_for_the_file_is_refused():
    with pytest.raises(InputError, match="expected at most 248"):
        UrlTemplate(f"https://s.example/{'x' * 180}?e={{picc}}&c={{mac}}").file()


def test_file_data_must_fill_their_field():
    with pytest.raises(InputError, match="3 bytes: expected 16"):
        UrlTemplate("https://s.example/?e={picc}&d={data:16}&c={mac}").file(b"abc")


@pytest.mark.parametrize("file", [b"", b"\x00\x00", b"\x00\x03\xd0\x00\x00", b"\x00\x05\xff\xff\xff\xff\xff"])
def test_file_without_a_url_is_refused(file):
    with pytest.raises(InputError, match="expected one URI record"):
        url_in(file)
