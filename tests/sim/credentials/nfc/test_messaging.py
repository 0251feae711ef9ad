"""Vectors: NXP AN12196 rev. 2.0 (tables numbered as there), AN12321 section 4, nfc-ev2-crypto's tests."""

from __future__ import annotations

import pytest
from stampbench.sim.credentials.nfc.authentication import (
    Challenge,
    accept,
    answer_text,
    challenge_in,
    conclude,
)
from stampbench.sim.credentials.nfc.lrp import Lrp
from stampbench.sim.credentials.nfc.messaging import AesSuite, Channel, LrpSuite, Mode
from stampbench.sim.credentials.nfc.tag import jam_crc
from stampbench.sim.credentials.secrets import Secret

ZERO = Secret(bytes(16))


def hexa(text):
    return bytes.fromhex(text)


def channel(transaction, encryption, mac, commands=0):
    return Channel(
        AesSuite(Secret(bytes.fromhex(encryption)), Secret(bytes.fromhex(mac))), hexa(transaction), commands
    )


AUTHENTICATED = ("9D00C4DF", "1309C877509E5A215007FF0ED19CA564", "4C6626F5E72EA694202139295C7A7FC7")
CHANGING = ("7614281A", "4CF3CB41A22583A61E89B158D252FC53", "5529860B2FC5FB6154B7F28361D30BF9")
WRITING = ("7614281A", "7A93D6571E4B180FCA6AC90C9A7488D4", "FC4AF159B62E549B5812394CAB1918CC")


@pytest.mark.parametrize(
    ("challenge", "rnd_a", "rnd_b", "second", "answer", "expected"),
    [
        pytest.param(
            "A04C124213C186F22399D33AC2A30215",
            "13C5DB8A5930439FC3DEF9A4C675360F",
            "B9E2FC789B64BF237CCCAA20EC7E6E48",
            "35C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D",
            "3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F08120663",
            AUTHENTICATED,
            id="table 14",
        ),
        pytest.param(
            "B875CEB0E66A6C5CD00898DC371F92D1",
            "B98F4C50CF1C2E084FD150E33992B048",
            "91517975190DCEA6104948EFA3085C1B",
            "FF0306E47DFBC50087C4D8A78E88E62DE1E8BE457AA477C707E2F0874916A8B1",
            "0CC9A8094A8EEA683ECAAC5C7BF20584206D0608D477110FC6B3D5D3F65C3A6A",
            WRITING,
            id="table 19",
        ),
    ],
)
def test_first_authentication_from_both_sides(challenge, rnd_a, rnd_b, second, answer, expected):
    transaction, encryption, mac = expected
    assert challenge_in(ZERO, hexa(challenge), lrp=False) == hexa(rnd_b)
    assert answer_text(ZERO, hexa(rnd_a), hexa(rnd_b), lrp=False) == hexa(second)
    reader = conclude(ZERO, hexa(rnd_a), hexa(rnd_b), hexa(answer), None, lrp=False)
    tag, said = accept(
        ZERO, Challenge(0, hexa(rnd_b), True), hexa(second), hexa(transaction), None, lrp=False
    )
    assert said == hexa(answer)
    for made in (reader, tag):
        assert made._transaction == hexa(transaction)
        assert made._suite._encryption.reveal() == hexa(encryption)
        assert made._suite._mac.reveal() == hexa(mac)


def test_second_authentication_of_table_23():
    rnd_a, rnd_b = hexa("60BE759EDA560250AC57CDDC11743CF6"), hexa("6924E8D09722659A2E7DEC68E66312B8")
    before = channel(*WRITING, commands=2)
    assert challenge_in(ZERO, hexa("A6A2B3C572D06C097BB8DB70463E22DC"), lrp=False) == rnd_b
    second = answer_text(ZERO, rnd_a, rnd_b, lrp=False)
    assert second == hexa("BE7D45753F2CAB85F34BC60CE58B940763FE969658A532DF6D95EA2773F6E991")
    made = conclude(ZERO, rnd_a, rnd_b, hexa("B888349C24B315EAB5B589E279C8263E"), before, lrp=False)
    assert made._suite._encryption.reveal() == hexa(CHANGING[1])
    assert made._suite._mac.reveal() == hexa(CHANGING[2])
    assert (made.commands, made._transaction) == (2, hexa("7614281A"))


def test_authentication_in_lrp_mode_of_an12321():
    rnd_a, rnd_b = hexa("74D7DF6A2CEC0B72B412DE0D2B1117E6"), hexa("56109A31977C855319CD4618C9D2AED2")
    assert challenge_in(ZERO, b"\x01" + rnd_b, lrp=True) == rnd_b
    second = answer_text(ZERO, rnd_a, rnd_b, lrp=True)
    assert second == rnd_a + hexa("189B59DCEDC31A3D3F38EF8D4810B3B4")
    answer = hexa("F4FC209D9D60623588B299FA5D6B2D710125F8547D9FB8D572C90D2C2A14E235")
    transaction = hexa("58EE9424")
    tag, said = accept(ZERO, Challenge(3, rnd_b, True), second, transaction, None, lrp=True)
    assert said == answer
    reader = conclude(ZERO, rnd_a, rnd_b, answer, None, lrp=True)
    assert reader._transaction == tag._transaction == transaction
    assert reader._suite._count == tag._suite._count == 1
    assert reader._suite._mac._key == hexa("F56CADE598CC2A3FE47E438CFEB885DB")
    assert reader._suite._encryption._key == hexa("E9043D65AB21C0C422781099AB25EFDD")


@pytest.mark.parametrize("bit", range(0, 512, 37))
@pytest.mark.parametrize("lrp", [False, True])
def test_altered_proof_opens_no_channel(bit, lrp):
    key, rnd_a, rnd_b = Secret(bytes(range(16))), bytes(range(16, 32)), bytes(range(32, 48))

    def altered(text):
        number = int.from_bytes(text, "big") ^ 1 << (bit % (8 * len(text)))
        return number.to_bytes(len(text), "big")

    second = answer_text(key, rnd_a, rnd_b, lrp=lrp)
    challenge = Challenge(0, rnd_b, True)
    _, said = accept(key, challenge, second, bytes(4), None, lrp=lrp)
    if lrp or bit % 256 < 128:  # a change of the first half of AES's RndA is the reader's own business
        assert accept(key, challenge, altered(second), bytes(4), None, lrp=lrp) is None
    changed = altered(said)
    opened = conclude(key, rnd_a, rnd_b, changed, None, lrp=lrp)
    assert opened is None or not lrp


def test_command_and_answer_of_table_7_in_mac_mode():
    made = channel("7A21085E", "00" * 16, "8248134A386E86EB7FAF54A52E536CB6")
    assert made.wrap(0xF5, b"\x02", b"", Mode.MAC) == hexa("026597A457C8CD442C")
    settings = hexa("0040EEEE000100D1FE001F00004400004400002000006A0000")
    assert made.unwrap_answer(0x00, settings + hexa("2A474282E7A47986"), Mode.MAC) == settings


def test_write_of_table_17_has_the_length_that_its_mac_covers():
    # The table's text says 53 bytes; its command, and its MAC, say 80 (hexadecimal).
    made = channel(*AUTHENTICATED)
    data = hexa(
        "0051D1014D550463686F6F73652E75726C2E636F6D2F6E7461673432343F653D" + "30" * 32 + "26633D" + "30" * 16
    )
    body = made.wrap(0x8D, hexa("02000000800000"), data.ljust(0x80, b"\x00"), Mode.FULL)
    assert body == hexa(
        "02000000800000421C73A27D827658AF481FDFF20A5025B559D0E3AA21E58D347F343CFFC768BFE596C706BC00F21767"
        "81D4B0242642A0FF5A42C461AAF894D9A1284B8C76BCFA658ACD40555D362E08DB15CF421B51283F9064BCBE20E96CAE"
        "545B407C9D651A3315B27373772E5DA2367D2064AE054AF996C6F1F669170FA88CE8C4E3A4A7BBBEF0FD971FF532C3A8"
        "02AF745660F2B4D1D9A8499661EBF3"
    )
    assert made.unwrap_answer(0x00, hexa("FC222E5F7A542452"), Mode.FULL) == b""


def test_change_of_file_settings_of_table_18():
    made = channel(*AUTHENTICATED, commands=1)
    body = made.wrap(0x5F, b"\x02", hexa("4000E0C1F121200000430000430000"), Mode.FULL)
    assert body == hexa("0261B6D97903566E84C3AE5274467E89EAD799B7C1A0EF7A04")
    assert made.unwrap_answer(0x00, hexa("57BFF87B1241E93D"), Mode.FULL) == b""


def test_write_to_the_proprietary_file_of_table_20():
    made = channel(*WRITING)
    body = made.wrap(0x8D, hexa("030000000A0000"), hexa("0102030405060708090A"), Mode.FULL)
    assert body == hexa("030000000A00006B5E6804909962FC4E3FF5522CF0F8436C0C53315B9C73AA")
    assert made.unwrap_answer(0x00, hexa("C26D236E4A7C046D"), Mode.FULL) == b""


def test_change_of_another_key_of_table_25():
    new = hexa("F3847D627727ED3BC9C4CC050489B966")
    assert jam_crc(new) == hexa("789DFADC")
    made = channel(*CHANGING, commands=2)
    body = made.wrap(0xC4, b"\x02", new + b"\x01" + jam_crc(new), Mode.FULL)
    assert body == hexa("022CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC75D0CE20BCD1D06E6")
    assert made.unwrap_answer(0x00, hexa("203BB55D1089D587"), Mode.FULL) == b""


def test_change_of_the_own_key_of_table_26():
    made = channel(*CHANGING, commands=3)
    body = made.wrap(0xC4, b"\x00", hexa("5004BF991F408672B1EF00F08F9E864701"), Mode.FULL)
    assert body == hexa("00C0EB4DEEFEDDF0B513A03A95A75491818580503190D4D05053FF75668A01D6FDA6610234BDED6432")


def test_uid_of_table_28():
    made = channel("DF055522", "2B4D963C014DC36F24F69A50A394F875", "379D32130CE61705DD5FD8C36B95D764")
    assert made.wrap(0x51, b"", b"", Mode.FULL) == hexa("8E2C155ADDA99BE3")
    answer = hexa("70756055688505B52A5E26E59E329CD6595F672298EA41B7")
    assert made.unwrap_answer(0x00, answer, Mode.FULL) == hexa("04958CAA5C5E80")


def test_blocks_are_counted_over_a_session_in_lrp_mode():
    vector = hexa("00010080993C4EED466BFC0E7EE1D30C1EBD0DEA6F6481E0D70E9A174E789669")
    master = Secret(Lrp(ZERO).cmac(vector))  # nfc-ev2-crypto, test_lrp_cmd
    made = Channel(LrpSuite(Lrp(master, 0), Lrp(master, 1), 1), hexa("4F5E8407"))
    for command, answer in [
        ("C37D6270F674CC6D", "5EC351196B8E2943DB04FCD4A952F53DA2830DC2258E4539"),
        ("D65CCB81E5591400", "D80B735F7B4C8E7E8A3CDAAA4410F35F752769C8EBC48E1A"),
        ("8C677D7DCC349371", "9CCD031474A50199C696D8EF272E231A10173FAF41B614E4"),
    ]:
        assert made.wrap(0x51, b"", b"", Mode.FULL) == hexa(command)
        assert made.unwrap_answer(0x00, hexa(answer), Mode.FULL) == hexa("04940D2A2F7080")


def test_command_encrypted_in_lrp_mode():
    vector = hexa("0001008008A6953C60BC3D34E53766689732E2A203FF23855751D644ED519669")
    master = Secret(Lrp(ZERO).cmac(vector))  # nfc-ev2-crypto, test_lrp_cmd2
    made = Channel(LrpSuite(Lrp(master, 0), Lrp(master, 1), 1), hexa("204F2276"))
    body = made.wrap(0x8D, hexa("03000000030000"), hexa("010203"), Mode.FULL)
    assert body == hexa("03000000030000EAF0FAD0430ECDC947A822E12EC8D5F3BB75F218B405FDBC")


@pytest.mark.parametrize("mode", [Mode.MAC, Mode.FULL])
def test_altered_or_repeated_command_is_not_taken(mode):
    reader, tag = channel(*AUTHENTICATED), channel(*AUTHENTICATED)
    body = reader.wrap(0x8D, hexa("03000000030000"), b"abc", mode)
    for bit in range(8 * len(body)):
        number = int.from_bytes(body, "big") ^ 1 << bit
        assert tag.unwrap(0x8D, number.to_bytes(len(body), "big"), 7, mode) is None
    assert tag.unwrap(0x8D, body, 7, mode) == hexa("03000000030000") + b"abc"
    tag.wrap_answer(0, b"", mode)
    assert tag.unwrap(0x8D, body, 7, mode) is None
