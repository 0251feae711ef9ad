"""``/docs``: the interface as a page of this service's own, made from its OpenAPI description.

Nothing is fetched from elsewhere: the page shows where there is no way to the outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

router = APIRouter(include_in_schema=False)

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}
_LIMITS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "{}",
}
_LARGE: Final = 2**53
"""Limits beyond this are those of a database column, and tell nobody anything."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, or one parameter."""

    name: str
    kind: Markup
    needed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``body`` is the name of its schema."""

    method: str
    path: str
    text: str
    parameters: tuple[Field, ...]
    body: Markup | None


@router.get("/")
def get_root() -> RedirectResponse:
    """Whoever comes by the front door is shown what there is."""
    return RedirectResponse("/docs", 303)


@router.get("/docs")
def get_docs(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(docs_page(request.app.openapi()), headers=_HEADERS)


def docs_page(description: Mapping[str, Any]) -> str:
    """The page of an OpenAPI description."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            groups.setdefault(tag, []).append(_operation(path, method, operation))
    schemas = {
        name: (schema.get("description", ""), schema.get("enum"), tuple(_fields(schema)))
        for name, schema in sorted(description["components"]["schemas"].items())
    }
    template = _templates().get_template("docs.html.j2")
    return template.render(info=description["info"], groups=groups, schemas=schemas)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("stampbench.sim.service.api", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["words"] = _words
    return made


def _words(text: str) -> Markup:
    """A docstring: what stands between double backticks is code."""
    parts = text.split("``")
    shown = [Markup("<code>{}</code>" if n % 2 else "{}").format(part) for n, part in enumerate(parts)]
    return Markup("").join(shown)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Operation:
    parameters = tuple(
        Field(one["name"], _kind(one["schema"]), one.get("required", False), _note(one["schema"]))
        for one in operation.get("parameters", ())
        if one["in"] != "path"
    )
    body = operation.get("requestBody")
    kind = None if body is None else _kind(body["content"]["application/json"]["schema"])
    return Operation(method.upper(), path, operation.get("description", ""), parameters, kind)


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield Field(name, _kind(one), name in needed, _note(one))


def _kind(schema: Mapping[str, Any]) -> Markup:
    """What a value is, with links to what is described elsewhere on the page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return Markup(" | ").join(schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return Markup("[{}]").format(Markup(", ").join(_kind(one) for one in schema["prefixItems"]))
    if schema.get("type") == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    if "properties" in schema:
        fields = (Markup("{}: {}").format(name, _kind(one)) for name, one in schema["properties"].items())
        return Markup("{{{}}}").format(Markup(", ").join(fields))
    return Markup("{}").format(schema.get("format") or schema.get("type") or "anything")


def _note(schema: Mapping[str, Any]) -> str:
    """Default, limits and description of a value."""
    parts = [schema["description"]] if "description" in schema else []
    if schema.get("default") is not None:
        parts.append(f"otherwise {schema['default']}")
    for one in (schema, *schema.get("anyOf", ())):
        parts += [
            text.format(one[name])
            for name, text in _LIMITS.items()
            if name in one and not (isinstance(one[name], int | float) and abs(one[name]) > _LARGE)
        ]
    return "; ".join(part for part in parts if "\\x00" not in part)
