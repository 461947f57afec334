"""What the user office knows: beamlines and stations, people and their roles, proposals, beamtimes, samples."""

from datetime import date

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from beamtorch_catalogue.stores.models.base import Base, Number


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


class Station(Base):
    """An end station of a beamline."""

    __tablename__ = "station"

    beamline: Mapped[str] = mapped_column(ForeignKey("instrument.beamline"), primary_key=True)
    station: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)


class Person(Base):
    """Somebody whom the user office knows; what they may do is the directory's word alone."""

    __tablename__ = "person"

    username: Mapped[str] = mapped_column(String(32), primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    affiliation_en: Mapped[str | None] = mapped_column(Text)
    affiliation_zh: Mapped[str | None] = mapped_column(Text)
    orcid: Mapped[str | None] = mapped_column(String(19))
    folded: Mapped[str] = mapped_column(Text)
    """Both names as `stores.full_text.folded` writes them."""


class Proposal(Base):
    """A proposal."""

    __tablename__ = "proposal"

    proposal: Mapped[str] = mapped_column(String(64), primary_key=True)
    title_en: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    principal_investigator: Mapped[str] = mapped_column(String(32))
    embargo_months: Mapped[int | None]
    """None: as the facility's policy says."""
    released_to: Mapped[str | None] = mapped_column(String(20))


class Role(Base):
    """What somebody does in a proposal, such as co-proposer or local contact."""

    __tablename__ = "role"
    __table_args__ = (Index(None, "username"),)

    proposal: Mapped[str] = mapped_column(ForeignKey("proposal.proposal"), primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("person.username"), primary_key=True)
    role: Mapped[str] = mapped_column(String(64), primary_key=True)


class Beamtime(Base):
    """A stay at a beamline."""

    __tablename__ = "beamtime"
    __table_args__ = (Index(None, "proposal"), Index(None, "beamline"))

    beamtime: Mapped[str] = mapped_column(String(64), primary_key=True)
    proposal: Mapped[str] = mapped_column(ForeignKey("proposal.proposal"))
    beamline: Mapped[str] = mapped_column(ForeignKey("instrument.beamline"))
    start: Mapped[date]
    end: Mapped[date]
    station: Mapped[str | None] = mapped_column(String(64))

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
    folded: Mapped[str] = mapped_column(Text, server_default="")
    """Name and descriptions as `stores.full_text.folded` writes them."""


class SampleElement(Base):
    """A chemical element of a sample's formula."""

    __tablename__ = "sample_element"
    __table_args__ = (Index(None, "element", "sample"),)

    sample: Mapped[int] = mapped_column(ForeignKey("sample.number", ondelete="CASCADE"), primary_key=True)
    element: Mapped[str] = mapped_column(String(3), primary_key=True)
