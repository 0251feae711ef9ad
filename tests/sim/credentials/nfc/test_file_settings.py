from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.credentials.nfc.file_settings import (
    FREE,
    FileSettings,
    Rights,
    SdmSettings,
    parse_settings,
)
from stampbench.sim.credentials.nfc.messaging import Mode


def test_settings_of_an12196_table_18():
    settings = parse_settings(bytes.fromhex("4000E0C1F121200000430000430000"))
    assert settings == FileSettings(
        Mode.PLAIN,
        Rights(read=FREE, write=0, both=0, change=0),
        SdmSettings(
            meta_read=2, file_read=1, counter_read=1, picc_offset=0x20, mac_input_offset=0x43, mac_offset=0x43
        ),
    )
    assert settings.encoded == bytes.fromhex("4000E0C1F121200000430000430000")


def test_settings_with_file_data_of_an12196_table_7():
    settings = parse_settings(bytes.fromhex("40EEEED1FE001F0000440000440000200000" + "6A0000"))
    assert settings is not None
    assert settings.sdm == SdmSettings(
        meta_read=0,
        file_read=0,
        counter_read=FREE,
        picc_offset=0x1F,
        mac_input_offset=0x44,
        data_offset=0x44,
        data_length=0x20,
        mac_offset=0x6A,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00E0",
        "02E0EE",  # no such mode
        "80E0EE",  # unknown option
        "00E0EE00",  # more than there should be
        "4000E0C1F121200000430000",  # an offset is missing
        "4000E0C0F121200000430000430000",  # not as text
        "4000E0D1F12F20000043000020000043000043000000",  # file data without a key for them
    ],
)
def test_what_are_no_settings_is_refused(text):
    assert parse_settings(bytes.fromhex(text)) is None


@given(st.binary(max_size=40))
def test_settings_that_are_read_are_written_as_they_were(text):
    settings = parse_settings(text)
    if settings is not None and settings.sdm is not None and not text[3] & 0x0E:
        assert settings.encoded[:4] == text[:4]
        assert parse_settings(settings.encoded) == settings
