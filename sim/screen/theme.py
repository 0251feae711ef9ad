"""Looks: every colour of the window in one place, the colour map of raw deltas, and the widgets' theme."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.sim.screen.fonts import Typeface

# Ink and paper.
INK: Final = "#1b1f24"
MUTED: Final = "#59626e"
FAINT: Final = "#98a1ac"
LINE: Final = "#d3d8df"
PAGE: Final = "#e9ecf0"
CARD: Final = "#ffffff"
BEZEL: Final = "#23272d"

# Colours that remain distinct to the colour-blind (Okabe and Ito, Color Universal Design, 2008); the same
# thing has the same colour as in the reports.
PAD: Final = "#1b1b1b"
CONTACT: Final = "#d55e00"
READ: Final = "#009e73"
ACCENT: Final = "#0072b2"
WARNING: Final = "#e69f00"
WRONG: Final = "#d55e00"
WATER: Final = "#56b4e9"
SKIN: Final = "#cc79a7"
SELECTED: Final = "#0072b2"
SERIES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
ACCENT_SOFT: Final = "#dcebf5"

VERDICT_COLOURS: Final = {
    "read": READ,
    "partial": WARNING,
    "ambiguous": WARNING,
    "foreign": WRONG,
    "none": MUTED,
}

# Delta colours from -1 to 1: brown, nearly white, blue. Brown and blue differ for every kind of colour
# blindness (ColorBrewer marks such pairs as safe), and both ends are dark: a ghost shows as brown.
_DELTA_STOPS: Final = (
    (-1.0, (84, 38, 5)),
    (-0.6, (166, 86, 15)),
    (-0.25, (240, 178, 96)),
    (-0.1, (251, 226, 196)),
    (-0.03, (250, 247, 243)),
    (0.0, (250, 250, 250)),
    (0.03, (243, 247, 250)),
    (0.1, (214, 230, 243)),
    (0.25, (146, 190, 224)),
    (0.6, (48, 110, 176)),
    (1.0, (6, 40, 92)),
)
DELTA_STEPS: Final = 256
"""Entries of the colour map on either side of 0."""
_DELTA_EXPONENT: Final = 0.7
"""Below 1, so that ghosts of a tenth of the amplitude stand out from noise of a hundredth."""


def delta_colours() -> npt.NDArray[np.uint8]:
    """Return colours of deltas from -full to +full, shape (2 * DELTA_STEPS + 1, 3)."""
    share = np.linspace(-1.0, 1.0, 2 * DELTA_STEPS + 1)
    bent = np.sign(share) * np.abs(share) ** _DELTA_EXPONENT
    stops = np.array([stop for stop, _ in _DELTA_STOPS])
    colours = np.array([colour for _, colour in _DELTA_STOPS], np.float64)
    channels = [np.interp(bent, stops, colours[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def delta_indices(deltas: npt.NDArray[np.int16], full: float) -> npt.NDArray[np.int64]:
    """Return places in :func:`delta_colours` of counts; ``full`` counts take the last colour."""
    share = np.clip(deltas.astype(np.float64) / max(full, 1.0), -1.0, 1.0)
    return np.rint(share * DELTA_STEPS).astype(np.int64) + DELTA_STEPS


def widget_theme(typeface: Typeface, scale: float) -> dict[str, Any]:
    """Return the theme of pygame_gui at a scale, 1 for 100 %."""

    def px(length: float) -> str:
        return str(max(1, round(length * scale)))

    def colours(**values: str) -> dict[str, dict[str, str]]:
        return {"colours": values}

    quiet = {"shape": "rounded_rectangle", "border_width": "1", "shadow_width": "0"}
    plain = {"shape": "rectangle", "border_width": "0", "shadow_width": "0"}
    rounded = {**quiet, "shape_corner_radius": px(5)}
    font: dict[str, str] = {"name": "stampbench", "size": px(13)}
    if typeface.regular is not None and typeface.bold is not None:
        font |= dict.fromkeys(("regular_path", "italic_path"), typeface.regular)
        font |= dict.fromkeys(("bold_path", "bold_italic_path"), typeface.bold)
    bold = {**font, "bold": "1"}
    arrows = {"name": "fira_code_symbols", "size": px(13)}
    theme: dict[str, Any] = {
        "defaults": {
            "font": font,
            "colours": {
                "normal_bg": "#f7f8fa",
                "hovered_bg": "#e4edf5",
                "disabled_bg": "#f0f1f4",
                "selected_bg": ACCENT,
                "active_bg": "#c9dff0",
                "dark_bg": CARD,
                "disabled_dark_bg": "#f0f1f4",
                "normal_text": INK,
                "hovered_text": INK,
                "disabled_text": FAINT,
                "selected_text": "#ffffff",
                "active_text": INK,
                "normal_border": "#b9c0ca",
                "hovered_border": ACCENT,
                "disabled_border": LINE,
                "selected_border": ACCENT,
                "active_border": ACCENT,
                "link_text": ACCENT,
                "filled_bar": ACCENT,
                "unfilled_bar": LINE,
                "text_cursor": INK,
                "text_shadow": "#00000000",
            },
        },
        "button": {"font": font, "misc": {**rounded, "text_horiz_alignment_padding": px(8)}},
        "#primary": colours(
            normal_bg=ACCENT,
            hovered_bg="#005f95",
            active_bg="#004d79",
            selected_bg=WRONG,
            normal_text="#ffffff",
            hovered_text="#ffffff",
            active_text="#ffffff",
        ),
        "#armed": colours(selected_bg=WRONG, selected_border=WRONG),
        "#item": {
            "misc": {**rounded, "text_horiz_alignment": "left", "text_horiz_alignment_padding": px(10)}
        },
        "#source": {
            "misc": {**rounded, "text_horiz_alignment": "left", "text_horiz_alignment_padding": px(20)}
        },
        "#tab": {
            **colours(normal_bg=PAGE, selected_bg=CARD, selected_text=ACCENT, selected_border=LINE),
            "font": bold,
            "misc": {**quiet, "shape_corner_radius": f"{px(6)},{px(6)},0,0", "border_width": "1"},
        },
        "label": {
            "font": font,
            "misc": {"text_horiz_alignment": "left", "text_horiz_alignment_padding": "0"},
        },
        "#number": {"misc": {"text_horiz_alignment": "right"}},
        "#title": {"font": bold},
        "#muted": colours(normal_text=MUTED),
        "horizontal_slider": {
            **colours(dark_bg="#e3e7ec", normal_border="#cfd5dd"),
            "misc": {
                **quiet,
                "shape_corner_radius": px(4),
                "enable_arrow_buttons": "0",
                "sliding_button_width": px(14),
            },
        },
        "horizontal_slider.#sliding_button": {
            **colours(normal_bg=ACCENT, hovered_bg="#005f95", active_bg="#004d79", disabled_bg=FAINT),
            "misc": {**quiet, "shape_corner_radius": px(4)},
        },
        "text_entry_line": {
            "font": font,
            **colours(dark_bg=CARD, selected_bg="#9fc9e6", selected_text=INK),
            "misc": {**rounded, "padding": f"{px(5)},{px(2)}"},
        },
        "panel": {
            **colours(dark_bg=CARD, normal_border=CARD),
            "misc": {**quiet, "border_width": "0", "shape": "rectangle"},
        },
        "scrolling_container": colours(dark_bg=CARD),
        "text_box": {"font": font, "misc": {**rounded, "padding": f"{px(8)},{px(6)}"}},
        "tool_tip": {"misc": {"rect_width": px(230)}},
        "tool_tip.text_box": colours(dark_bg="#fffbe8", normal_border="#c9b458"),
        "window": {
            **colours(dark_bg=CARD, normal_border="#8a93a0"),
            "misc": {
                "shape": "rectangle",
                "shadow_width": px(8),
                "border_width": "1",
                "title_bar_height": px(32),
            },
        },
        "window.#title_bar": {
            **colours(normal_bg=BEZEL, hovered_bg=BEZEL, active_bg=BEZEL, normal_text="#ffffff"),
            "font": bold,
            "misc": {**quiet, "shape": "rectangle", "border_width": "0", "text_horiz_alignment": "left"},
        },
        "window.#close_button": {
            **colours(normal_bg=BEZEL, normal_text="#ffffff", hovered_bg=WRONG, hovered_text="#ffffff"),
            "font": arrows,
            "misc": {**quiet, "shape": "rectangle", "border_width": "0", "text_horiz_alignment_padding": "0"},
        },
        "vertical_scroll_bar": {"misc": {**plain, "enable_arrow_buttons": "0"}},
        "vertical_scroll_bar.#sliding_button": {
            **colours(normal_bg="#b9c0ca", hovered_bg=ACCENT),
            "misc": plain,
        },
        "horizontal_scroll_bar": {"misc": {**plain, "enable_arrow_buttons": "0"}},
        "horizontal_scroll_bar.#sliding_button": {
            **colours(normal_bg="#b9c0ca", hovered_bg=ACCENT),
            "misc": plain,
        },
    }
    theme["window.#title_bar"]["colours"] |= {"hovered_text": "#ffffff", "active_text": "#ffffff"}
    return theme
