"""The tables, typed."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

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


class Facility(Base):
    """The facility's name; one row."""

    __tablename__ = "facility"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)


class Instrument(Base):
    """A beamline."""

    __tablename__ = "instrument"

    beamline: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    technique: Mapped[str] = mapped_column(Text)


class Proposal(Base):
    """A proposal."""

    __tablename__ = "proposal"

    proposal: Mapped[str] = mapped_column(String(64), primary_key=True)
    title_en: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    principal_investigator: Mapped[str] = mapped_column(String(32))


class Beamtime(Base):
    """A stay at a beamline."""

    __tablename__ = "beamtime"
    __table_args__ = (Index(None, "proposal"), Index(None, "beamline"))

    beamtime: Mapped[str] = mapped_column(String(64), primary_key=True)
    proposal: Mapped[str] = mapped_column(ForeignKey("proposal.proposal"))
    beamline: Mapped[str] = mapped_column(ForeignKey("instrument.beamline"))
    start: Mapped[date]
    end: Mapped[date]

    of_proposal: Mapped[Proposal] = relationship(lazy="raise")
    of_instrument: Mapped[Instrument] = relationship(lazy="raise")


class Sample(Base):
    """Something that was in the beam; without a description if only a file knew it."""

    __tablename__ = "sample"
    __table_args__ = (UniqueConstraint("proposal", "name"),)

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    proposal: Mapped[str] = mapped_column(ForeignKey("proposal.proposal"))
    name: Mapped[str] = mapped_column(Text)
    description_en: Mapped[str | None] = mapped_column(Text)
    description_zh: Mapped[str | None] = mapped_column(Text)
    formula: Mapped[str | None] = mapped_column(Text)


class DatasetRow(Base):
    """A dataset."""

    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("beamtime", "source_id"),
        Index(None, "listed_at", "number"),
        Index(None, "beamtime", "listed_at", "number"),
        Index(None, "sample"),
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(String(64))
    source_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    beamtime: Mapped[str] = mapped_column(ForeignKey("beamtime.beamtime"))
    technique: Mapped[str] = mapped_column(Text)
    sample: Mapped[int | None] = mapped_column(ForeignKey("sample.number"))
    measured_at: Mapped[datetime | None] = mapped_column(Moment)
    listed_at: Mapped[datetime] = mapped_column(Moment)
    """When it was measured, else when it came in: what lists are sorted by."""
    changed_at: Mapped[datetime] = mapped_column(Moment)
    folder: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    file_count: Mapped[int]
    software: Mapped[str | None] = mapped_column(Text)
    registered_by: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20))
    problem_en: Mapped[str | None] = mapped_column(Text)
    problem_zh: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(32))
    """Hash of the record that it was made from; empty if it has to be read again."""

    of_beamtime: Mapped[Beamtime] = relationship(lazy="raise")
    of_sample: Mapped[Sample | None] = relationship(lazy="raise")
    files: Mapped[list["FileRow"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True, order_by="FileRow.position"
    )
    parameters: Mapped[list["ParameterRow"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True, order_by="ParameterRow.name"
    )


class Parentage(Base):
    """A dataset was made from another."""

    __tablename__ = "dataset_parent"
    __table_args__ = (Index(None, "parent"),)

    child: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    parent: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)


class FileRow(Base):
    """A file of a dataset."""

    __tablename__ = "file"
    __table_args__ = (Index(None, "path"),)

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(Text)
    xxh3: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(20))
    problem_en: Mapped[str | None] = mapped_column(Text)
    problem_zh: Mapped[str | None] = mapped_column(Text)


class ParameterRow(Base):
    """A parameter: as it was written, and in SI if its unit is understood."""

    __tablename__ = "parameter"
    __table_args__ = (Index(None, "name", "dimension", "si", "dataset"),)

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    text: Mapped[str | None] = mapped_column(Text)
    value: Mapped[float | None] = mapped_column(Double)
    unit: Mapped[str | None] = mapped_column(Text)
    dimension: Mapped[str | None] = mapped_column(String(120))
    si: Mapped[float | None] = mapped_column(Double)


class AttachmentRow(Base):
    """Somebody's link to a dataset."""

    __tablename__ = "attachment"
    __table_args__ = (Index(None, "dataset"),)

    username: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    attached_at: Mapped[datetime] = mapped_column(Moment)


def words(en: Any, zh: Any) -> Words | None:
    """Return two columns as one text, or None for none."""
    return None if en is None else Words(en=en, zh=zh if zh is not None else en)
