"""The verifiers that every service has."""

from __future__ import annotations

from stampbench.sim.credentials.nfc.verifier import SunVerifier
from stampbench.sim.service.presses.beacons import BLE_EID, BLE_OTP, EidCheck, OtpCheck
from stampbench.sim.service.presses.credentials import SUN, SUN_URL, SunCheck, Verifier, tag_keys
from stampbench.sim.service.presses.sounds import SOUND, SoundCheck
from stampbench.sim.service.rules import Rules


def standard_verifiers(secret: bytes, rules: Rules) -> dict[str, Verifier]:
    """By kind; the keys of all tags, beacons and sounders follow from the service's secret."""
    keys = tag_keys(secret)
    return {
        SUN: SunCheck(SunVerifier(SUN_URL, keys.meta_read, keys.file_read)),
        BLE_EID: EidCheck(secret, rules),
        BLE_OTP: OtpCheck(secret, rules),
        SOUND: SoundCheck(secret, rules),
    }
