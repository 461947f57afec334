"""What every table is made of: names of constraints, moments in UTC, row numbers."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase

from beamtorch_facility.words import Words


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which keeps no time zone, gets it taken off and put on."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC."""
        if value is None:
            return None
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return it aware of UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Number = BigInteger().with_variant(Integer, "sqlite")
"""A row number; SQLite counts by itself only in a column of exactly this type."""
BytewiseText = Text().with_variant(Text(collation="C"), "postgresql")
"""A text in the order of its bytes, as SQLite has all of them: what begins alike stands together."""
WITHOUT_ROWID = {"sqlite_with_rowid": False}
"""For small rows that come by the million: SQLite keeps them in the order of their key, and once instead of twice."""


class Base(DeclarativeBase):
    """Base of all tables, with names for every constraint, so that migrations can name them, too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def words(en: Any, zh: Any) -> Words | None:
    """Return two columns as one text, or None for none."""
    return None if en is None else Words(en=en, zh=zh if zh is not None else en)
