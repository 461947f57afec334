"""Keeping count of datasets that are alike in what facets count, in the transaction that changes them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import CensusRow, DatasetRow

# Along an index of years: the newest ones are under embargo, so max() would read them all the same.
_OPENED_YEARS = (
    select(CensusRow.year)
    .where(CensusRow.released_at <= bindparam("at"), CensusRow.released_to.in_(bindparam("to", expanding=True)))
    .where(CensusRow.datasets > 0)
    .order_by(CensusRow.year.desc())
    .limit(1)
)


def last_opened_year(session: Session, at: datetime, audiences: Sequence[str]) -> int | None:
    """Return when the newest of the datasets was measured that are released to some by then."""
    return session.scalar(_OPENED_YEARS, {"at": at, "to": audiences})


class Kin(NamedTuple):
    """What datasets have in common that are counted together."""

    beamtime: str
    kind: str
    technique: str
    state: str
    year: int
    released_at: datetime
    released_to: str


def kin(row: DatasetRow) -> Kin:
    """Return with whom a dataset is counted."""
    return Kin(
        row.beamtime, row.kind, row.technique[:200], row.state, row.listed_at.year, row.released_at, row.released_to
    )


class Census:
    """Changes of counts, collected and then written at once."""

    def __init__(self) -> None:
        self._changes: dict[Kin, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, kin: Kin, size: int) -> None:
        """Count one more."""
        change = self._changes[kin]
        change[0] += 1
        change[1] += size

    def take(self, kin: Kin, size: int) -> None:
        """Count one less."""
        change = self._changes[kin]
        change[0] -= 1
        change[1] -= size

    def move(self, old: Kin, new: Kin, *, datasets: int, size: int) -> None:
        """Count so many elsewhere."""
        for kin, sign in ((old, -1), (new, 1)):
            change = self._changes[kin]
            change[0] += sign * datasets
            change[1] += sign * size

    def write(self, session: Session) -> None:
        """Write the changes; in one order, so that two writers cannot wait for each other."""
        rows = [
            {**kin._asdict(), "datasets": datasets, "size": size}
            for kin, (datasets, size) in sorted(self._changes.items())
            if datasets or size
        ]
        self._changes.clear()
        if not rows:
            return
        insert = insert_postgresql if session.get_bind().dialect.name == "postgresql" else insert_sqlite
        put = insert(CensusRow)
        session.execute(
            put.on_conflict_do_update(
                index_elements=list(Kin._fields),
                set_={
                    "datasets": CensusRow.datasets + put.excluded.datasets,
                    "size": CensusRow.size + put.excluded.size,
                },
            ),
            rows,
        )
        if any(row["datasets"] < 0 for row in rows):
            session.execute(delete(CensusRow).where(CensusRow.datasets == 0))
