from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pygame
from PIL import Image
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.sim.rig import virtual_rig
from stampbench.sim.screen import theme
from stampbench.sim.screen.sources import SourceKind, SourceState

if TYPE_CHECKING:
    from tests.bench.window.conftest import Screen

ADD = 'at = 0.0\nkey = "c"\n[[do]]\nat = 0.02\ntype = "20406\\n"'
HOLD = 'at = 0.2\nkey = "space"\nseconds = 0.4'


def recorded(screen: Screen) -> Path:
    """A capture of one press that was made and recorded in the window."""
    screen.do(ADD, 'at = 0.1\nkey = "ctrl+r"', HOLD, 'at = 0.9\nkey = "ctrl+r"', seconds=1.0)
    (capture,) = screen.live.folder.glob("*.jsonl")
    return capture


def test_a_recording_is_made_played_stepped_and_scrubbed(screen: Screen) -> None:
    capture = recorded(screen)
    screen.do('at = 0.0\ndrop = "@capture"', 'at = 0.1\nwait = "live"', seconds=0.3)
    assert screen.session.source.kind is SourceKind.RECORDING
    recording = screen.session.sources.recording
    ((begin, end),) = recording.track.presses
    share = ((begin + end) / 2 - recording.begin_us) / (recording.end_us - recording.begin_us)
    scrub = f"at = 0.0\ndrag = [{{ scrub = 0.05 }}, {{ scrub = {share} }}]\nseconds = 0.1"
    picture = screen.do('at = 0.0\nkey = "o"', scrub, seconds=0.3)
    assert recording.state is SourceState.PAUSED
    assert picture.readings[0].code == 20406
    bar = screen.window.playback.bar
    place = round(bar.left + share * bar.width), bar.bottom - round(11 * 1.0) + 3
    surface = pygame.display.get_surface()
    accent = pygame.Color(theme.ACCENT)
    assert surface.get_at((place[0] + 6, place[1]))[:3] == (accent.r, accent.g, accent.b)
    position_us = recording.position_us
    screen.do('at = 0.0\nclick = "step"', seconds=0.1)
    stepped_us = recording.position_us
    assert stepped_us > position_us
    screen.do('at = 0.0\nkey = ","', 'at = 0.1\nkey = ","', seconds=0.2)
    assert recording.position_us < stepped_us
    screen.do('at = 0.0\nkey = "["', seconds=0.1)
    assert recording.speed == 0.5
    assert screen.do('at = 0.0\nkey = "home"', seconds=0.1).contacts == ()
    screen.do('at = 0.0\nkey = "f5"', seconds=0.2)
    assert screen.session.source.kind is SourceKind.SIMULATED
    with open_recording(capture) as recording:
        assert any(len(report.down) == 5 for report in recording)


def test_a_recording_cut_short_is_a_message_and_the_window_lives_on(screen: Screen) -> None:
    capture = recorded(screen)
    lines = capture.read_bytes().splitlines(keepends=True)
    cut = screen.live.folder / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:40]) + b'{"t_us": nonsense}\n' + b"".join(lines[40:]))
    screen.do(f"at = 0.0\ndrop = '{cut}'", seconds=0.1)
    screen.until(lambda picture: any("cut.jsonl" in text for text in screen.window.toasts.texts))
    (screen.live.folder / "none.jsonl").write_text("", "utf-8")
    screen.do(f"at = 0.0\ndrop = '{screen.live.folder / 'none.jsonl'}'", seconds=0.2)
    assert screen.window.open
    picture = screen.do('at = 0.0\nkey = "f5"', HOLD, seconds=0.5)
    assert picture.readings[0].code == 20406


def test_a_catalogue_with_a_missing_figure_is_a_message(screen: Screen) -> None:
    path = screen.live.folder.parent / "stamps.toml"
    path.write_text('[[stamp]]\nname = "one"\n', "utf-8")
    screen.do(f"at = 0.0\ndrop = '{path}'", seconds=0.1)
    assert screen.session.setup.codebook.name == "p5-60k"
    assert any("pads is missing" in text for text in screen.window.toasts.texts)


def test_a_rig_is_typed_in_read_lost_and_comes_back(screen: Screen) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp_port = server.getsockname()[1]
    typed = f'at = 0.1\ntype = "socket://127.0.0.1:{tcp_port}\\n"'
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        screen.do('at = 0.0\nkey = "f6"', 'at = 0.05\nclick = "dialog.entry"', typed, seconds=1.0)
        screen.until(lambda picture: screen.session.source.state is SourceState.LIVE)
        assert screen.session.source.kind is SourceKind.RIG
        screen.live.session.arrangement.add_stamp(123, 30.0, 50.0)
        screen.until(lambda picture: screen.session.source.can_press)
        screen.do('at = 0.0\nkey = "return"')
        screen.until(lambda picture: bool(picture.readings and picture.readings[0].code == 123))
    screen.until(lambda picture: any("was lost" in text for text in screen.window.toasts.texts))
    assert screen.session.source.state is SourceState.LOST
    with virtual_rig("nexus-5", listen="tcp", tcp_port=tcp_port):
        screen.until(lambda picture: any("is back" in text for text in screen.window.toasts.texts))
        assert screen.session.source.state is SourceState.LIVE
        screen.do('at = 0.0\nkey = "f5"', seconds=0.1)


def test_presses_are_repeated_counted_and_stop_at_the_first_failure(screen: Screen) -> None:
    erase = ['at = 0.1\nkey = "end"', *3 * ['at = 0.1\nkey = "backspace"']]
    typed = [
        'at = 0.0\nclick = "tab.autopress"',
        'at = 0.05\nclick = "presses"',
        *erase,
        'at = 0.2\ntype = "12\\n"',
    ]
    screen.do(*typed, 'at = 0.3\nkey = "p"', seconds=1.0)
    assert screen.session.autopress is not None
    assert (screen.session.autopress.made, screen.session.autopress.measured("frr").n) == (12, 12)
    screen.live.session.setup.change_handling({"tilt_deg": (5.0, 5.0)})
    screen.do('at = 0.0\nclick = "auto_press"', seconds=0.8)
    assert screen.session.autopress is not None
    assert screen.session.autopress.failed
    assert screen.session.frozen


def test_a_moment_is_saved_as_a_plan_that_run_accepts(screen: Screen) -> None:
    from stampbench.bench.plans.plan import Plan

    screen.do(ADD, HOLD, 'at = 0.5\nkey = "z"', 'at = 0.6\nkey = "ctrl+s"', seconds=0.7)
    (case,) = screen.live.folder.glob("*.toml")
    assert Plan.read(case).size == 1
    assert any("stampbench run" in text for text in screen.window.toasts.texts)


def test_the_window_is_shared_as_a_picture_and_as_an_animation(screen: Screen) -> None:
    screen.do(ADD, HOLD, 'at = 0.8\nkey = "ctrl+p"', 'at = 0.9\nkey = "ctrl+g"', seconds=1.0)
    (picture,) = screen.live.folder.glob("*.png")
    (animation,) = screen.live.folder.glob("*.gif")
    with Image.open(picture) as shown:
        assert shown.size == (1024, 700)
    with Image.open(animation) as shown:
        assert shown.n_frames > 4


def test_a_drawn_stamp_is_saved_in_a_catalogue_which_then_reads_it(screen: Screen) -> None:
    screen.do(
        'at = 0.0\nkey = "m"', 'at = 0.1\nclick = "save_stamp"', 'at = 0.3\nkey = "escape"', seconds=0.4
    )
    (path,) = screen.live.folder.glob("stamps.toml")
    picture = screen.do(f"at = 0.0\ndrop = '{path}'", 'at = 0.1\nkey = "1"', HOLD, seconds=0.6)
    assert screen.session.setup.codebook.size == 1
    assert picture.readings[0].name == "custom-1"


def test_closing_in_the_middle_of_a_recording_loses_nothing(screen: Screen) -> None:
    screen.do(ADD, 'at = 0.1\nkey = "ctrl+r"', 'at = 0.2\nkey = "space"\nseconds = 9', seconds=0.8)
    capture = screen.window.session.capture
    assert capture is not None
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    screen.window.run()
    assert not screen.window.open
    lines = [json.loads(line) for line in Path(capture.path).read_text("utf-8").splitlines()]
    assert sum("contacts" in line for line in lines) >= capture.reports
    assert sum("deltas" in line for line in lines) >= capture.frames > 40
