"""What all tables share.

Times are microseconds since 1970 (UTC) in ``*_us`` columns; ``day`` and ``hour`` are those of the shops'
time zone, written once, so that both databases group alike.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

Moment = Annotated[int, mapped_column(sa.BigInteger())]
Day = Annotated[str, mapped_column(sa.String(10))]
Name = Annotated[str, mapped_column(sa.String(200))]
Word = Annotated[str, mapped_column(sa.String(40))]
Digest = Annotated[bytes, mapped_column(sa.LargeBinary(32))]


def reference(column: str) -> Mapped[int]:
    """Return a column that names a row of another table."""
    return mapped_column(_BIG, sa.ForeignKey(column))


def optional_reference(column: str) -> Mapped[int | None]:
    """Return a column that may name a row of another table."""
    return mapped_column(_BIG, sa.ForeignKey(column), nullable=True)


class Base(DeclarativeBase):
    """Of all tables; constraints have names, so that migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Table(Base):
    """A table with a number for every row.

    Attributes:
        append_only: rows are never changed or removed; triggers see to it.
        changeable: columns of an append-only table that may change all the same.
    """

    __abstract__ = True
    append_only: ClassVar[bool] = False
    changeable: ClassVar[frozenset[str]] = frozenset()

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)

    @classmethod
    def columns(cls) -> sa.Table:
        """Return the table as statements without the mapper know it: they are put together quicker."""
        if not isinstance(cls.__table__, sa.Table):
            raise TypeError(f"{cls.__name__} is no table")
        return cls.__table__
