"""Beacons and sound: what is used of a credential belongs to it, not to its stamp; clocks of beacons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from stampbench.sim.service.store.append_only import make_triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "credential_uses",
        sa.Column("credential_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["stamp_credentials.id"], name=op.f("fk_credential_uses_credential_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_uses")),
        sa.UniqueConstraint(
            "credential_id", "counter", "holder", name=op.f("uq_credential_uses_credential_id_counter_holder")
        ),
    )
    # Of a stamp with several tags nothing tells whose tap it was; each tag's own counter refuses it anyhow.
    op.execute(
        "INSERT INTO credential_uses (credential_id, counter, holder, at_us)"
        " SELECT min(c.id), s.counter, 0, s.at_us FROM spent_credentials s"
        " JOIN stamp_credentials c ON c.stamp_id = s.stamp_id AND c.kind = s.kind AND c.counter >= s.counter"
        " GROUP BY s.id, s.counter, s.at_us ORDER BY s.id"
    )
    op.drop_table("spent_credentials")
    op.create_table(
        "beacon_clocks",
        sa.Column("credential_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("known_us", sa.BigInteger(), nullable=False),
        sa.Column("earliest_s", sa.Double(), nullable=False),
        sa.Column("latest_s", sa.Double(), nullable=False),
        sa.Column("repeats_to", sa.BigInteger(), nullable=False),
        sa.Column("back_until_us", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["stamp_credentials.id"], name=op.f("fk_beacon_clocks_credential_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beacon_clocks")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_beacon_clocks_credential_id")),
    )
    make_triggers(op.get_bind(), {"credential_uses": ()})


def downgrade() -> None:
    """Refuse: what was used would be forgotten."""
    raise NotImplementedError("what was used of beacons and sound would be forgotten, and be good again")
