"""The HTTP application."""

from __future__ import annotations

import os

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from sim.service.api import (
    attendance,
    billing,
    customers,
    fraud,
    loyalty,
    owner,
    presses,
    snowshoe,
    stamps,
    tenants,
)
from sim.service.logs import RequestLog
from sim.service.problems import ServiceError
from sim.service.service import Service, open_service
from sim.service.settings import DATABASE_VARIABLE, DEFAULT_DATABASE, ServiceSettings, read_secret

ROUTERS = (tenants, stamps, presses, fraud, loyalty, attendance, customers, billing, owner, snowshoe)


def create_app(service: Service) -> FastAPI:
    """The application of a service; ``/docs`` shows its interface."""
    app = FastAPI(
        title="stampbench stamp service",
        description="The stamp service's twin: presses in, decisions out, and all that follows from them.",
        version="1",
    )
    app.state.service = service
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_exception_handler(ServiceError, _answer)
    app.add_middleware(RequestLog)
    return app


def app_from_environment() -> FastAPI:
    """The application of one worker process: its database and secret are in the environment."""
    database = os.environ.get(DATABASE_VARIABLE, DEFAULT_DATABASE)
    return create_app(open_service(ServiceSettings(read_secret(database), database)))


async def _answer(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse({"error": {"code": error.code, "message": str(error)}}, error.status, headers)
