"""The air: beacons, phones and attackers on virtual Bluetooth controllers, each spoken to over real HCI.

Every node has a host and a controller of ``bumble`` with HCI packets between; the controllers share this air,
which loses, delays and weakens what they send. Time is that of the running event loop; with
:func:`stampbench.sim.credentials.ble.virtual_time.run_virtual` it costs nothing.

Path loss: 41 dB over the first metre (google/eddystone, protocol specification: "Tx power"), from there
10 * exponent dB per decade of distance, and a draw of shadowing for each packet.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink
from stampbench.firmware_emulator.errors import InputError

FIRST_METRE_DB = 41.0
SENSITIVITY_DBM = -95.0
"""Weaker packets are not heard."""
_NEAREST_M = 0.01
_UNITS_PER_S = 1000 / 0.625
"""Advertising intervals in HCI."""
_UNDIRECTED = hci.HCI_LE_Advertising_Report_Event.EventType.ADV_IND


@dataclass(frozen=True, slots=True)
class AirSettings:
    """What the air does.

    Attributes:
        loss: share of packets lost, 0..1, whatever their strength.
        delay_s: of every packet.
        exponent: of the path loss; 2 in the open.
        shadowing_db: standard deviation of the strength.

    Raises:
        InputError: a number that cannot be.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    exponent: float = 2.0
    shadowing_db: float = 0.0

    def __post_init__(self) -> None:
        for name, value, most in (
            ("loss", self.loss, 1.0),
            ("delay_s", self.delay_s, 3600.0),
            ("exponent", self.exponent, 6.0),
            ("shadowing_db", self.shadowing_db, 30.0),
        ):
            if not 0.0 <= value <= most:
                raise InputError(f"air: {name} = {value}: expected 0 to {most:g}")


@dataclass(frozen=True, slots=True)
class Reception:
    """One advertisement, as a phone heard it.

    Attributes:
        time_s: of the loop.
        address: 6 bytes, as on the air.
        data: the advertisement.
        rssi_dbm: strength.
    """

    time_s: float
    address: bytes
    data: bytes
    rssi_dbm: int


class Air(LocalLink):
    """Carries advertisements between nodes.

    Args:
        random: for losses and strengths.
        settings: what it does.

    Attributes:
        sent: packets handed to it, once for each node that might hear them.
        lost: those of them that were lost, or too weak.
    """

    def __init__(self, random: np.random.Generator, settings: AirSettings | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._random, self.settings = random, settings or AirSettings()
        self.sent = self.lost = 0

    async def node(self, name: str, position_m: tuple[float, float] = (0.0, 0.0), power_dbm: int = 0) -> Node:
        """Put a node on the air.

        Args:
            name: no other's; losses are drawn in the order of names.
            position_m: where it is; may be moved later.
            power_dbm: what would be received at no distance.

        Raises:
            InputError: a name that is taken.
        """
        if any(controller.name == name for controller in self.controllers):
            raise InputError(f"air: node {name}: there already: expected another name")
        node = Node(name, self, position_m, power_dbm)
        await node.host.reset()
        return node

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Bring a packet to every other node, or lose it."""
        loop = asyncio.get_running_loop()
        sender = cast(_Receiver, sender_controller)
        # In the order of their names, for the draws must not depend on the order of a set.
        for receiver in sorted(cast("set[_Receiver]", self.controllers), key=lambda node: node.name):
            if receiver is sender:
                continue
            self.sent += 1
            rssi_dbm = self._strength_dbm(sender, receiver)
            if self._random.random() < self.settings.loss or rssi_dbm < SENSITIVITY_DBM:
                self.lost += 1
                continue
            loop.call_later(self.settings.delay_s, receiver.hear, packet, round(rssi_dbm))

    def _strength_dbm(self, sender: _Receiver, receiver: _Receiver) -> float:
        distance_m = max(_NEAREST_M, math.dist(sender.position_m, receiver.position_m))
        loss_db = FIRST_METRE_DB + 10.0 * self.settings.exponent * math.log10(distance_m)
        return sender.power_dbm - loss_db + self.settings.shadowing_db * self._random.standard_normal()


class _Advertiser(LegacyAdvertiser):
    """Advertises at the interval it was told: bumble's takes HCI's units of 0.625 ms for milliseconds."""

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        self.timer_handle = asyncio.get_running_loop().call_later(
            self.advertising_interval_min / _UNITS_PER_S, self._on_timer_fired
        )


class _Receiver(Controller):
    """A virtual controller that says how strong what it heard was."""

    def __init__(self, name: str, air: Air, position_m: tuple[float, float], power_dbm: int) -> None:
        super().__init__(name, link=air)
        self.position_m, self.power_dbm = position_m, power_dbm
        self._rssi_dbm = 0
        # Beacons send legacy advertisements of 31 bytes; extended ones are none of ours.
        self.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        self.le_legacy_advertiser = _Advertiser(self)

    def hear(self, packet: ll.AdvertisingPdu, rssi_dbm: int) -> None:
        """Take a packet from the air."""
        self._rssi_dbm = rssi_dbm
        self.on_ll_advertising_pdu(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand an event to the host, a report with its strength; nobody asked for the scan response."""
        if isinstance(packet, hci.HCI_LE_Advertising_Report_Event):
            reports = [report for report in packet.reports if report.event_type == _UNDIRECTED]
            if not reports:
                return
            for report in reports:
                report.rssi = self._rssi_dbm
            packet = hci.HCI_LE_Advertising_Report_Event(reports)
        super().send_hci_packet(packet)


class Node:
    """A device on the air: it advertises, or listens, or both; made by :meth:`Air.node`."""

    def __init__(self, name: str, air: Air, position_m: tuple[float, float], power_dbm: int) -> None:
        self.controller = _Receiver(name, air, position_m, power_dbm)
        self.host = Host()
        self.host.controller = self.controller
        self.controller.host = AsyncPipeSink(self.host)
        self.heard: list[Reception] = []

    def move(self, position_m: tuple[float, float]) -> None:
        """Go somewhere else."""
        self.controller.position_m = position_m

    async def advertise(self, data: bytes, address: bytes, interval_s: float = 1.0) -> None:
        """Advertise these data from this address until something else is asked for.

        Args:
            data: at most 31 bytes.
            address: 6 bytes.
            interval_s: between advertisements.

        Raises:
            InputError: data too long for one.
        """
        if len(data) > 31:
            raise InputError(f"advertisement of {len(data)} bytes: expected at most 31")
        await self.silence()
        own = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
        send = self.host.send_sync_command
        await send(hci.HCI_LE_Set_Random_Address_Command(random_address=own))
        interval = round(interval_s * _UNITS_PER_S)
        await send(
            hci.HCI_LE_Set_Advertising_Parameters_Command(
                advertising_interval_min=interval,
                advertising_interval_max=interval,
                advertising_type=_UNDIRECTED,
                own_address_type=hci.OwnAddressType.RANDOM,
                peer_address_type=hci.Address.PUBLIC_DEVICE_ADDRESS,
                peer_address=hci.Address.ANY,
                advertising_channel_map=7,
                advertising_filter_policy=0,
            )
        )
        await send(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=data))
        await send(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1))

    async def silence(self) -> None:
        """Advertise no more."""
        await self.host.send_sync_command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=0))

    async def listen(self, also: Callable[[Reception], None] | None = None) -> None:
        """Scan from now on; what is heard is kept, and told to ``also``."""

        def report(found: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
            now_s = asyncio.get_running_loop().time()
            heard = Reception(now_s, bytes(found.address), bytes(found.data), found.rssi)
            self.heard.append(heard)
            if also is not None:
                also(heard)

        self.host.on("advertising_report", report)
        await self.host.send_sync_command(
            hci.HCI_LE_Set_Scan_Parameters_Command(
                le_scan_type=hci.HCI_LE_Set_Scan_Parameters_Command.PASSIVE_SCANNING,
                le_scan_interval=16,
                le_scan_window=16,
                own_address_type=hci.OwnAddressType.RANDOM,
                scanning_filter_policy=hci.HCI_LE_Set_Scan_Parameters_Command.BASIC_UNFILTERED_POLICY,
            )
        )
        await self.host.send_sync_command(
            hci.HCI_LE_Set_Scan_Enable_Command(le_scan_enable=1, filter_duplicates=0)
        )

    async def rotate(
        self,
        frame_at: Callable[[float], bytes],
        address_at: Callable[[float], bytes],
        interval_s: float = 1.0,
    ) -> None:
        """Advertise as a beacon does, until cancelled: what and from where may change at every interval.

        Args:
            frame_at: the advertisement at a time of the loop.
            address_at: the address.
            interval_s: between advertisements.
        """
        loop = asyncio.get_running_loop()
        shown: tuple[bytes, bytes] | None = None
        while True:
            now_s = loop.time()
            wanted = frame_at(now_s), address_at(now_s)
            if wanted != shown:
                await self.advertise(*wanted, interval_s)
                shown = wanted
            await asyncio.sleep(interval_s)


async def relay(
    air: Air, near_beacon_m: tuple[float, float], near_phone_m: tuple[float, float], delay_s: float
) -> tuple[Node, Node]:
    """Put an attacker's pair on the air: what one hears, the other sends after a while.

    Args:
        air: whose.
        near_beacon_m: where the one listens.
        near_phone_m: where the other sends.
        delay_s: from hearing to sending.

    Returns:
        The one that listens, with all that it captured, and the one that sends.
    """
    ear = await air.node("relay-ear", near_beacon_m)
    mouth = await air.node("relay-mouth", near_phone_m)
    pending: set[asyncio.Task[None]] = set()

    def repeat(heard: Reception) -> None:
        task = asyncio.get_running_loop().create_task(mouth.advertise(heard.data, heard.address))
        pending.add(task)
        task.add_done_callback(pending.discard)

    def captured(heard: Reception) -> None:
        asyncio.get_running_loop().call_later(delay_s, repeat, heard)

    await ear.listen(captured)
    return ear, mouth
