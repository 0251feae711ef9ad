"""Errors as they travel: problem details (RFC 9457), with a code for programs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from stampbench.sim.service.logs import LOGGER
from stampbench.sim.service.problems import ServiceError
from starlette.exceptions import HTTPException

_MOST: Final = 5
"""What is wrong with a request beyond so many places is not told."""


class Problem(BaseModel):
    """What is answered when something is not done: ``code`` is for programs, ``detail`` for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:stampbench:problem:stamp",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "no stamp 12",
                    "code": "stamp",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        401: "No key, or one that is not known or was withdrawn",
        403: "The key is not for this",
        404: "Nothing there, or nothing that this key may see",
        409: "It was done before, is being done, or stands in another state",
        422: "The request does not have the right form, or makes no sense",
        503: "The database does not answer: nothing was done, the same may be asked again",
    }.items()
}
"""Of every route, for its description."""


def add_handlers(app: FastAPI) -> None:
    """Let an application answer all errors in this form."""
    app.add_exception_handler(ServiceError, _of_service)
    app.add_exception_handler(RequestValidationError, _of_form)
    app.add_exception_handler(HTTPException, _of_http)
    for kind in (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError):
        app.add_exception_handler(kind, _of_database)
    app.add_exception_handler(sa.exc.IntegrityError, _of_race)
    app.add_exception_handler(sa.exc.DataError, _of_range)


def describe_problem(app: FastAPI) -> None:
    """Let the description of an application hold the form of its errors."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = described()
            schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return described()

    app.openapi = openapi  # type: ignore[method-assign]


def explain(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong with a request, place by place; never what was sent."""
    places = []
    for error in errors[:_MOST]:
        where, *names = [str(part) for part in error["loc"]]
        place = ".".join(names) or where
        places.append(f"{place} ({where}): {error['msg']}" if names else f"{place}: {error['msg']}")
    return "; ".join(places)


def _answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    content = {
        "type": f"urn:stampbench:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
    }
    return JSONResponse(content, status, headers, media_type="application/problem+json")


async def _of_service(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return _answer(error.status, error.code, str(error), headers)


async def _of_form(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(422, "form", explain(error.errors()))


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    """Return paths and methods that there are not."""
    if not isinstance(error, HTTPException):
        raise error
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    message = {404: "nothing under this path; /docs shows what there is"}.get(
        error.status_code, str(error.detail)
    )
    return _answer(error.status_code, code, message, error.headers)


async def _of_race(request: Request, error: Exception) -> JSONResponse:
    """Return two requests did the same at the same time, and this one came second."""
    return _answer(409, "conflict", "another request did the same at the same time; look, and ask again")


async def _of_range(request: Request, error: Exception) -> JSONResponse:
    return _answer(422, "range", "a value, or a sum of values, is larger than can be kept")


async def _of_database(request: Request, error: Exception) -> JSONResponse:
    """Return the database is away or too busy: nothing was done, and the same may be asked again."""
    LOGGER.log(logging.ERROR, "database: %s", type(error).__name__)
    return _answer(503, "database", "the database does not answer; try again", {"Retry-After": "1"})
