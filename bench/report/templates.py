"""The pages' templates: one environment; a page extends ``page.html.j2``, so that style stands there once."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

FOLDERS = (Path(__file__).parent, Path(__file__).parents[1] / "trials" / "report")


@functools.cache
def templates() -> jinja2.Environment:
    """The environment of all pages; what is not there is an error, and text is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDERS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(name: str, **values: object) -> str:
    """Fill in a template."""
    return templates().get_template(name).render(**values)
