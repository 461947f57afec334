"""Datasets and what belongs to one: files, parameters, documents of models, parents, links."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from beamtorch_catalogue.stores.blocks import BLOCK_BITS
from beamtorch_catalogue.stores.models.base import WITHOUT_ROWID, Base, BytewiseText, Moment, Number
from beamtorch_catalogue.stores.models.office import Beamtime, Sample


class DatasetRow(Base):
    """A dataset.

    Proposal and beamline are those of its beamtime, written here once more: whoever searches asks for them in every
    query, and a join would keep the database from walking an index in the order of the list.
    """

    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("beamtime", "source_id"),
        Index(None, "place", unique=True),
        Index(None, "pid", unique=True),
        Index(None, "beamtime", "place"),
        Index(None, "proposal", "place"),
        Index(None, "beamline", "place"),
        Index(None, "sample", "place"),
        Index(None, "folder", "number"),
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
    folder: Mapped[str] = mapped_column(BytewiseText)
    """What all files lie below; by it, the files of a folder are found."""
    size: Mapped[int] = mapped_column(BigInteger)
    file_count: Mapped[int]
    software: Mapped[str | None] = mapped_column(Text)
    registered_by: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20))
    problem_en: Mapped[str | None] = mapped_column(Text)
    problem_zh: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(32))
    """Hash of the record that it was made from; empty if it has to be read again."""
    place: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Where it stands in every list: see `stores.places.place`."""
    pid: Mapped[str] = mapped_column(String(120), server_default="")
    proposal: Mapped[str] = mapped_column(String(64), server_default="")
    beamline: Mapped[str] = mapped_column(String(64), server_default="")
    released_at: Mapped[datetime] = mapped_column(Moment, server_default="9999-01-01 00:00:00")
    """From when on others may read it; `stores.places.NEVER` for never."""
    released_to: Mapped[str] = mapped_column(String(20), server_default="registered")
    release_is_own: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """Decided for this dataset; else it follows its proposal."""
    version: Mapped[int] = mapped_column(server_default="1")
    """Grows by one with every change; the ETag on the wire."""
    recipe: Mapped[str | None] = mapped_column(Text)

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
    __table_args__ = WITHOUT_ROWID

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(Text)
    xxh3: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(20))
    problem_en: Mapped[str | None] = mapped_column(Text)
    problem_zh: Mapped[str | None] = mapped_column(Text)
    hashes: Mapped[str | None] = mapped_column(Text)
    """Further hashes by algorithm, a JSON object."""
    details: Mapped[str | None] = mapped_column(Text)
    """The file's own metadata by key, a JSON object of `wire.FileValue`."""


class FileCopy(Base):
    """Where else a file lies."""

    __tablename__ = "file_copy"

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(String(32), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    verified_at: Mapped[datetime | None] = mapped_column(Moment)


class ParameterRow(Base):
    """A parameter: as it was written, and in SI if its unit is understood."""

    __tablename__ = "parameter"
    __table_args__ = (
        Index("ix_parameter_by_block", "name", "dimension", text(f"(dataset >> {BLOCK_BITS})"), "si", "dataset"),
        WITHOUT_ROWID,
    )

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    text: Mapped[str | None] = mapped_column(Text)
    value: Mapped[float | None] = mapped_column(Double)
    unit: Mapped[str | None] = mapped_column(Text)
    dimension: Mapped[str | None] = mapped_column(String(120))
    si: Mapped[float | None] = mapped_column(Double)


class DocumentRow(Base):
    """What a dataset says in the terms of one technique's model; its fields are parameters, too."""

    __tablename__ = "document"
    __table_args__ = (Index(None, "model", "version", "dataset"),)

    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    content: Mapped[str] = mapped_column(Text)
    """A JSON object."""


class CensusRow(Base):
    """How many datasets are alike in everything that facets count; kept in the transaction of every change."""

    __tablename__ = "census"
    __table_args__ = (Index(None, "released_at"), Index(None, "year", "released_at", "released_to"))

    beamtime: Mapped[str] = mapped_column(ForeignKey("beamtime.beamtime"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    technique: Mapped[str] = mapped_column(String(200), primary_key=True)
    state: Mapped[str] = mapped_column(String(20), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    released_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    released_to: Mapped[str] = mapped_column(String(20), primary_key=True)
    datasets: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)


class AttachmentRow(Base):
    """Somebody's link to a dataset."""

    __tablename__ = "attachment"
    __table_args__ = (Index(None, "dataset"),)

    username: Mapped[str] = mapped_column(String(32), primary_key=True)
    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    attached_at: Mapped[datetime] = mapped_column(Moment)


class SavedSearch(Base):
    """A search that somebody keeps by a name."""

    __tablename__ = "saved_search"

    username: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    query: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(Moment)
