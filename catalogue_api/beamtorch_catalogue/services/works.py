"""Datasets and publications as works that can be cited, with as much as their stage lets be told."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_catalogue.citing.work import Related, Relation, Stage, Work
from beamtorch_catalogue.services.identifiers import Minting
from beamtorch_catalogue.services.release_policy import stage
from beamtorch_catalogue.stores.models import (
    Beamtime,
    DatasetRow,
    Facility,
    FileRow,
    Instrument,
    Parentage,
    Person,
    Proposal,
    Publication,
    PublicationDataset,
    Role,
    Sample,
    words,
)
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.wire.publications import Creator
from beamtorch_facility.directory import Directory, UnknownPersonError
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words

_CREATORS = TypeAdapter(tuple[Creator, ...])
_HELPERS = frozenset({"local-contact"})
"""Roles whose people help at the beamline and are not cited."""
_MOST_RELATED = 1000
UNNAMED = Words(en="Light source", zh="光源")


class Works:
    """Makes works of rows."""

    def __init__(self, *, minting: Minting, directory: Directory) -> None:
        self._minting, self._directory = minting, directory

    def dataset(self, session: Session, row: DatasetRow, now: datetime, *, in_full: bool = False) -> Work:
        """Return a dataset as everybody may know it, or `in_full` for somebody who may read it."""
        reached = stage(row.released_at, row.released_to, now)
        opens_at = None if row.released_at == NEVER else row.released_at
        beamtime = session.get_one(Beamtime, row.beamtime)
        instrument = session.get_one(Instrument, beamtime.beamline)
        bare = Work(
            pid=row.pid,
            url=self._minting.address(row.pid),
            stage=reached,
            title=None,
            publisher=facility_name(session),
            instrument=Words(en=instrument.name_en, zh=instrument.name_zh),
            year=(opens_at or row.listed_at).year,
            available_at=opens_at,
        )
        if reached is Stage.WITHHELD and not in_full:
            return bare
        proposal = session.get_one(Proposal, row.proposal)
        sample = session.get(Sample, row.sample) if row.sample is not None else None
        return Work(
            pid=bare.pid,
            url=bare.url,
            stage=reached,
            title=Words(en=f"{row.name}: {proposal.title_en}", zh=f"{row.name}：{proposal.title_zh}"),
            creators=self._creators(session, proposal),
            publisher=bare.publisher,
            instrument=bare.instrument,
            year=bare.year,
            available_at=opens_at,
            measured_at=row.measured_at,
            abstract=words(sample.description_en, sample.description_zh) if sample else None,
            subjects=tuple(filter(None, (row.technique, row.kind, sample.name if sample else None))),
            formats=_formats(session, row.number),
            size=row.size,
            file_count=row.file_count,
            local_id=row.id,
            related=tuple(self._related(session, row, now)),
        )

    def publication(self, session: Session, row: Publication, now: datetime) -> Work:
        """Return published data; what is told of them was chosen when they were published."""
        datasets = datasets_of(session, row.pid)
        stages = {stage(one.released_at, one.released_to, now) for one in datasets}
        reached = Stage.WORLD if stages <= {Stage.WORLD} else Stage.REGISTERED
        return Work(
            pid=row.pid,
            url=self._minting.address(row.pid),
            stage=reached,
            is_collection=True,
            title=Words(en=row.title_en, zh=row.title_zh),
            creators=creators_of(row),
            publisher=facility_name(session),
            year=row.published_at.year,
            available_at=row.published_at,
            abstract=Words(en=row.abstract_en, zh=row.abstract_zh),
            licence=row.licence,
            size=sum(one.size for one in datasets),
            file_count=sum(one.file_count for one in datasets),
            related=tuple(Related(Relation.HAS_PART, one.pid, self._minting.address(one.pid)) for one in datasets),
        )

    def _related(self, session: Session, row: DatasetRow, now: datetime) -> Iterable[Related]:
        """Yield what everybody may know of: publications, and those parents that are not withheld."""
        published = select(PublicationDataset.publication).where(PublicationDataset.dataset == row.number)
        for pid in session.scalars(published.order_by(PublicationDataset.publication).limit(_MOST_RELATED)):
            yield Related(Relation.IS_PART_OF, pid, self._minting.address(pid))
        parents = (
            select(DatasetRow)
            .join(Parentage, Parentage.parent == DatasetRow.number)
            .where(Parentage.child == row.number)
            .order_by(DatasetRow.pid)
            .limit(_MOST_RELATED)
        )
        for parent in session.scalars(parents):
            if stage(parent.released_at, parent.released_to, now) is not Stage.WITHHELD:
                yield Related(Relation.IS_DERIVED_FROM, parent.pid, self._minting.address(parent.pid))

    def _creators(self, session: Session, proposal: Proposal) -> tuple[Creator, ...]:
        """Return who is cited for a proposal's data: its investigator, then those with a role in it."""
        others = session.scalars(
            select(Role.username)
            .where(Role.proposal == proposal.proposal, Role.role.not_in(_HELPERS))
            .order_by(Role.username)
        )
        names = dict.fromkeys([proposal.principal_investigator, *others])
        people = {one.username: one for one in session.scalars(select(Person).where(Person.username.in_(names)))}
        found = (_known(people[name]) if name in people else self._listed(name) for name in names)
        return tuple(one for one in found if one is not None)

    def _listed(self, username: str) -> Creator | None:
        """Return somebody whom the user office has not told of, by the directory; None if it does not know them."""
        try:
            return Creator(name=self._directory.person(Username(username)).full_name)
        except (UnknownPersonError, ValueError):
            return None


def facility_name(session: Session) -> Words:
    """Return the facility's name."""
    row = session.scalar(select(Facility))
    return Words(en=row.name_en, zh=row.name_zh) if row else UNNAMED


def creators_of(row: Publication) -> tuple[Creator, ...]:
    """Return who is cited for published data."""
    return _CREATORS.validate_json(row.creators)


def creators_document(creators: tuple[Creator, ...]) -> str:
    """Return creators as the table keeps them."""
    return json.dumps([one.model_dump(mode="json", exclude_none=True) for one in creators], ensure_ascii=False)


def datasets_of(session: Session, pid: str) -> Sequence[DatasetRow]:
    """Return the datasets of a publication."""
    found = select(DatasetRow).join(PublicationDataset, PublicationDataset.dataset == DatasetRow.number)
    return session.scalars(found.where(PublicationDataset.publication == pid).order_by(DatasetRow.pid)).all()


def _known(person: Person) -> Creator:
    return Creator.model_construct(
        name=Words(en=person.name_en, zh=person.name_zh),
        family_name=None,
        given_name=None,
        orcid=person.orcid,
        affiliation=words(person.affiliation_en, person.affiliation_zh),
    )


def _formats(session: Session, number: int) -> tuple[str, ...]:
    # Of the first files: a series of 100,000 images has the format of its first one.
    first = select(FileRow.format).where(FileRow.dataset == number).order_by(FileRow.position).limit(100)
    return tuple(sorted({name for name in session.scalars(first) if name}))
