"""Published data: datasets that are cited together under a name of their own."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from beamtorch_catalogue.stores.models.base import Base, Moment, Number


class Publication(Base):
    """A set of datasets with title, creators and licence."""

    __tablename__ = "publication"

    pid: Mapped[str] = mapped_column(String(120), primary_key=True)
    title_en: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    abstract_en: Mapped[str] = mapped_column(Text)
    abstract_zh: Mapped[str] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(String(100))
    creators: Mapped[str] = mapped_column(Text)
    """A JSON array of `wire.Creator`, as they were named when it was published."""
    proposal: Mapped[str] = mapped_column(ForeignKey("proposal.proposal"))
    published_at: Mapped[datetime] = mapped_column(Moment)
    published_by: Mapped[str] = mapped_column(String(255))


class PublicationDataset(Base):
    """A dataset of a publication."""

    __tablename__ = "publication_dataset"
    __table_args__ = (Index(None, "dataset"),)

    publication: Mapped[str] = mapped_column(ForeignKey("publication.pid", ondelete="CASCADE"), primary_key=True)
    dataset: Mapped[int] = mapped_column(ForeignKey("dataset.number", ondelete="CASCADE"), primary_key=True)


class ReleaseMark(Base):
    """Up to when the ends of embargoes have been told; one row, whose lock makes those who tell take turns."""

    __tablename__ = "release_mark"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    until: Mapped[datetime] = mapped_column(Moment)
