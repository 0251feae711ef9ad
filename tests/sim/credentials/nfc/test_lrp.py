from __future__ import annotations

import tomllib

import pytest
from stampbench.sim.credentials.nfc.lrp import Lrp, _plaintexts, _updated_keys
from stampbench.sim.credentials.secrets import Secret


@pytest.fixture(scope="module")
def golden(project_module):
    return tomllib.loads((project_module / "fixtures/golden/lrp.toml").read_text())


@pytest.fixture(scope="module")
def project_module(request):
    return request.config.rootpath


def test_evaluation_of_every_published_vector(golden):
    for vector in golden["evaluate"]:
        lrp = Lrp(Secret(bytes.fromhex(vector["key"])), vector["updated"])
        assert lrp.evaluate(vector["text"], final=vector["final"]).hex().upper() == vector["result"], vector


def test_cmac_of_every_published_vector(golden):
    for vector in golden["cmac"]:
        mac = Lrp(Secret(bytes.fromhex(vector["key"]))).cmac(bytes.fromhex(vector["message"]))
        assert mac.hex().upper() == vector["mac"], vector


def test_plaintexts_and_updated_keys_are_those_of_the_note():
    key = bytes.fromhex("567826B8DA8E768432A9548DBE4AA3A0")  # AN12304, section 3.1 and 3.2
    plaintexts = _plaintexts(key)
    assert plaintexts[0].hex().upper() == "AC20D39F5341FE98DFCA21DA86BA7914"
    assert plaintexts[15].hex().upper() == "71B444AF257A93215311D758DD333247"
    assert _updated_keys(key, 3)[0].hex().upper() == "163D14ED24ED935373568EC521E96CF4"
    assert _updated_keys(key, 3)[2].hex().upper() == "FE30AB50467E61783BFE6B5E0560160E"


def test_blocks_under_a_counter_are_those_of_the_note():
    lrp = Lrp(Secret(bytes.fromhex("E0C4935FF0C254CD2CEF8FDDC32460CF")))  # AN12304, LRICB
    text = bytes.fromhex("012D7F1653CAF6503C6AB0C1010E8CB0") + b"\x80" + bytes(15)
    encrypted = lrp.encrypt(text, bytes.fromhex("C3315DBF"))
    assert encrypted.hex().upper() == "FCBBACAA4F29182464F99DE41085266F480E863E487BAAF687B43ED1ECE0D623"
    assert lrp.decrypt(encrypted, bytes.fromhex("C3315DBF")) == text


def test_counter_rolls_over():
    lrp = Lrp(Secret(bytes(range(16))))
    assert lrp.encrypt(bytes(32), b"\xff")[16:] == lrp.encrypt(bytes(16), b"\x00")
