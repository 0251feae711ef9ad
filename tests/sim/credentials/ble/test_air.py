from __future__ import annotations

import asyncio

import beacontools
import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.credentials.ble.air import Air, AirSettings, relay
from stampbench.sim.credentials.ble.beacon import BeaconClock, EidBeacon
from stampbench.sim.credentials.ble.frames import Eid, parse_frame
from stampbench.sim.credentials.ble.virtual_time import run_virtual
from stampbench.sim.credentials.secrets import Secret

ADDRESS = bytes.fromhex("112233445506")
EID = Eid(b"EID_test", -29)


def rng(seed=1):
    return np.random.default_rng(seed)


def heard_over(settings, seconds, distance_m=1.0, seed=1, power_dbm=0):
    """What a phone hears of a beacon that advertises once a second."""

    async def scene():
        air = Air(rng(seed), settings)
        beacon = await air.node("beacon", (0.0, 0.0), power_dbm)
        phone = await air.node("phone", (distance_m, 0.0))
        await phone.listen()
        await beacon.advertise(EID.encoded, ADDRESS)
        await asyncio.sleep(seconds)
        await beacon.silence()
        return phone.heard, air

    return run_virtual(scene())


def test_advertisement_crosses_the_air_over_hci_and_is_what_beacontools_reads():
    heard, _ = heard_over(AirSettings(), 9.5)
    assert len(heard) == 10
    assert {(one.address, one.data) for one in heard} == {(ADDRESS, EID.encoded)}
    assert beacontools.parse_packet(heard[0].data).eid == b"EID_test"
    gaps = np.diff([one.time_s for one in heard])
    assert gaps == pytest.approx(1.0)


@pytest.mark.parametrize(("distance_m", "exponent", "rssi_dbm"), [(1, 2, -41), (10, 2, -61), (10, 3, -71)])
def test_strength_falls_with_distance(distance_m, exponent, rssi_dbm):
    heard, _ = heard_over(AirSettings(exponent=exponent), 3, distance_m)
    assert {one.rssi_dbm for one in heard} == {rssi_dbm}


def test_strength_varies_by_its_shadowing():
    heard, _ = heard_over(AirSettings(shadowing_db=4.0), 999)
    strengths = [one.rssi_dbm for one in heard]
    assert np.mean(strengths) == pytest.approx(-41, abs=0.5)
    assert np.std(strengths) == pytest.approx(4.0, abs=0.4)


def test_what_is_too_far_is_not_heard():
    heard, air = heard_over(AirSettings(), 5, distance_m=1000.0)
    assert heard == []
    assert air.lost == air.sent > 0


def test_packets_are_lost_at_their_rate_and_the_same_ones_with_the_same_seed():
    first, air = heard_over(AirSettings(loss=0.3), 999)
    again, _ = heard_over(AirSettings(loss=0.3), 999)
    other, _ = heard_over(AirSettings(loss=0.3), 999, seed=2)
    assert first == again != other
    assert air.lost / air.sent == pytest.approx(0.3, abs=0.05)


def test_packets_come_late_by_their_delay():
    prompt, _ = heard_over(AirSettings(), 5)
    late, _ = heard_over(AirSettings(delay_s=0.25), 5)
    assert late[0].time_s - prompt[0].time_s == pytest.approx(0.25)


def test_beacon_on_the_air_rotates_identifier_and_address_together():
    beacon = EidBeacon(Secret(bytes(range(16))), 4, BeaconClock(0.0))

    async def scene():
        air = Air(rng())
        node, phone = await air.node("beacon"), await air.node("phone", (1.0, 0.0))
        await phone.listen()
        task = asyncio.ensure_future(
            node.rotate(lambda now_s: beacon.frame_at(now_s).encoded, beacon.address_at)
        )
        await asyncio.sleep(160)
        task.cancel()
        return phone.heard

    heard = run_virtual(scene())
    seen = {(parse_frame(one.data).identifier, one.address) for one in heard}
    assert 10 <= len(seen) <= 12
    assert len({identifier for identifier, _ in seen}) == len(seen)
    for one in heard:
        assert parse_frame(one.data) in (beacon.frame_at(one.time_s), beacon.frame_at(one.time_s - 1))


def test_relay_repeats_what_it_captured_far_away_and_later():
    async def scene():
        air = Air(rng())
        beacon, phone = await air.node("beacon"), await air.node("phone", (5000.0, 0.0))
        await phone.listen()
        ear, _ = await relay(air, (1.0, 0.0), (5001.0, 0.0), delay_s=7.0)
        await beacon.advertise(EID.encoded, ADDRESS)
        await asyncio.sleep(2.5)
        await beacon.silence()
        await asyncio.sleep(10)
        return ear.heard, phone.heard

    captured, heard = run_virtual(scene())
    assert len(captured) == 3
    assert heard[0].data == EID.encoded
    assert heard[0].time_s - captured[0].time_s == pytest.approx(7.0, abs=0.1)
    assert heard[0].rssi_dbm == -41


def test_node_that_moved_is_heard_from_where_it_is():
    async def scene():
        air = Air(rng())
        beacon, phone = await air.node("beacon"), await air.node("phone", (1.0, 0.0))
        await phone.listen()
        await beacon.advertise(EID.encoded, ADDRESS)
        await asyncio.sleep(2)
        phone.move((100.0, 0.0))
        await asyncio.sleep(2)
        return phone.heard

    heard = run_virtual(scene())
    assert (heard[0].rssi_dbm, heard[-1].rssi_dbm) == (-41, -81)


def test_advertisement_too_long_for_one_is_refused():
    async def scene():
        node = await Air(rng()).node("beacon")
        await node.advertise(bytes(32), ADDRESS)

    with pytest.raises(InputError, match="32 bytes: expected at most 31"):
        run_virtual(scene())


@pytest.mark.parametrize("wrong", [{"loss": 1.5}, {"delay_s": -1.0}, {"exponent": 9.0}])
def test_air_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match="expected 0 to"):
        AirSettings(**wrong)


def test_two_nodes_of_one_name_are_refused():
    async def scene():
        air = Air(rng())
        await air.node("beacon")
        await air.node("beacon")

    with pytest.raises(InputError, match="expected another name"):
        run_virtual(scene())


def test_waiting_for_what_never_comes_is_a_deadlock_and_no_wait():
    async def scene():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StampbenchError, match="deadlock"):
        run_virtual(scene())
