from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from stampbench.bench.window.sources import rig as rig_source
from stampbench.bench.window.sources.rig import MOST_WAITING, RigSource
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.rig import virtual_rig
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import SourceKind, SourceState

if TYPE_CHECKING:
    from tests.bench.screen.conftest import BenchLive

needs_pty = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


def free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("listen", [pytest.param("pty", marks=needs_pty), "tcp"])
def test_a_rig_presses_the_selected_stamp_and_its_contacts_and_frames_are_shown(
    bench_live: BenchLive, listen: str
) -> None:
    with virtual_rig("nexus-5", listen=listen) as port:
        assert bench_live.session.use_port(port)
        bench_live.until(lambda view: view.source.can_press)
        bench_live.session.add_stamp(123, 30.0, 50.0)
        assert bench_live.session.press_by_rig()
        view = bench_live.until(lambda view: bool(view.readings and view.readings[0].code == 123))
        assert view.source.kind is SourceKind.RIG
        assert view.source.state is SourceState.LIVE
        assert view.panel.name == "nexus-5"
        assert view.deltas is not None
        assert view.deltas.shape == (27, 15)
        assert [thing.force for thing in view.objects] == [0.0]
        assert view.source.counters["packets"] > 0
        bench_live.session.use_simulated()


def test_a_lost_rig_shows_as_lost_and_comes_back_by_itself(bench_live: BenchLive) -> None:
    tcp_port = free_tcp_port()
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port) as port:
        bench_live.session.use_port(port)
        bench_live.until(lambda view: view.source.state is SourceState.LIVE)
    view = bench_live.until(lambda view: view.source.state is SourceState.LOST)
    assert view.source.message
    assert [message.key for message in view.messages][-1] == "source_lost"
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        view = bench_live.until(lambda view: view.source.state is SourceState.LIVE)
        assert [message.key for message in view.messages][-1] == "source_back"
        bench_live.session.scene.clear()
        bench_live.session.add_stamp(7, 30.0, 50.0)
        bench_live.session.press_by_rig()
        view = bench_live.until(lambda view: bool(view.readings and view.readings[0].code == 7))
        assert view.source.counters["reconnects"] == 1
        bench_live.session.use_simulated()


def test_a_rig_that_is_not_there_yet_is_found_when_it_comes(bench_live: BenchLive) -> None:
    tcp_port = free_tcp_port()
    assert bench_live.session.use_port(f"socket://127.0.0.1:{tcp_port}")
    view = bench_live.until(lambda view: view.source.state is SourceState.LOST)
    assert "does not exist" in view.source.message
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        bench_live.until(lambda view: view.source.state is SourceState.LIVE)
        bench_live.session.use_simulated()


def test_rubbish_on_the_port_is_a_message_and_the_session_lives_on(
    bench_live: BenchLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig_source, "IDENTITY_WITHIN_S", 0.2)
    monkeypatch.setattr(rig_source, "LOOK_FOR_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        bench_live.session.use_port(f"socket://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            connection.sendall(bytes(range(256)) * 200)
            view = bench_live.until(lambda view: view.source.state is SourceState.LOST)
        assert "protocol" in view.source.message
    bench_live.session.use_simulated()
    bench_live.press_stamp()
    assert bench_live.session.view().explanation.key == "read"


def test_a_rig_refuses_an_object_that_it_does_not_know_and_goes_on(bench_live: BenchLive) -> None:
    with virtual_rig("nexus-5", listen="tcp") as port:
        bench_live.session.use_port(port)
        bench_live.until(lambda view: view.source.can_press)
        bench_live.session.add_object(ObjectKind.WATER, 30.0, 50.0)
        bench_live.session.press_by_rig()
        view = bench_live.until(lambda view: bool(view.source.message))
        assert "unknown" in view.source.message
        assert view.source.state is SourceState.LIVE
        bench_live.session.use_simulated()


def test_only_a_rig_presses_by_itself(bench_live: BenchLive) -> None:
    bench_live.session.add_stamp(1)
    assert bench_live.session.press_by_rig() is False
    assert "cannot press" in bench_live.errors[-1]


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
