"""The verdict: what was read, in one word and one sentence, with its figures."""

from __future__ import annotations

import math
from pathlib import Path

import pygame
from pygame import Rect
from stampbench.bench.window.parts.desk import Desk
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import signed
from stampbench.sim.screen.sources import SourceKind, SourceState

_WRONG_KEYS = frozenset({"misread", "foreign_read"})


def draw_verdict(surface: pygame.Surface, area: Rect, desk: Desk) -> None:
    """Draw the card: the word, the sentence, then angle, margin, distance and time, then the contacts."""
    picture, lettering, px = desk.picture, desk.lettering, desk.px
    pygame.draw.rect(surface, theme.CARD, area)
    word, colour = headline(desk)
    inside = area.inflate(-2 * px(14), -2 * px(8))
    pygame.draw.rect(surface, colour, Rect(area.left, area.top + px(8), px(5), area.height - px(16)))
    upright = area.height > area.width
    y = inside.top
    shown = lettering.fitted(word, 20, inside.width, bold=True)
    box = lettering.write(surface, shown, (inside.left, y), 20, colour, bold=True)
    state = _state(desk)
    room = inside.right - box.right - px(12)
    if state and not upright and room > px(40):
        lettering.write(
            surface, state, (inside.right, y + px(7)), 12, theme.MUTED, align="right", within=room
        )
    y += lettering.height(20)
    sentence = _sentence(desk)
    foot = inside.bottom - lettering.height(12)
    lines = 6 if upright else max(1, (foot - lettering.height(12) - y) // lettering.height(14))
    for line in lettering.wrapped(sentence, 14, inside.width, lines=lines):
        lettering.write(surface, line, (inside.left, y), 14, theme.INK)
        y += lettering.height(14)
    known = figures(desk)
    if upright:
        y += px(8)
        for name, value in known:
            lettering.write(surface, name, (inside.left, y), 12, theme.MUTED)
            lettering.write(surface, value, (inside.right, y), 13, theme.INK, bold=True, align="right")
            y += lettering.height(13) + px(2)
        if state:
            for line in reversed(lettering.wrapped(state, 12, inside.width, lines=3)):
                foot -= lettering.height(12)
                lettering.write(surface, line, (inside.left, foot), 12, theme.MUTED)
    elif known and y <= foot - lettering.height(12):
        _draw_row(surface, Rect(inside.left, foot - lettering.height(13), inside.width, 0), known, desk)
    contacts = "verdict.contact" if len(picture.contacts) == 1 else "verdict.contacts"
    text = desk.captions(contacts, now=len(picture.contacts), most=picture.contacts_most)
    text = f"{text} · {desk.captions(f'verdict.from_{picture.read_from}')}"
    lettering.write(
        surface,
        text,
        (inside.left, inside.bottom - lettering.height(12)),
        12,
        theme.MUTED,
        within=inside.width,
    )


def headline(desk: Desk) -> tuple[str, str]:
    """Return the word that says how things are, and its colour; a source that is gone comes first."""
    state = desk.session.source.state
    if state in (SourceState.LOST, SourceState.FAILED):
        return desk.captions(f"verdict.source_{state}"), theme.WRONG
    picture, captions = desk.picture, desk.captions
    if picture.explanation.key in _WRONG_KEYS:
        return captions(f"verdict.{picture.explanation.key}"), theme.WRONG
    reads = [reading for reading in picture.readings if reading.verdict == "read"]
    if reads:
        names = ", ".join(reading.name for reading in reads)
        return f"{captions('verdict.read')}  {names}", theme.READ
    if picture.readings:
        verdict = str(picture.readings[0].verdict)
        return captions(f"verdict.{verdict}"), theme.VERDICT_COLOURS[verdict]
    return captions("verdict.none"), theme.MUTED


def _sentence(desk: Desk) -> str:
    """Say what was read and why; where the source is gone, what is wrong and what can be done."""
    source, captions = desk.session.source, desk.captions
    if source.state not in (SourceState.LOST, SourceState.FAILED):
        return desk.explained(desk.picture.explanation)
    hint = captions(f"verdict.hint_{source.state}" if desk.session.plan is None else "verdict.hint_plan")
    return f"{source.message}. {hint}" if source.message else hint


def figures(desk: Desk) -> list[tuple[str, str]]:
    """Return the name and value of what is known of the newest reading."""
    picture, captions = desk.picture, desk.captions
    figures: list[tuple[str, str]] = []
    if picture.readings:
        reading = picture.readings[0]
        if reading.pose is not None:
            angle = signed(f"{math.degrees(reading.pose[2]):+.1f}°")
            figures.append((captions("verdict.angle"), angle))
        if reading.margin_mm is not None:
            bound = "≥ " if reading.margin_is_bound else ""
            figures.append((captions("verdict.margin"), f"{bound}{reading.margin_mm:.2f} mm"))
        nearest_mm = desk.session.observation.gauges.all["nearest"].value
        if nearest_mm is not None:  # the very figure of the plot
            figures.append((captions("verdict.distance"), f"{nearest_mm:.2f} mm"))
    reader = desk.session.observation.reader
    if reader.decision is not None and reader.decision_ms is not None:
        name = "verdict.last" if reader.over else "verdict.decided"
        code = reader.decision.reading.code
        last = f"{code}, " if reader.over and code is not None else ""
        figures.append((captions(name), f"{last}{reader.decision_ms:.0f} ms"))
    return figures


def _draw_row(surface: pygame.Surface, place: Rect, figures: list[tuple[str, str]], desk: Desk) -> None:
    """Draw the figures side by side, as many as there is room for."""
    lettering, x = desk.lettering, place.left
    for name, value in figures:
        width = lettering.width(name, 12) + desk.px(5) + lettering.width(value, 12, bold=True)
        if x + width > place.right:
            return
        box = lettering.write(surface, name, (x, place.top), 12, theme.MUTED)
        lettering.write(surface, value, (box.right + desk.px(5), place.top), 12, theme.INK, bold=True)
        x += width + desk.px(16)


def _state(desk: Desk) -> str:
    """Return how the source is, unless it simply works."""
    session, captions = desk.session, desk.captions
    source, recording = session.source, session.sources.recording
    if session.frozen:
        return captions("state.frozen")
    if recording is not None and recording.track.loading:
        return captions("state.loading")
    name = Path(source.name).name if source.kind is SourceKind.RECORDING else source.name
    if source.state is SourceState.LIVE and not source.message:
        return "" if source.kind is SourceKind.SIMULATED else name
    text = f"{name}: {captions(f'state.{source.state}')}"
    gone = source.state in (SourceState.LOST, SourceState.FAILED)  # then the sentence has the message
    return f"{text}. {source.message}" if source.message and not gone else text
