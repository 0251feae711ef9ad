from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.bench.validation.certificate.seal import (
    MARKS,
    canonical_json,
    check_seal,
    load_signing_key,
    make_signing_key,
    sealed,
)
from stampbench.firmware_emulator.errors import InputError

CONTENT = b'{"lot":"7"}\n<p>text</p>\n'


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "key.pem"
    public = make_signing_key(path)
    return load_signing_key(path), public


@pytest.mark.parametrize("suffix", MARKS)
def test_seal_of_an_unchanged_file_holds(suffix):
    check = check_seal(sealed(CONTENT, suffix), suffix)
    assert (check.holds, check.signed_by, check.signature) == (True, None, None)


@pytest.mark.parametrize("suffix", MARKS)
@pytest.mark.parametrize("signed", [False, True])
def test_every_changed_byte_is_noticed(suffix, signed, key):
    data = sealed(CONTENT, suffix, key[0] if signed else None)
    for place in range(len(data)):
        for change in (1, 2, 4, 32, 255 - data[place]):
            changed = bytearray(data)
            changed[place] ^= change or 1
            assert not check_seal(bytes(changed), suffix).holds, place


@given(st.binary(max_size=60), st.data())
@settings(max_examples=60, deadline=None)
def test_bytes_added_or_taken_away_are_noticed(content, data):
    whole = sealed(content, ".html")
    place = data.draw(st.integers(0, len(whole)))
    assert not check_seal(whole[:place] + b"\n" + whole[place:], ".html").holds
    if place < len(whole):
        assert not check_seal(whole[:place] + whole[place + 1 :], ".html").holds
        assert not check_seal(whole[:place], ".html").holds


def test_signature_tells_who_sealed(key):
    data = sealed(CONTENT, ".pdf", key[0])
    assert check_seal(data, ".pdf", key[1]).signature is True
    assert check_seal(data, ".pdf", key[1]).holds
    other = check_seal(data, ".pdf", "A" * 43 + "=")
    assert (other.holds, other.problem) == (False, "it is signed with another key")
    assert check_seal(sealed(CONTENT, ".pdf"), ".pdf", key[1]).problem == "it is not signed"


def test_a_new_digest_under_an_old_signature_is_noticed(key):
    signed, forged = sealed(CONTENT, ".pdf", key[0]), sealed(b"forged\n", ".pdf")
    line = signed.splitlines()[-1]
    tail = line[line.index(b" ed25519") :]
    assert check_seal(forged[:-1] + tail + b"\n", ".pdf").problem == "the signature is wrong"


def test_a_key_is_kept_for_its_owner_and_never_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    make_signing_key(path)
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="expected a new file"):
        make_signing_key(path)


@pytest.mark.parametrize("content", [b"", b"no key"])
def test_what_is_no_key_is_refused(tmp_path, content):
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(InputError, match="Ed25519 private key"):
        load_signing_key(path)
    with pytest.raises(InputError, match="absent"):
        load_signing_key(tmp_path / "absent.pem")


def test_canonical_json_is_one_for_all_orders():
    assert canonical_json({"b": 1, "a": [1.5, "ä"]}) == '{"a":[1.5,"ä"],"b":1}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
