"""Type: which fonts the window writes with, and rendered lines of text kept for the next frame."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygame

Colour = str | tuple[int, int, int]

HANGUL_FONTS: Final = (
    "notosanscjkkr",  # Linux
    "notosanskr",
    "nanumgothic",
    "applesdgothicneo",  # macOS
    "malgungothic",  # Windows
    "gulim",
    "unbatang",
)
"""Names under which systems keep a font with Hangul, as ``pygame.font.match_font`` takes them."""

# Signs that look like others, by name.
MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
DASH: Final = "\N{EN DASH}"
RIGHTWARDS: Final = "\N{RIGHTWARDS ARROW}"

_KEPT_LINES: Final = 600


@dataclass(frozen=True, slots=True)
class Typeface:
    """Two weights of one font.

    Attributes:
        regular, bold: files; None for pygame's own font, which has no Hangul.
        hangul: whether it can write Korean.
    """

    regular: str | None
    bold: str | None
    hangul: bool


def find_typeface(folder: Path | None = None) -> Typeface:
    """Load the font: Noto Sans KR, which comes with pygame_gui, or one of the system with Hangul.

    Args:
        folder: where pygame_gui keeps its fonts; found unless given.
    """
    if folder is None:
        import pygame_gui

        folder = Path(pygame_gui.__file__).parent / "data"
    regular, bold = folder / "NotoSansKR-Regular.ttf", folder / "NotoSansKR-Bold.ttf"
    if regular.is_file():
        return Typeface(str(regular), str(bold if bold.is_file() else regular), hangul=True)
    found = pygame.font.match_font(",".join(HANGUL_FONTS))
    if found is None:
        return Typeface(None, None, hangul=False)
    return Typeface(found, pygame.font.match_font(",".join(HANGUL_FONTS), bold=True) or found, hangul=True)


def signed(text: str) -> str:
    """Return a number with a minus sign in the place of its hyphen."""
    return text.replace("-", MINUS)


class Lettering:
    """Writes lines of text on surfaces.

    Args:
        typeface: what to write with.
        scale: 1 for 100 %; sizes are given for 100 %.
    """

    def __init__(self, typeface: Typeface, scale: float) -> None:
        self.typeface = typeface
        self.scale = scale
        self._fonts: dict[tuple[int, bool], pygame.font.Font] = {}
        self._lines: OrderedDict[tuple[str, int, bool, Colour], pygame.Surface] = OrderedDict()

    def font(self, size: float, *, bold: bool = False) -> pygame.font.Font:
        """Return the font at a size of 100 % scale."""
        key = (max(6, round(size * self.scale)), bold)
        if key not in self._fonts:
            path = self.typeface.bold if bold else self.typeface.regular
            self._fonts[key] = pygame.font.Font(path, key[0])
        return self._fonts[key]

    def line(self, text: str, size: float, colour: Colour, *, bold: bool = False) -> pygame.Surface:
        """Return one line, rendered; the same text is rendered once."""
        key = (text, round(size * self.scale), bold, colour)
        kept = self._lines.pop(key, None)
        if kept is None:
            kept = self.font(size, bold=bold).render(text, True, colour)
            if len(self._lines) >= _KEPT_LINES:
                self._lines.popitem(last=False)
        self._lines[key] = kept
        return kept

    def width(self, text: str, size: float, *, bold: bool = False) -> int:
        """Return pixels that a line takes."""
        return int(self.font(size, bold=bold).size(text)[0])

    def height(self, size: float) -> int:
        """Return pixels from line to line."""
        return int(self.font(size).get_linesize())

    def write(
        self,
        surface: pygame.Surface,
        text: str,
        place: tuple[float, float],
        size: float,
        colour: Colour,
        *,
        bold: bool = False,
        align: str = "left",
        within: int | None = None,
    ) -> pygame.Rect:
        """Write a line; ``place`` is its top left, top middle or top right corner by ``align``.

        Args:
            surface: what to write on.
            text: one line.
            place: pixels.
            size: at 100 % scale.
            colour: of the ink.
            bold: the heavier weight.
            align: ``left``, ``centre`` or ``right``.
            within: pixels it may take; what does not fit is cut off with an ellipsis.
        """
        if within is not None:
            text = self.fitted(text, size, within, bold=bold)
        line = self.line(text, size, colour, bold=bold)
        x, y = place
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * line.get_width()
        return surface.blit(line, (round(x - shift), round(y)))

    def fitted(self, text: str, size: float, width: int, *, bold: bool = False) -> str:
        """Return the text, or its beginning and an ellipsis, in at most ``width`` pixels."""
        if self.width(text, size, bold=bold) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"

    def wrapped(
        self, text: str, size: float, width: int, *, lines: int = 99, bold: bool = False
    ) -> list[str]:
        """Return the text in lines of at most ``width`` pixels, broken at spaces, long words anywhere.

        What ``lines`` do not hold is cut off with an ellipsis.
        """
        result: list[str] = []
        words = deque(text.split())
        line = ""
        while words and len(result) < lines:
            word = words.popleft()
            longer = f"{line} {word}" if line else word
            if self.width(longer, size, bold=bold) <= width or len(result) == lines - 1:
                line = longer
            elif line:
                result.append(line)
                words.appendleft(word)
                line = ""
            else:
                fits = max(1, len(self.fitted(word, size, width, bold=bold)) - 1)
                result.append(word[:fits])
                words.appendleft(word[fits:])
        if line:
            result.append(self.fitted(line, size, width, bold=bold))
        return result
