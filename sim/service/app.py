"""The HTTP application."""

from __future__ import annotations

import os

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from stampbench.sim.service.api import (
    attendance,
    billing,
    customers,
    fraud,
    loyalty,
    owner,
    presses,
    running,
    snowshoe,
    stamps,
    tenants,
)
from stampbench.sim.service.api.errors import RESPONSES, add_handlers, describe_problem
from stampbench.sim.service.api.limits import BodyLimits
from stampbench.sim.service.logs import RequestLog
from stampbench.sim.service.opening import DATABASE_VARIABLE, ORIGINS_VARIABLE, open_service, read_secret
from stampbench.sim.service.service import DEFAULT_DATABASE, Service, ServiceSettings

ROUTERS = (tenants, stamps, presses, fraud, loyalty, attendance, customers, billing, owner)


def create_app(service: Service) -> FastAPI:
    """Return the application of a service; ``/docs`` shows its interface."""
    app = FastAPIOffline(
        title="stampbench stamp service",
        description="The stamp service's twin: presses in, decisions out, and all that follows from them.",
        version="1",
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    for module in ROUTERS:
        app.include_router(module.router, responses=RESPONSES)
    app.include_router(presses.pressing, responses=RESPONSES)
    app.include_router(snowshoe.router)
    app.include_router(running.router)
    app.add_api_route("/", lambda: RedirectResponse("/docs", 303), include_in_schema=False)
    add_handlers(app)
    describe_problem(app)
    app.add_middleware(BodyLimits)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=service.settings.origins,
        allow_origin_regex=".*" if service.settings.any_origin else None,
        allow_methods=("GET", "POST", "PUT") if service.settings.any_origin else ("GET", "POST"),
        allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "SnowShoe-Api-Key"),
        expose_headers=("Retry-After", "X-Request-Id"),
    )
    app.add_middleware(RequestLog)
    return app


def app_from_environment() -> FastAPI:
    """Return the application of one worker process: its database and secret are in the environment."""
    database = os.environ.get(DATABASE_VARIABLE, DEFAULT_DATABASE)
    origins = tuple(os.environ.get(ORIGINS_VARIABLE, "").split())
    return create_app(open_service(ServiceSettings(read_secret(database), database, origins=origins)))
