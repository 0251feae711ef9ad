from __future__ import annotations

import logging
import pickle

import msgspec
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.secrets import Secret

KEY = Secret(bytes.fromhex("00112233445566778899AABBCCDDEEFF"))


@pytest.mark.parametrize("shown", [repr(KEY), str(KEY), f"{KEY}", f"{KEY!r:>20}", repr([KEY]), f"{(KEY,)}"])
def test_secret_does_not_show_itself(shown):
    assert "***" in shown
    assert "112233" not in shown


def test_secret_is_not_logged_recorded_or_pickled(caplog):
    logging.getLogger("stampbench").warning("key %s", KEY)
    assert "Secret(***)" in caplog.text
    with pytest.raises(TypeError):
        msgspec.json.encode({"key": KEY})
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(KEY)


def test_secrets_are_compared_by_value_and_not_hashed():
    assert Secret(bytes(range(16))) == Secret(bytes(range(16)))
    assert Secret(bytes(16)) != KEY
    assert KEY != b"x"
    with pytest.raises(TypeError):
        hash(KEY)


def test_factory_key_is_known():
    assert Secret(bytes(16)).is_factory
    assert not KEY.is_factory


@pytest.mark.parametrize("value", [b"\x5a\x11", bytes(range(17))])
def test_key_of_another_length_is_refused_without_repeating_it(value):
    with pytest.raises(InputError) as refused:
        Secret(value)
    assert value.hex() not in str(refused.value)
