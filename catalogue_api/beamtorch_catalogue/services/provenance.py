"""What a dataset was made from, and what was made from it, step by step, with the reader's rights in every step.

What somebody may not read is not there, and the walk ends before it: not even as a nameless point, since that would
tell outsiders that, when and how often somebody works with open data.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from sqlalchemy import BigInteger, cast, func, literal, select
from sqlalchemy.orm import Session, joinedload

from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.datasets import find_number
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import parameter
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.dataset_rows import chunks
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow, Parentage
from beamtorch_catalogue.wire.publications import Provenance, ProvenanceEdge, ProvenanceNode
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.proposal import BeamlineId, BeamtimeId
from beamtorch_facility.quantity import Quantity

MOST_NODES = 1000
MOST_STEPS = 50
_MOST_VISITS = 20_000
"""How often the walk may come by a dataset, all ways counted; a bound for the work, not for the answer."""
_COMPUTED = frozenset({DatasetKind.PROCESSED.value, DatasetKind.SIMULATED.value})
_VERSIONED = re.compile(r"(?P<name>.*?\S)[ /=@-]+v?(?P<version>\d[\w.+!-]*)")


class Direction(StrEnum):
    """Which way to walk."""

    UP = "up"
    """To what made it."""
    DOWN = "down"
    """To what was made from it."""
    BOTH = "both"


class Provenances:
    """Walks from dataset to dataset."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def around(self, reader: Reader, dataset: DatasetId, direction: Direction, depth: int) -> Provenance:
        """Return the graph around a dataset, the nearest first; `is_cut` says that there is more.

        Raises
        ------
        NoSuchDatasetError
            For a dataset that the reader may not read.
        """
        with self._database.reading() as session:
            start = find_number(session, reader, dataset)
            distances, is_cut = {start: 0}, False
            for upwards in (True, False):
                if direction in (Direction.BOTH, Direction.UP if upwards else Direction.DOWN):
                    found, is_more = _walk(session, reader, start, depth, upwards=upwards)
                    is_cut = is_cut or is_more
                    distances |= {number: min(step, distances.get(number, step)) for number, step in found.items()}
            nearest = sorted(distances, key=lambda number: (distances[number], number))
            kept = {number: distances[number] for number in nearest[:MOST_NODES]}
            return Provenance(
                dataset=dataset,
                nodes=tuple(_nodes(session, reader, kept)),
                edges=tuple(_edges(session, kept)),
                is_cut=is_cut or len(kept) < len(distances),
            )


def _walk(session: Session, reader: Reader, start: int, depth: int, *, upwards: bool) -> tuple[dict[int, int], bool]:
    """Return what lies within so many steps with its distance, and whether there is more.

    Steps are counted, so that a ring of datasets, which no recording makes but a restored database may hold, ends.
    """
    here, there = (Parentage.child, Parentage.parent) if upwards else (Parentage.parent, Parentage.child)
    walk = select(cast(start, BigInteger).label("number"), literal(0).label("distance")).cte("walk", recursive=True)
    walk = walk.union(
        select(there, walk.c.distance + 1)
        .join(walk, here == walk.c.number)
        .join(DatasetRow, DatasetRow.number == there)
        # One step further than asked for, to learn whether there is more.
        .where(walk.c.distance <= depth, readable(reader))
    )
    visits = select(walk).limit(_MOST_VISITS).subquery()
    nearest = select(visits.c.number, func.min(visits.c.distance), func.count()).group_by(visits.c.number)
    rows = session.execute(nearest).all()
    within = {number: distance for number, distance, _ in rows if distance <= depth}
    is_more = len(within) < len(rows) or sum(times for _, _, times in rows) >= _MOST_VISITS
    return within, is_more


def _nodes(session: Session, reader: Reader, distances: dict[int, int]) -> Iterable[ProvenanceNode]:
    rows: list[DatasetRow] = []
    for some in chunks(sorted(distances)):
        found = select(DatasetRow).where(DatasetRow.number.in_(some), readable(reader))
        rows += session.scalars(found.options(joinedload(DatasetRow.of_sample)))
    rows.sort(key=lambda row: (distances[row.number], row.place))
    parameters = _parameters(session, [row.number for row in rows if row.kind in _COMPUTED])
    for row in rows:
        software, version = split_version(row.software)
        yield ProvenanceNode(
            dataset=DatasetId(row.id),
            pid=row.pid,
            name=row.name,
            kind=DatasetKind(row.kind),
            technique=row.technique,
            beamline=BeamlineId(row.beamline),
            beamtime=BeamtimeId(row.beamtime),
            sample=row.of_sample.name if row.of_sample else None,
            at=row.listed_at,
            by=row.registered_by,
            software=software,
            software_version=version,
            parameters=parameters.get(row.number, {}),
            recipe=row.recipe,
            distance=distances[row.number],
        )


def _edges(session: Session, distances: dict[int, int]) -> list[ProvenanceEdge]:
    pairs: list[tuple[int, int]] = []
    for some in chunks(sorted(distances)):
        found = select(Parentage.child, Parentage.parent).where(Parentage.child.in_(some))
        pairs += [(child, parent) for child, parent in session.execute(found) if parent in distances]
    names: dict[int, str] = {}
    for some in chunks(sorted(distances)):
        named = select(DatasetRow.number, DatasetRow.id).where(DatasetRow.number.in_(some))
        names.update((number, name) for number, name in session.execute(named))
    return [
        ProvenanceEdge(child=DatasetId(names[child]), parent=DatasetId(names[parent]))
        for child, parent in sorted(pairs, key=lambda pair: (distances[pair[0]], *pair))
    ]


def _parameters(session: Session, numbers: Sequence[int]) -> dict[int, dict[str, Quantity | str]]:
    found: dict[int, dict[str, Quantity | str]] = {}
    for some in chunks(numbers):
        rows = select(ParameterRow).where(ParameterRow.dataset.in_(some))
        for row in session.scalars(rows.order_by(ParameterRow.dataset, ParameterRow.name)):
            found.setdefault(row.dataset, {})[row.name] = parameter(row)
    return found


def split_version(software: str | None) -> tuple[str | None, str | None]:
    """Return the name of a software and its version, as in ``beamtorch-ct 0.3.1``; None where nothing is said."""
    if software is None or not software.strip():
        return None, None
    found = _VERSIONED.fullmatch(software.strip())
    return (found["name"], found["version"]) if found else (software.strip(), None)
