"""For whoever runs the service: is it alive, can it answer, what has it done."""

from __future__ import annotations

import os

import sqlalchemy as sa
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pydantic import BaseModel
from stampbench.sim.service.api.access import ServiceDep

router = APIRouter(tags=["running"])


class Alive(BaseModel):
    """That somebody answers."""

    status: str = "ok"


@router.get("/health")
async def get_health() -> Alive:
    """Say that this process answers; it asks nobody else."""
    return Alive()


@router.get("/ready")
def get_ready(service: ServiceDep) -> Alive:
    """Say that the database answers too; 503 where it does not."""
    with service.database.read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return Alive()


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics() -> Response:
    """Return counts and times in the text format of Prometheus, of all workers together."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
