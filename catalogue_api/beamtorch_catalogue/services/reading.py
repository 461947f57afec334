"""From rows to the wire. Whoever reads datasets does it with `select_datasets`, which carries the access."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, joinedload

from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores import details
from beamtorch_catalogue.stores.models import (
    Beamtime,
    DatasetRow,
    FileRow,
    ParameterRow,
    words,
)
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.wire import Audience, DatasetState, DatasetSummary, FileCopy, FileRecord, FileValue
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

ENERGY = "energy"
"""The parameter that a list of datasets shows."""
# Made once: to make such an option takes longer than to load what it says.
_WITH_A_SUMMARY = (
    joinedload(DatasetRow.of_beamtime, innerjoin=True).joinedload(Beamtime.of_instrument, innerjoin=True),
    joinedload(DatasetRow.of_sample),
)
WITH_ITS_PROPOSAL = joinedload(DatasetRow.of_beamtime, innerjoin=True).joinedload(Beamtime.of_proposal, innerjoin=True)
"""For the query of a dataset, where more than a summary is wanted."""
_METADATA: TypeAdapter[dict[str, FileValue]] = TypeAdapter(dict[str, FileValue])


def select_datasets(reader: Reader) -> Select[DatasetRow]:
    """Return the query of all datasets that somebody may read, with what a summary needs."""
    return select(DatasetRow).where(readable(reader)).options(*_WITH_A_SUMMARY)


def summaries(
    session: Session,
    reader: Reader,
    rows: Sequence[DatasetRow],
    energies: Mapping[int, ParameterRow | Row[Any]] | None = None,
    links: Mapping[int, str] | None = None,
) -> tuple[DatasetSummary, ...]:
    """Return rows as summaries, with energy and the reader's own links, in two more queries for all of them.

    Parameters
    ----------
    energies, links
        The energies, and where the reader attached them, of the datasets that have such, by their numbers, if they are
        known already.
    """
    numbers = [row.number for row in rows]
    if energies is None:
        energies = details.of_name(session, numbers, ENERGY)
    if links is None:
        links = details.links(session, numbers, reader.username) if reader.username else {}
    return tuple(
        DatasetSummary(
            id=DatasetId(row.id),
            name=row.name,
            kind=DatasetKind(row.kind),
            technique=row.technique,
            beamline=BeamlineId(row.of_beamtime.beamline),
            beamline_name=_words(row.of_beamtime.of_instrument.name_en, row.of_beamtime.of_instrument.name_zh),
            proposal=ProposalId(row.of_beamtime.proposal),
            beamtime=BeamtimeId(row.beamtime),
            sample=row.of_sample.name if row.of_sample else None,
            sample_description=words(row.of_sample.description_en, row.of_sample.description_zh)
            if row.of_sample
            else None,
            measured_at=row.measured_at,
            size=row.size,
            file_count=row.file_count,
            energy=_quantity(energies[row.number]) if row.number in energies else None,
            state=DatasetState(row.state),
            problem=words(row.problem_en, row.problem_zh),
            pid=row.pid,
            released_at=None if row.released_at == NEVER else row.released_at,
            released_to=Audience(row.released_to),
            is_released=row.released_at <= reader.asked_at and row.released_to != Audience.NOBODY.value,
            attached_at=links.get(row.number),
        )
        for row in rows
    )


def file_record(row: FileRow | Row[Any], copies: tuple[FileCopy, ...] = ()) -> FileRecord:
    """Return a file as it goes on the wire."""
    return FileRecord(
        path=row.path,
        size=row.size,
        format=row.format,
        xxh3=row.xxh3,
        state=DatasetState(row.state),
        problem=words(row.problem_en, row.problem_zh),
        hashes=json.loads(row.hashes) if row.hashes else {},
        metadata=_METADATA.validate_json(row.details) if row.details else {},
        copies=copies,
    )


def parameter(row: ParameterRow | Row[Any]) -> Quantity | str:
    """Return a parameter as it was written."""
    return _quantity(row) or row.text or ""


def _quantity(row: ParameterRow | Row[Any]) -> Quantity | None:
    return None if row.value is None else Quantity(value=row.value, unit=row.unit or "")


def _words(en: str, zh: str) -> Words:
    return Words(en=en, zh=zh)
