"""Setting when datasets open, with what is to be noted of it: whose decision it is has been asked before."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.release_policy import Opening
from beamtorch_catalogue.stores.history import Noted
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.stores.releasing import lock_mark, set_release
from beamtorch_catalogue.wire import Audience

CHANGED, RELEASED = "embargo-changed", "released"


def decide(session: Session, rows: Iterable[DatasetRow], opening: Opening, now: datetime) -> list[Noted]:
    """Set when single datasets open, and return what to note."""
    notes: list[Noted] = []
    until = lock_mark(session, now).until
    released_at, released_to = opening
    for row in rows:
        before: Opening = (row.released_at, row.released_to)
        this = DatasetRow.number == row.number
        if set_release(session, this, released_at=released_at, released_to=released_to, at=now, is_own=True):
            session.refresh(row)
            about = {"subject": "dataset", "subject_id": row.id, "version": row.version, "beamtime": row.beamtime}
            notes += _notes(about, (before, opening), now, until)
    return notes


def reopen(
    session: Session, beamtime: Beamtime, change: tuple[Opening, Opening], now: datetime, until: datetime
) -> tuple[int, list[Noted]]:
    """Set when the data of a beamtime open that follow their proposal.

    Parameters
    ----------
    session
        Of a transaction that holds the mark of `lock_mark`.
    beamtime
        Whose data.
    change
        Old and new.
    now
        When this happens.
    until
        The mark.

    Returns
    -------
    The number of datasets that changed, and one note for all of them: a beamtime of 100,000 datasets is one decision.
    """
    if change[0] == change[1]:
        return 0, []
    released_at, released_to = change[1]
    count = set_release(session, following(beamtime), released_at=released_at, released_to=released_to, at=now)
    about = {"subject": "beamtime", "subject_id": beamtime.beamtime, "beamtime": beamtime.beamtime}
    return count, _notes(about, change, now, until, datasets=count)


def following(beamtime: Beamtime) -> ColumnElement[bool]:
    """Return the condition on `DatasetRow`: of a beamtime, without a decision of its own."""
    return and_(DatasetRow.beamtime == beamtime.beamtime, DatasetRow.release_is_own == false())


def _notes(
    about: Mapping[str, Any], change: tuple[Opening, Opening], now: datetime, until: datetime, **more: int
) -> list[Noted]:
    old, new = change
    after = _document(new) | more
    notes = [Noted(**about, action=CHANGED, before=_document(old), after=after)]
    was_open = old[0] <= now and old[1] != Audience.NOBODY
    if new[0] <= until and new[1] != Audience.NOBODY and not was_open:
        # Those who tell of releases have passed this moment already.
        notes.append(Noted(**about, action=RELEASED, after=after))
    return notes


def _document(opening: Opening) -> dict[str, Any]:
    return {"released_at": None if opening[0] == NEVER else opening[0].isoformat(), "released_to": opening[1]}
