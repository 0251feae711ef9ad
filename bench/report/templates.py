"""The pages' templates: one environment; a page extends ``page.html.j2``, so that style stands there once."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

SHARED = Path(__file__).parent
"""Holds ``page.html.j2``."""


@functools.cache
def templates(folder: Path) -> jinja2.Environment:
    """Return the environment of the pages in a folder; what is not there is an error, and text is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader((folder, SHARED)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: Path, **values: object) -> str:
    """Fill in a template, which lies beside the module that writes the page."""
    return templates(template.parent).get_template(template.name).render(**values)
