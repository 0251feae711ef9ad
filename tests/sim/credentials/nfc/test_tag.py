from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.sim.credentials.nfc.apdu import ISO, NATIVE, Command, parse_command
from stampbench.sim.credentials.nfc.file_settings import FREE, FileSettings, Rights, SdmSettings
from stampbench.sim.credentials.nfc.files import NDEF, PROPRIETARY
from stampbench.sim.credentials.nfc.messaging import Mode
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.tag import Tag
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.nfc.verifier import Genuine, SunVerifier, TagKeys
from stampbench.sim.credentials.secrets import Secret

UID = bytes.fromhex("04782E21801D80")
KEYS = TagKeys(Secret(bytes(range(16))))
FACTORY = Secret(bytes(16))
TEMPLATES = {
    "encrypted": UrlTemplate("https://stamp.example/s?e={picc}&c={mac}"),
    "file data": UrlTemplate("https://stamp.example/s?e={picc}&d={data:16}&c={mac}", covered_from="data"),
    "plain": UrlTemplate("https://stamp.example/s?u={uid}&n={counter}&c={mac}", covered_from="uid"),
    "lrp": UrlTemplate("https://stamp.example/s?e={picc}&c={mac}", covered_from="url", lrp=True),
    "abbreviated host": UrlTemplate("https://www.stamp.example/?e={picc}&c={mac}", covered_from="url"),
    "lrp file data": UrlTemplate(
        "https://stamp.example/{picc}/{data:32}/{mac}", covered_from="picc", lrp=True
    ),
}


def new_tag(seed=1):
    return Tag(UID, np.random.default_rng(seed))


def made_tag(template, data=b""):
    tag = new_tag()
    personalise(tag, KEYS, template, np.random.default_rng(2), data)
    tag.power_up()
    return tag


def reader_of(tag, lrp=False):
    return Reader(tag.transceive, np.random.default_rng(3), lrp=lrp)


def tapped(tag):
    tag.power_up()
    return reader_of(tag).read_url()


@pytest.mark.parametrize("name", TEMPLATES)
def test_tag_shows_another_genuine_url_at_every_tap(name):
    template = TEMPLATES[name]
    data = b"points: 0123456."[:16] * (template._widths.get("data", 0) // 32)
    tag = made_tag(template, data)
    verifier = SunVerifier(template, KEYS.meta_read, KEYS.file_read)
    urls = [tapped(tag) for _ in range(3)]
    assert len(set(urls)) == 3
    for counter, url in enumerate(urls, start=1):
        found = verifier.verify(url)
        assert isinstance(found, Genuine)
        assert (found.tap.uid, found.tap.counter, found.data) == (UID, counter, data)


def test_file_of_an12196_table_16():
    template = UrlTemplate("https://choose.url.com/ntag424?e={picc}&c={mac}")
    file = bytes.fromhex(
        "0051D1014D550463686F6F73652E75726C2E636F6D2F6E7461673432343F653D" + "30" * 32 + "26633D" + "30" * 16
    )
    assert template.file() == file
    settings = template.settings(meta_read=2, file_read=1, rights=Rights(FREE, 0, 0, 0), counter_read=1)
    assert settings.encoded == bytes.fromhex("4000E0C1F121200000430000430000")


def test_plain_mirror_holds_the_counter_with_its_highest_byte_first():
    tag = made_tag(TEMPLATES["plain"])
    tag.files[NDEF].counter = 0x0102
    assert "u=04782E21801D80&n=000103&" in tapped(tag)


def test_reads_of_one_tap_see_one_url_and_count_once():
    tag = made_tag(TEMPLATES["encrypted"])
    url = tapped(tag)
    assert tag.files[NDEF].counter == 1
    select = Command(cla=ISO, ins=0xA4, p1=0, p2=0x0C, data=b"\xe1\x04", expected=None).encoded
    tag.power_up()
    tag.transceive(select)
    pieces = [
        tag.transceive(Command(cla=ISO, ins=0xB0, p1=0, p2=start, expected=16).encoded)[:-2]
        for start in (0, 16, 32)
    ]
    assert tag.files[NDEF].counter == 2
    assert b"".join(pieces)[7:] != url.removeprefix("https://").encode()[:41]


def test_file_is_read_no_more_at_the_end_of_the_counter():
    tag = made_tag(TEMPLATES["encrypted"])
    tag.files[NDEF].counter = (1 << 24) - 2
    tapped(tag)
    with pytest.raises(ProtocolError, match=r"6982 \(security\)"):
        tapped(tag)


def test_keys_are_not_the_factorys_and_not_another_tags():
    tag = made_tag(TEMPLATES["encrypted"])
    for number in range(5):
        with pytest.raises(ProtocolError, match="91AE"):
            reader_of(tag).authenticate(number, FACTORY)
    reader = reader_of(tag)
    reader.authenticate(0, KEYS.of(UID, 0))
    assert reader.key_version(2) == 1
    assert reader.uid() == UID


def test_counter_is_told_to_whoever_may_ask():
    tag = made_tag(TEMPLATES["encrypted"])
    tapped(tag)
    tag.power_up()
    reader = reader_of(tag)
    reader.authenticate(3, KEYS.of(UID, 3))
    assert reader.counter() == 1


@pytest.mark.parametrize("lrp", [False, True])
def test_session_goes_on_with_another_key(lrp):
    tag = made_tag(TEMPLATES["lrp" if lrp else "encrypted"])
    reader = reader_of(tag, lrp)
    reader.authenticate(3, KEYS.of(UID, 3))
    reader.authenticate_again(2, KEYS.of(UID, 2))
    assert reader.uid() == UID


def test_proprietary_file_is_read_and_written_encrypted_with_its_keys():
    tag = new_tag()
    reader = reader_of(tag)
    reader.authenticate(3, FACTORY)
    reader.write(bytes(range(128)), PROPRIETARY, Mode.FULL)
    assert reader.read(PROPRIETARY, 10, 5, Mode.FULL) == bytes(range(10, 15))
    tag.power_up()
    with pytest.raises(ProtocolError, match="919D"):
        reader_of(tag).read(PROPRIETARY, 0, 16, Mode.PLAIN)


def test_file_is_written_by_nobody_without_the_key():
    tag = made_tag(TEMPLATES["encrypted"])
    with pytest.raises(ProtocolError, match="919D"):
        reader_of(tag).write(b"\x00\x00")
    tag.transceive(Command(cla=ISO, ins=0xA4, p1=0, p2=0x0C, data=b"\xe1\x04", expected=None).encoded)
    assert (
        tag.transceive(Command(cla=ISO, ins=0xD6, p1=0, p2=0, data=b"\x00\x00", expected=None).encoded).hex()
        == "6982"
    )


def test_settings_are_changed_with_their_key_alone():
    tag = made_tag(TEMPLATES["encrypted"])
    reader = reader_of(tag)
    reader.authenticate(3, KEYS.of(UID, 3))
    with pytest.raises(ProtocolError, match="919D"):
        reader.change_settings(FileSettings())


@pytest.mark.parametrize(
    "sdm",
    [
        SdmSettings(meta_read=1, file_read=2, picc_offset=240, mac_input_offset=0, mac_offset=0),
        SdmSettings(meta_read=1, file_read=2, picc_offset=0, mac_input_offset=60, mac_offset=50),
        SdmSettings(
            meta_read=1,
            file_read=2,
            picc_offset=0,
            mac_input_offset=40,
            data_offset=40,
            data_length=20,
            mac_offset=80,
        ),
    ],
)
def test_mirror_that_does_not_fit_into_the_file_is_refused(sdm):
    tag = new_tag()
    reader = reader_of(tag)
    reader.authenticate(0, FACTORY)
    with pytest.raises(ProtocolError, match="919E"):
        reader.change_settings(FileSettings(sdm=sdm))


def test_settings_are_told_as_they_were_given():
    tag = made_tag(TEMPLATES["encrypted"])
    reader = reader_of(tag)
    reader.authenticate(3, KEYS.of(UID, 3))
    text = reader.settings_text()
    assert text[:1] + text[4:7] == b"\x00\x00\x01\x00"
    assert text[1:4] + text[7:] == tag.files[NDEF].settings.encoded


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "6700"),
        ("00A40400", "6A82"),
        ("00B0000000", "6985"),
        ("80CA000000", "6E00"),
        ("9012000000", "911C"),
        ("9071000002070000", "9140"),
        ("90710000010000", "917E"),
        ("90770000010000", "919D"),
        ("90AF00001000112233445566778899AABBCCDDEEFF00", "911C"),
        ("90510000", "919D"),
        ("90AD0000070900000000000000", "91F0"),
    ],
)
def test_command_that_makes_no_sense_has_its_status(text, answer):
    assert new_tag().transceive(bytes.fromhex(text)).hex().upper() == answer


def test_every_short_command_has_an_answer():
    tag = made_tag(TEMPLATES["encrypted"])
    rng = np.random.default_rng(4)
    for _ in range(3000):
        head = bytes([rng.choice([ISO, NATIVE]), *rng.integers(0, 256, 3).astype(np.uint8).tolist()])
        body = rng.bytes(int(rng.integers(0, 12)))
        assert len(tag.transceive(head + bytes([len(body)]) + body)) >= 2
        assert len(tag.transceive(rng.bytes(int(rng.integers(0, 9))))) >= 2


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02\x00"])
@pytest.mark.parametrize("expected", [None, 0, 5])
def test_command_is_parsed_as_it_was_written(data, expected):
    command = Command(cla=NATIVE, ins=0x51, p1=1, p2=2, data=data, expected=expected)
    assert parse_command(command.encoded) == command


def test_representation_shows_no_key():
    tag = made_tag(TEMPLATES["encrypted"])
    assert repr(tag) == "Tag(uid=04782E21801D80, lrp=False)"
    assert "***" in repr(KEYS)


def test_uid_of_another_length_is_refused():
    with pytest.raises(InputError, match="expected 7"):
        Tag(bytes(4), np.random.default_rng(0))
