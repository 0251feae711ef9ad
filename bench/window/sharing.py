"""Pictures to share: the window as PNG, and its last seconds as an animated GIF."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pygame
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

GIF_SECONDS: Final = 5.0
GIF_FRAMES_PER_S: Final = 10
GIF_WIDTH: Final = 800
"""Widest animation, in pixels: wider windows are scaled down."""


class LastSeconds:
    """Keeps what the window showed in the last five seconds."""

    def __init__(self) -> None:
        self._frames: deque[tuple[bytes, tuple[int, int]]] = deque(
            maxlen=round(GIF_SECONDS * GIF_FRAMES_PER_S)
        )
        self._since_s = 1.0

    def __len__(self) -> int:
        return len(self._frames)

    def keep(self, surface: pygame.Surface, dt_s: float) -> None:
        """Take in what is shown; ten times a second it is kept."""
        self._since_s += dt_s
        if self._since_s + 1e-9 < 1.0 / GIF_FRAMES_PER_S:
            return
        self._since_s = 0.0
        width, height = surface.get_size()
        if width > GIF_WIDTH:
            size = (GIF_WIDTH, max(1, round(height * GIF_WIDTH / width)))
            surface = pygame.transform.scale(surface, size)
        self._frames.append((pygame.image.tobytes(surface, "RGB"), surface.get_size()))

    def save(self, path: Path) -> None:
        """Write the animation.

        Raises:
            InputError: the file cannot be written, or nothing has been shown yet.
        """
        from PIL.Image import Dither, frombytes

        if not self._frames:
            raise InputError(f"{path}: nothing has been shown yet; expected at least one frame")
        size = self._frames[-1][1]
        images = [frombytes("RGB", size, data) for data, of_size in self._frames if of_size == size]
        palette = _mosaic(images).quantize(255)
        indexed = [image.quantize(palette=palette, dither=Dither.NONE) for image in images]
        try:
            indexed[0].save(
                path,
                format="GIF",
                save_all=True,
                append_images=indexed[1:],
                duration=1000 // GIF_FRAMES_PER_S,
                loop=0,
                optimize=False,
            )
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _mosaic(images: list[Image]) -> Image:
    """Return some of the images side by side: their colours are the colours of all."""
    from PIL.Image import new

    width, height = images[0].size
    some = images[:: max(1, len(images) // 8)] + images[-1:]
    mosaic = new("RGB", (width, height * len(some) // 2))
    for place, image in enumerate(some):
        mosaic.paste(image.resize((width, max(1, height // 2))), (0, place * (height // 2)))
    return mosaic


def save_picture(surface: pygame.Surface, path: Path) -> None:
    """Write what a surface shows as PNG.

    Raises:
        InputError: the file cannot be written.
    """
    from PIL.Image import frombytes

    image = frombytes("RGB", surface.get_size(), pygame.image.tobytes(surface, "RGB"))
    try:
        image.save(path, format="PNG", optimize=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
