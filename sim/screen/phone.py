"""The phone: its glass at true proportions, raw deltas, electrodes, what lies there and what is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pygame
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import Lettering, signed
from stampbench.sim.screen.picture import ContactView, ObjectView, Picture, Points, ReadingView
from stampbench.sim.screen.scene import ObjectKind, SceneObject
from stampbench.sim.screen.sources import PanelInfo

BEZEL_MM: Final = 4.0
_SCALE_WIDTH: Final = 58
"""Room beside the phone for the scale of the colours, at 100 %."""
_GRID_ALPHA: Final = 26
_PX_PER_MM_OF_MARKS: Final = 4.5
_LEAST_PX_PER_MM_OF_IDS: Final = 3.0
"""On a smaller picture the ids of contacts would cover each other."""
_LEAST_TILT_RAD: Final = math.radians(0.15)


INVITATION_MM: Final = 20.0
"""Radius of the ghost of a stamp that an empty glass shows in its middle."""
_GHOST_PADS: Final = ((0.0, -14.0), (13.0, -4.0), (6.0, 12.0), (-9.0, 10.0), (-13.0, -3.0))
"""Where its pads are, mm from its middle."""


@dataclass(slots=True)
class Shown:
    """What of the glass is drawn; the invitation is what an empty one says below the ghost of a stamp."""

    heat_map: bool = True
    trails: bool = True
    invitation: str = ""


class Glass:
    """Where the active area of the panel stands in the window, and how large.

    Attributes:
        px_per_mm: scale of the picture.
        rect: of the active area, pixels.
        body: of the phone, bezel included.
    """

    def __init__(
        self, card: pygame.Rect, panel: PanelInfo, scale: float, px_per_mm: float | None = None
    ) -> None:
        margin, beside = round(12 * scale), round(_SCALE_WIDTH * scale) if panel.rows else 0
        room_x = max(20, card.width - 2 * margin - beside)
        room_y = max(20, card.height - 2 * margin)
        self.px_per_mm = px_per_mm or min(
            room_x / (panel.width_mm + 2 * BEZEL_MM), room_y / (panel.height_mm + 2 * BEZEL_MM)
        )
        width, height = round(panel.width_mm * self.px_per_mm), round(panel.height_mm * self.px_per_mm)
        self.rect = pygame.Rect(0, 0, max(1, width), max(1, height))
        self.rect.center = (card.left + margin + room_x // 2, card.top + card.height // 2)
        bezel = round(BEZEL_MM * self.px_per_mm)
        self.body = self.rect.inflate(2 * bezel, 2 * bezel)

    def to_px(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return pixel of a place on the panel."""
        return self.rect.left + x_mm * self.px_per_mm, self.rect.top + y_mm * self.px_per_mm

    def to_mm(self, place: tuple[float, float]) -> tuple[float, float]:
        """Place on the panel of a pixel; outside the glass too."""
        return (place[0] - self.rect.left) / self.px_per_mm, (place[1] - self.rect.top) / self.px_per_mm


class Phone:
    """Draws the phone and what is on it; keeps what seldom changes.

    Args:
        card: where it stands.
        panel: the glass.
        lettering: what to write with.
        px_per_mm: scale to keep, where the picture must be as large as the thing; fitted if None.
    """

    def __init__(
        self, card: pygame.Rect, panel: PanelInfo, lettering: Lettering, px_per_mm: float | None = None
    ) -> None:
        self.card = card
        self.panel = panel
        self.glass = Glass(card, panel, lettering.scale, px_per_mm)
        self._lettering = lettering
        # What is drawn on the glass grows with the text, but not beyond the glass.
        self._mark = min(lettering.scale, max(1.0, self.glass.px_per_mm / _PX_PER_MM_OF_MARKS))
        self._colours = theme.delta_colours()
        self._background = self._drawn_background()
        self._grid = self._drawn_grid()
        self._heat = pygame.Surface(self.glass.rect.size)
        self._heat_of: tuple[int, bool] | None = None
        self._faces: dict[tuple[int, str], pygame.Surface] = {}

    def draw(self, surface: pygame.Surface, picture: Picture, shown: Shown) -> None:
        """Draw everything, from the glass upwards."""
        surface.blit(self._background, self.card)
        surface.set_clip(self.card)
        self._draw_heat(surface, picture, shown.heat_map)
        if shown.invitation:
            self._draw_invitation(surface, shown.invitation)
        for drawn in picture.objects:
            if drawn.thing.kind is ObjectKind.STAMP:
                self._draw_stamp(surface, drawn)
            else:
                self._draw_thing(surface, drawn)
        if shown.trails:
            for contact in picture.contacts:
                self._draw_trail(surface, contact.trail_mm)
        for reading in picture.readings:
            if reading.pads_mm is not None:
                self._draw_outline(surface, reading.pads_mm)
        middle_mm = np.mean(
            [(contact.x_mm, contact.y_mm) for contact in picture.contacts] or [(0.0, 0.0)], axis=0
        )
        for contact in picture.contacts:
            self._draw_contact(
                surface, contact, math.atan2(middle_mm[1] - contact.y_mm, middle_mm[0] - contact.x_mm)
            )
        for reading in picture.readings:
            if reading.pads_mm is not None:
                self._draw_label(surface, reading)
        surface.set_clip(None)

    def _drawn_background(self) -> pygame.Surface:
        picture = pygame.Surface(self.card.size)
        picture.fill(theme.CARD)
        body = self.glass.body.move(-self.card.left, -self.card.top)
        pygame.draw.rect(picture, theme.BEZEL, body, border_radius=round(5.0 * self.glass.px_per_mm))
        rect = self.glass.rect.move(-self.card.left, -self.card.top)
        pygame.draw.rect(picture, "#fafafa", rect)
        if self.panel.rows:
            self._draw_colour_scale(picture, body, rect)
        return picture.convert()

    def _draw_colour_scale(self, picture: pygame.Surface, body: pygame.Rect, rect: pygame.Rect) -> None:
        """Draw which colour is how many counts."""
        lettering, scale = self._lettering, self._lettering.scale
        height = min(rect.height, round(220 * scale))
        bar = pygame.Rect(body.right + round(12 * scale), 0, round(12 * scale), height)
        bar.centery = rect.centery
        for y in range(bar.height):
            place = round((1.0 - y / max(1, bar.height - 1)) * (len(self._colours) - 1))
            colour = tuple(int(channel) for channel in self._colours[place])
            pygame.draw.line(picture, colour, (bar.left, bar.top + y), (bar.right - 1, bar.top + y))
        pygame.draw.rect(picture, theme.LINE, bar, 1)
        full, up = self.panel.full_touch, lettering.height(10) // 2
        for share in (1.0, 0.5, 0.0, -0.5, -1.0):
            text = signed(f"{share * full:+.0f}") if share else "0"
            top = bar.top + (1.0 - share) / 2.0 * bar.height - up
            lettering.write(picture, text, (bar.right + round(4 * scale), top), 10, theme.MUTED)

    def _drawn_grid(self) -> pygame.Surface | None:
        """Return the electrodes: a line along each TX row and each RX column."""
        rows, cols = self.panel.rows, self.panel.cols
        if not rows or not cols:
            return None
        width, height = self.glass.rect.size
        if min(width / cols, height / rows) < 4:
            return None
        grid = pygame.Surface((width, height), pygame.SRCALPHA)
        for row in range(rows):
            y = round((row + 0.5) * height / rows)
            pygame.draw.line(grid, (0, 0, 0, _GRID_ALPHA), (0, y), (width, y))
        for col in range(cols):
            x = round((col + 0.5) * width / cols)
            pygame.draw.line(grid, (0, 0, 0, _GRID_ALPHA), (x, 0), (x, height))
        return grid.convert_alpha()

    def _draw_heat(self, surface: pygame.Surface, picture: Picture, wanted: bool) -> None:
        if not self.panel.rows:
            return
        wanted = wanted and picture.deltas is not None
        if self._heat_of != (picture.scans, wanted):
            self._heat_of = (picture.scans, wanted)
            if wanted and picture.deltas is not None:
                colours = self._colours[theme.delta_indices(picture.deltas.T, self.panel.full_touch)]
                nodes = pygame.surfarray.make_surface(colours)
                pygame.transform.scale(nodes.convert(self._heat), self._heat.get_size(), self._heat)
            else:
                self._heat.fill("#fafafa")
            if self._grid is not None:
                self._heat.blit(self._grid, (0, 0))
        surface.blit(self._heat, self.glass.rect)

    def _draw_invitation(self, surface: pygame.Surface, text: str) -> None:
        """Draw the ghost of a stamp that can be taken, and what can be done below it."""
        middle, px, lettering = self.glass.rect.center, self.glass.px_per_mm, self._lettering
        radius = round(INVITATION_MM * px)
        surface.blit(self._face(radius, theme.ACCENT), (middle[0] - radius - 2, middle[1] - radius - 2))
        for start in np.arange(0.0, math.tau, math.tau / 24):
            begin, end = (
                (middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle))
                for angle in (start, start + math.tau / 48)
            )
            pygame.draw.line(surface, theme.ACCENT, begin, end, max(2, round(1.6 * self._mark)))
        for x_mm, y_mm in _GHOST_PADS:
            place = middle[0] + x_mm * px, middle[1] + y_mm * px
            pygame.draw.aacircle(surface, theme.ACCENT, place, max(3.0, 3.0 * px), 1)
        y = middle[1] + radius + round(6 * self._mark)
        for line in lettering.wrapped(text, 13, self.glass.rect.width - round(8 * lettering.scale)):
            lettering.write(surface, line, (middle[0], y), 13, theme.ACCENT, bold=True, align="centre")
            y += lettering.height(13)

    def _draw_stamp(self, surface: pygame.Surface, drawn: ObjectView) -> None:
        thing, px, scale = drawn.thing, self.glass.px_per_mm, self._mark
        centre = self.glass.to_px(thing.hold.x_mm, thing.hold.y_mm)
        radius = round(thing.face_radius_mm * px)
        face = self._face(radius, theme.SELECTED if drawn.selected else theme.MUTED)
        surface.blit(face, (round(centre[0]) - radius - 2, round(centre[1]) - radius - 2))
        rim = max(2, round(1.6 * scale))
        pygame.draw.aacircle(surface, theme.SELECTED if drawn.selected else theme.MUTED, centre, radius, rim)
        if thing.hold.force > 0.0:
            self._draw_force(surface, centre, radius, thing.hold.force)
        self._draw_tilt(surface, thing, centre, radius)
        tip = (
            centre[0] + (radius - 1) * math.cos(thing.hold.theta_rad),
            centre[1] + (radius - 1) * math.sin(thing.hold.theta_rad),
        )
        pygame.draw.aacircle(surface, theme.INK, tip, max(3, round(3 * scale)))
        if thing.hold.grip < 0.5:
            self._draw_let_go(surface, centre)
        for number, ((x_mm, y_mm), diameter_mm, share, seen) in enumerate(
            zip(drawn.places_mm, drawn.diameters_mm, drawn.shares, drawn.seen, strict=True), start=1
        ):
            middle = self.glass.to_px(float(x_mm), float(y_mm))
            pad = max(3.0, 0.5 * float(diameter_mm) * px)
            missed = thing.hold.force >= 1.0 and seen is None
            if share > 0.0:
                pygame.draw.aacircle(
                    surface, theme.PAD, middle, pad * math.sqrt(float(share)), max(1, round(scale))
                )
            pygame.draw.aacircle(
                surface, theme.WRONG if missed else theme.PAD, middle, pad, max(2, round(2 * scale))
            )
            if missed:
                self._draw_miss(surface, middle, pad)
            outward = math.atan2(middle[1] - centre[1], middle[0] - centre[0])
            away = pad + 7 * scale
            at = middle[0] + away * math.cos(outward), middle[1] + away * math.sin(outward)
            self._small(surface, str(number), at, theme.WRONG if missed else theme.INK)

    def _face(self, radius: int, colour: str) -> pygame.Surface:
        """Return a translucent disc, drawn once for each size and colour."""
        key = (radius, colour)
        if key not in self._faces:
            if len(self._faces) > 24:
                self._faces.clear()
            side = 2 * radius + 4
            face = pygame.Surface((side, side), pygame.SRCALPHA)
            pygame.draw.circle(
                face, pygame.Color(colour).lerp("#000000", 0.2), (radius + 2, radius + 2), radius
            )
            face.set_alpha(38)
            self._faces[key] = face
        return self._faces[key]

    def _draw_force(
        self, surface: pygame.Surface, centre: tuple[float, float], radius: int, force: float
    ) -> None:
        """Draw an arc along the rim that closes with full force."""
        wide = max(3, round(4 * self._mark))
        steps = max(2, round(72 * force))
        angles = np.linspace(-math.pi / 2, -math.pi / 2 + math.tau * force, steps + 1)
        arc = np.column_stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)])
        pygame.draw.lines(surface, theme.ACCENT, False, arc.tolist(), wide)

    def _draw_tilt(
        self, surface: pygame.Surface, thing: SceneObject, centre: tuple[float, float], radius: int
    ) -> None:
        """Draw a wedge on the side that is lifted, with the slope in degrees."""
        slope = math.hypot(thing.hold.tilt_x_rad, thing.hold.tilt_y_rad)
        if slope < _LEAST_TILT_RAD:
            return
        scale = self._mark
        to = math.atan2(thing.hold.tilt_y_rad, thing.hold.tilt_x_rad)
        angles = np.linspace(to - 0.9, to + 0.9, 15)
        inner, outer = radius + 3 * scale, radius + (5 + 40 * slope) * scale
        depth = inner + (outer - inner) * np.cos((angles - to) / 0.9 * math.pi / 2)
        far = np.column_stack([centre[0] + depth * np.cos(angles), centre[1] + depth * np.sin(angles)])
        near = np.column_stack([centre[0] + inner * np.cos(angles), centre[1] + inner * np.sin(angles)])
        pygame.draw.polygon(surface, theme.WARNING, np.concatenate([far, near[::-1]]).tolist())
        at = centre[0] + (outer + 14 * scale) * math.cos(to), centre[1] + (outer + 12 * scale) * math.sin(to)
        self._small(surface, f"{math.degrees(slope):.1f}°", at, theme.INK)

    def _draw_let_go(self, surface: pygame.Surface, centre: tuple[float, float]) -> None:
        """Draw the sign of an open circuit to ground: a ring with a gap."""
        size = round(9 * self._mark)
        place = pygame.Rect(0, 0, 2 * size, 2 * size)
        place.center = round(centre[0]), round(centre[1])
        pygame.draw.arc(surface, theme.WRONG, place, math.radians(120), math.radians(420), max(2, size // 4))
        self._draw_cross(surface, centre, 0.35 * size, theme.WRONG, max(2, size // 5))

    def _draw_miss(self, surface: pygame.Surface, middle: tuple[float, float], pad: float) -> None:
        reach = 0.7 * pad
        for sign in (-1, 1):
            begin = middle[0] - reach, middle[1] - sign * reach
            end = middle[0] + reach, middle[1] + sign * reach
            pygame.draw.line(surface, theme.WRONG, begin, end, max(2, round(2 * self._mark)))

    def _draw_thing(self, surface: pygame.Surface, drawn: ObjectView) -> None:
        """Draw a finger, a palm, a coin or water."""
        thing = drawn.thing
        colour = {ObjectKind.WATER: theme.WATER, ObjectKind.COIN: theme.FAINT}.get(thing.kind, theme.SKIN)
        scale = self._mark
        for (x_mm, y_mm), diameter_mm in zip(drawn.places_mm, drawn.diameters_mm, strict=True):
            radius = max(3, round(0.5 * float(diameter_mm) * self.glass.px_per_mm))
            x, y = self.glass.to_px(float(x_mm), float(y_mm))
            disc = self._face(radius, colour)
            disc.set_alpha(110 if thing.hold.force > 0.0 else 50)
            surface.blit(disc, (round(x) - radius - 2, round(y) - radius - 2))
            pygame.draw.aacircle(
                surface, colour, (x, y), radius, max(1, round((2 if drawn.selected else 1) * scale))
            )
        if drawn.selected:
            radius = round(thing.face_radius_mm * self.glass.px_per_mm)
            centre = self.glass.to_px(thing.hold.x_mm, thing.hold.y_mm)
            pygame.draw.aacircle(
                surface, theme.SELECTED, centre, radius + round(3 * scale), max(1, round(scale))
            )

    def _draw_trail(self, surface: pygame.Surface, trail_mm: Points) -> None:
        if len(trail_mm) < 2:
            return
        points = trail_mm * self.glass.px_per_mm + self.glass.rect.topleft
        wide = max(2, round(2 * self._mark))
        older = (len(points) - 1) // 2
        if older:
            pygame.draw.lines(surface, "#f0b38a", False, points[: older + 1].tolist(), wide)
        pygame.draw.lines(surface, "#e5833f", False, points[older:].tolist(), wide)

    def _draw_contact(self, surface: pygame.Surface, contact: ContactView, inwards_rad: float) -> None:
        """Draw a cross, the size if it is known, and the id on the side of the other contacts."""
        scale = self._mark
        middle = self.glass.to_px(contact.x_mm, contact.y_mm)
        reach = 8 * scale
        self._draw_cross(surface, middle, reach + 1.5 * scale, "#ffffff", max(4, round(5 * scale)))
        self._draw_cross(surface, middle, reach, theme.CONTACT, max(2, round(2.4 * scale)))
        if contact.size_mm:
            radius = 0.5 * contact.size_mm * self.glass.px_per_mm
            pygame.draw.aacircle(surface, theme.CONTACT, middle, radius, max(1, round(scale)))
        if self.glass.px_per_mm < _LEAST_PX_PER_MM_OF_IDS:
            return
        away = reach + 11 * scale
        at = middle[0] + away * math.cos(inwards_rad), middle[1] + away * math.sin(inwards_rad)
        self._small(surface, f"#{contact.id}", at, theme.CONTACT)

    @staticmethod
    def _draw_cross(
        surface: pygame.Surface, middle: tuple[float, float], reach: float, colour: str, wide: int
    ) -> None:
        x, y = middle
        pygame.draw.line(surface, colour, (x - reach, y), (x + reach, y), wide)
        pygame.draw.line(surface, colour, (x, y - reach), (x, y + reach), wide)

    def _draw_outline(self, surface: pygame.Surface, pads_mm: Points) -> None:
        """Draw the stamp that was read: squares on its pads, joined all round."""
        points = pads_mm * self.glass.px_per_mm + self.glass.rect.topleft
        scale = self._mark
        middle = points.mean(axis=0)
        around = points[np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))]
        pygame.draw.lines(surface, theme.READ, True, around.tolist(), max(2, round(2 * scale)))
        half = max(4.0, 3.4 * self.glass.px_per_mm)
        for x, y in points:
            square = pygame.Rect(round(x - half), round(y - half), round(2 * half), round(2 * half))
            pygame.draw.rect(surface, theme.READ, square, max(2, round(2 * scale)))

    def _draw_label(self, surface: pygame.Surface, reading: ReadingView) -> None:
        """Draw code, angle and margin, beside the stamp and on the card."""
        pose, pads_mm = reading.pose, reading.pads_mm
        if pose is None or pads_mm is None:
            return
        lettering, share = self._lettering, self._mark / self._lettering.scale
        title = reading.name
        angle = signed(f"{math.degrees(pose[2]):+.1f}°")
        margin = (
            ""
            if reading.margin_mm is None
            else f"{'≥ ' if reading.margin_is_bound else ''}{reading.margin_mm:.2f} mm"
        )
        detail = f"{angle}   {margin}".strip()
        large, small = 15 * share, 11 * share
        pad = round(5 * self._mark)
        width = max(lettering.width(title, large, bold=True), lettering.width(detail, small)) + 2 * pad
        height = lettering.height(large) + lettering.height(small) + pad
        points = pads_mm * self.glass.px_per_mm + self.glass.rect.topleft
        half = 4.5 * self.glass.px_per_mm + 9 * self._mark
        box = pygame.Rect(0, 0, width, height)
        box.midbottom = round(points[:, 0].mean()), round(points[:, 1].min() - half)
        if box.top < self.card.top:
            box.midtop = round(points[:, 0].mean()), round(points[:, 1].max() + half)
        box.clamp_ip(self.card)
        pygame.draw.rect(surface, theme.READ, box, border_radius=pad)
        lettering.write(surface, title, (box.centerx, box.top), large, "#ffffff", bold=True, align="centre")
        below = box.centerx, box.top + lettering.height(large)
        lettering.write(surface, detail, below, small, "#ffffff", align="centre")

    def _small(self, surface: pygame.Surface, text: str, centre: tuple[float, float], colour: str) -> None:
        """Draw a few letters on whatever lies below."""
        size = 10 * self._mark / self._lettering.scale
        line = self._lettering.line(text, size, colour, bold=True)
        halo = self._lettering.line(text, size, "#ffffff", bold=True)
        x, y = round(centre[0] - line.get_width() / 2), round(centre[1] - line.get_height() / 2)
        for shift in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            surface.blit(halo, (x + shift[0], y + shift[1]))
        surface.blit(line, (x, y))
