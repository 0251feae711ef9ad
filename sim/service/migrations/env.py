"""Run by Alembic; the connection is handed in."""

from __future__ import annotations

from alembic import context
from stampbench.sim.service.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
