from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from stampbench.bench.window.sources import rig as rig_source
from stampbench.bench.window.sources.rig import MOST_WAITING, RigSource
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.rig import virtual_rig
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import SourceKind, SourceState

if TYPE_CHECKING:
    from tests.bench.window.conftest import Live

needs_pty = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


def free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("listen", [pytest.param("pty", marks=needs_pty), "tcp"])
def test_a_rig_presses_the_selected_stamp_and_its_contacts_and_frames_are_shown(
    live: Live, listen: str
) -> None:
    with virtual_rig("nexus-5", listen=listen) as port:
        live.session.sources.use_port(port)
        live.until(lambda picture: live.session.source.can_press)
        live.session.arrangement.add_stamp(123, 30.0, 50.0)
        live.session.sources.press_by_rig()
        picture = live.until(lambda picture: bool(picture.readings and picture.readings[0].code == 123))
        assert live.session.source.kind is SourceKind.RIG
        assert live.session.source.state is SourceState.LIVE
        assert picture.panel.name == "nexus-5"
        assert picture.deltas is not None
        assert picture.deltas.shape == (27, 15)
        assert [drawn.thing.hold.force for drawn in picture.objects] == [0.0]
        assert live.session.source.counters["packets"] > 0
        live.session.sources.use_simulated()


def test_a_lost_rig_shows_as_lost_and_comes_back_by_itself(live: Live) -> None:
    tcp_port = free_tcp_port()
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port) as port:
        live.session.sources.use_port(port)
        live.until(lambda picture: live.session.source.state is SourceState.LIVE)
    live.until(lambda picture: list(live.session.messages)[-1].key == "source_lost")
    assert live.session.source.state is SourceState.LOST
    assert live.session.source.message
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        live.until(lambda picture: list(live.session.messages)[-1].key == "source_back")
        live.session.scene.clear()
        live.session.arrangement.add_stamp(7, 30.0, 50.0)
        live.session.sources.press_by_rig()
        live.until(lambda picture: bool(picture.readings and picture.readings[0].code == 7))
        assert live.session.source.counters["reconnects"] == 1
        live.session.sources.use_simulated()


def test_a_rig_that_is_not_there_yet_is_found_when_it_comes(live: Live) -> None:
    tcp_port = free_tcp_port()
    live.session.sources.use_port(f"socket://127.0.0.1:{tcp_port}")
    live.until(lambda picture: live.session.source.state is SourceState.LOST)
    assert "nobody listens there" in live.session.source.message
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        live.until(lambda picture: live.session.source.state is SourceState.LIVE)
        live.session.sources.use_simulated()


def test_rubbish_on_the_port_is_a_message_and_the_session_lives_on(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig_source, "IDENTITY_WITHIN_S", 0.2)
    monkeypatch.setattr(rig_source, "LOOK_FOR_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        live.session.sources.use_port(f"socket://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            connection.sendall(bytes(range(256)) * 200)
            live.until(lambda picture: live.session.source.state is SourceState.LOST)
        assert "protocol" in live.session.source.message
    live.session.sources.use_simulated()
    live.press_stamp()
    assert live.session.look().explanation.key == "read"


def test_a_rig_refuses_an_object_that_it_does_not_know_and_goes_on(live: Live) -> None:
    with virtual_rig("nexus-5", listen="tcp") as port:
        live.session.sources.use_port(port)
        live.until(lambda picture: live.session.source.can_press)
        live.session.arrangement.add_object(ObjectKind.WATER, 30.0, 50.0)
        live.session.sources.press_by_rig()
        live.until(lambda picture: bool(live.session.source.message))
        assert "unknown" in live.session.source.message
        assert live.session.source.state is SourceState.LIVE
        live.session.sources.use_simulated()


def test_only_a_rig_presses_by_itself(live: Live) -> None:
    live.session.arrangement.add_stamp(1)
    with pytest.raises(InputError, match="cannot press"):
        live.session.sources.press_by_rig()


def test_what_nobody_takes_is_dropped_and_counted() -> None:
    source = RigSource("nowhere-at-all")
    try:
        for number in range(MOST_WAITING + 10):
            source._push(TouchReport(0, (Contact(number, True, 0, 0),)))
        items = source.advance(0)
        assert len(items) == MOST_WAITING
        assert items[0].contacts[0].id == 10
        assert source.counters["dropped"] == 10
    finally:
        source.close()
