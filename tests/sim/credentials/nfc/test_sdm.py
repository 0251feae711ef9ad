"""Vectors: NXP AN12196 rev. 2.0 (tables 1 to 5), and nfc-developer/sdm-backend at b459ca19 (MIT) for LRP."""

from __future__ import annotations

import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.aes import cmac
from stampbench.sim.credentials.nfc.diversification import diversify
from stampbench.sim.credentials.nfc.lrp import Lrp
from stampbench.sim.credentials.nfc.sdm import (
    AesSession,
    LrpSession,
    Tap,
    decrypt_picc_data,
    encrypt_picc_data,
    session,
    tap_in,
)
from stampbench.sim.credentials.secrets import Secret

ZERO = Secret(bytes(16))


def hexa(text):
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_cmac_is_that_of_rfc_4493(length, mac):
    message = hexa(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    assert cmac(hexa("2b7e151628aed2a6abf7158809cf4f3c"), message[:length]).hex() == mac


def test_session_keys_of_table_1():
    made = AesSession(
        Secret(bytes.fromhex("5ACE7E50AB65D5D51FD5BF5A16B8205B")), Tap(hexa("04C767F2066180"), 1)
    )
    assert made._encryption.reveal() == hexa("66DA61797E23DECA5D8ECA13BBADF7A9")
    assert made._mac.reveal() == hexa("3A3E8110E05311F7A3FCF0D969BF2B48")


def test_picc_data_of_table_2():
    plain = decrypt_picc_data(ZERO, hexa("EF963FF7828658A599F3041510671E88"), lrp=False)
    assert plain == hexa("C704DE5F1EACC0403D0000DA5CF60941")
    tap = tap_in(plain)
    assert tap == Tap(hexa("04DE5F1EACC040"), 61)
    again = encrypt_picc_data(ZERO, tap, hexa("DA5CF60941"), lrp=False)
    assert again == hexa("EF963FF7828658A599F3041510671E88")


def test_file_data_of_table_3():
    tap = tap_in(decrypt_picc_data(ZERO, hexa("FDE4AFA99B5C820A2C1BB0F1C792D0EB"), lrp=False))
    assert tap == Tap(hexa("04958CAA5C5E80"), 1)
    made = AesSession(ZERO, tap)
    assert made._encryption.reveal() == hexa("8097D73344D53F963B09E23E03B62336")
    assert made._iv == hexa("7B3F3CFC39D3B7FF5868636E38AF7C3A")
    assert made.decrypt(hexa("94592FDE69FA06E8E3B6CA686A22842B")) == b"x" * 16
    assert made.encrypt(b"x" * 16) == hexa("94592FDE69FA06E8E3B6CA686A22842B")


def test_mac_without_input_of_table_4():
    made = AesSession(ZERO, Tap(hexa("04DE5F1EACC040"), 61))
    assert made._mac.reveal() == hexa("3FB5F6E3A807A03D5E3570ACE393776F")
    assert made.mac(b"") == hexa("94EED9EE65337086")


def test_mac_over_file_data_of_table_5():
    tap = tap_in(decrypt_picc_data(ZERO, hexa("FD91EC264309878BE6345CBE53BADF40"), lrp=False))
    assert tap == Tap(hexa("04958CAA5C5E80"), 8)
    made = AesSession(ZERO, tap)
    assert made._mac.reveal() == hexa("3ED0920E5E6A0320D823D5987FEAFBB1")
    assert made.mac(b"CEE9A53E3E463EF1F459635736738962&cmac=") == hexa("ECC1E7F6C6C73BF6")
    assert made.decrypt(hexa("CEE9A53E3E463EF1F459635736738962")) == b"x" * 16


def test_mac_of_a_plain_mirror():
    assert AesSession(ZERO, Tap(hexa("041E3C8A2D6B80"), 6)).mac(b"") == hexa("4B00064004B0B3D3")


def test_lrp_picc_data_and_mac():
    text = hexa("AAE1508939ECF6FF26BCE407959AB1A5EC022819A35CD293")
    plain = decrypt_picc_data(ZERO, text, lrp=True)
    assert plain == hexa("C7042E1D222A63806A000016E2CA89D1")
    vector = bytes.fromhex("00010080") + plain[1:11] + bytes.fromhex("1EE1")
    assert Lrp(ZERO).cmac(vector) == hexa("99C2FD9C885C2CA3C9089C20057310C0")
    made = LrpSession(ZERO, tap_in(plain))
    assert made.mac(text.hex().upper().encode() + b"x") == hexa("5E3DB82C19E3865F")
    again = encrypt_picc_data(ZERO, tap_in(plain), text[:8] + hexa("16E2CA89D1"), lrp=True)
    assert again == text


def test_lrp_mac_over_the_whole_url_and_file_data():
    text = hexa("65628ED36888CF9C84797E43ECACF114C6ED9A5E101EB592")
    made = LrpSession(ZERO, tap_in(decrypt_picc_data(ZERO, text, lrp=True)))
    url = f"any.domain/?m={text.hex().upper()}x4ADE304B5AB9474CB40AFFCAB0607A85x"
    assert made.mac(url.encode()) == hexa("87E287E8135BFC06")
    assert made.decrypt(hexa("4ADE304B5AB9474CB40AFFCAB0607A85")) == b"0102030400000000"
    assert made.encrypt(b"0102030400000000") == hexa("4ADE304B5AB9474CB40AFFCAB0607A85")


@pytest.mark.parametrize(
    ("picc", "file", "mac", "uid", "counter", "data"),
    [
        (
            "07D9CA2545881D4BFDD920BE1603268C0714420DD893A497",
            "D6E921C47DB4C17C56F979F81559BB83",
            "F9481AC7D855BDB6",
            "049B112A2F7080",
            4,
            b"NTXXb7dz3PsYYBlU",
        ),
        (
            "1FCBE61B3E4CAD980CBFDD333E7A4AC4A579569BAFD22C5F",
            "",
            "4231608BA7B02BA9",
            "04940E2A2F7080",
            3,
            b"",
        ),
    ],
)
def test_lrp_messages_of_tags(picc, file, mac, uid, counter, data):
    tap = tap_in(decrypt_picc_data(ZERO, hexa(picc), lrp=True))
    assert tap == Tap(hexa(uid), counter)
    made = session(ZERO, tap, lrp=True)
    covered = f"{file}&cmac=" if file else ""
    assert made.decrypt(hexa(file)) == data
    assert made.mac(covered.encode()) == hexa(mac)


def test_key_of_a_tag_is_that_of_the_note():
    master = Secret(bytes.fromhex("00112233445566778899AABBCCDDEEFF"))  # AN10922, section 2.2.1
    key = diversify(master, hexa("04782E21801D80"), hexa("3042F5"), hexa("4E585020416275"))
    assert key.reveal() == hexa("A8DD63A3B89D54B37CA802473FDA9175")


def test_diversification_input_that_the_note_would_pad_otherwise_is_refused():
    with pytest.raises(InputError, match="14 bytes: expected 16 to 31"):
        diversify(ZERO, bytes(7), bytes(7), b"")
