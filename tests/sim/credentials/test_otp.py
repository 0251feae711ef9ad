from __future__ import annotations

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.credentials.otp import find_counter, hotp, totp
from stampbench.sim.credentials.secrets import Secret

DIGITS = b"12345678901234567890123456789012345678901234567890123456789012345"
KEYS = {"sha1": Secret(DIGITS[:20], 20), "sha256": Secret(DIGITS[:32], 32), "sha512": Secret(DIGITS[:64], 64)}


def test_hotp_of_rfc_4226_appendix_d():
    assert [hotp(KEYS["sha1"], counter) for counter in range(10)] == [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("time_s", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_totp_of_rfc_6238_appendix_b(time_s, sha1, sha256, sha512):
    found = [totp(KEYS[digest], time_s, 8, digest) for digest in ("sha1", "sha256", "sha512")]
    assert found == [sha1, sha256, sha512]


@given(
    st.binary(min_size=14, max_size=64), st.integers(0, 2**40), st.sampled_from([6, 7, 8]),
    st.sampled_from(["sha1", "sha256", "sha512"]),
)  # fmt: skip
def test_passwords_are_those_of_pyotp(key, counter, digits, digest):
    import base64
    import hashlib

    theirs = pyotp.HOTP(base64.b32encode(key).decode(), digits=digits, digest=getattr(hashlib, digest))
    assert hotp(Secret(key, None), counter, digits, digest) == theirs.at(counter)


def test_counter_is_found_within_its_bounds_alone():
    password = hotp(KEYS["sha1"], 7, 8)
    assert find_counter(KEYS["sha1"], password, 5, 7, 8) == 7
    assert find_counter(KEYS["sha1"], password, 8, 20, 8) is None
    assert find_counter(KEYS["sha1"], "", 0, 20, 8) is None
    assert find_counter(KEYS["sha1"], hotp(KEYS["sha1"], 0), -3, 2) == 0
