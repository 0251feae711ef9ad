"""Make all tables as this version has them, and the triggers of those that are append-only.

Until the first release there is this one revision, named by what it makes: a database of an earlier day is
made anew. From then on every change of a table is a revision of its own, and this one is frozen as it stands.
"""

from __future__ import annotations

from alembic import op
from stampbench.sim.service.migrations import schema_revision
from stampbench.sim.service.store.append_only import make_triggers
from stampbench.sim.service.tables import Base

revision = schema_revision()
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    Base.metadata.create_all(op.get_bind())
    make_triggers(op.get_bind())
