"""Telling that an embargo has ended: once for each beamtime or dataset, whoever restarts and however many tell.

Nothing opens by this; what is readable follows from the clock alone. This writes it down, for those who want to know.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.reopening import RELEASED
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import CensusRow, DatasetRow
from beamtorch_catalogue.stores.releasing import lock_mark
from beamtorch_catalogue.wire import Audience
from beamtorch_facility.clock import Clock

log = logging.getLogger(__name__)

BY = "policy"
"""Whose name stands at a release that time has brought."""
_SECONDS = 10.0


class Announcing:
    """Notes the ends of embargoes."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; what has not been noted is noted by whoever starts next."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def step(self) -> int:
        """Note what has opened since the last step, of whatever process; return how much that was."""
        with self._database.writing() as session:
            # Waiting for the lock may take a while, and the mark must not go back.
            mark = lock_mark(session, self._clock.now())
            now = self._clock.now()
            if now <= mark.until:
                return 0
            notes = list(_opened(session, mark.until, now))
            mark.until = now
            note(session, notes, by=BY, at=now)
            return len(notes)

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.step)
            except Exception:
                log.exception("the ends of embargoes could not be noted; trying again in %g s", _SECONDS)
            await asyncio.sleep(_SECONDS)


def _opened(session: Session, after: datetime, until: datetime) -> Iterable[Noted]:
    """Yield a note for each beamtime, and for each dataset that was decided by itself."""
    # The counts are few, and have an index by this moment; a million datasets have neither.
    groups = session.execute(
        select(CensusRow.beamtime, CensusRow.released_at)
        .where(
            CensusRow.released_at > after,
            CensusRow.released_at <= until,
            CensusRow.released_to != Audience.NOBODY.value,
            CensusRow.datasets > 0,
        )
        .distinct()
        .order_by(CensusRow.released_at, CensusRow.beamtime)
    ).all()
    for beamtime, released_at in groups:
        yield from _of_beamtime(session, beamtime, released_at)


def _of_beamtime(session: Session, beamtime: str, released_at: datetime) -> Iterable[Noted]:
    opened = (
        DatasetRow.beamtime == beamtime,
        DatasetRow.released_at == released_at,
        DatasetRow.released_to != Audience.NOBODY.value,
    )
    following = select(DatasetRow.released_to, func.count()).where(*opened, ~DatasetRow.release_is_own)
    for audience, count in session.execute(following.group_by(DatasetRow.released_to)):
        after = {"released_at": released_at.isoformat(), "released_to": audience, "datasets": count}
        yield Noted(subject="beamtime", subject_id=beamtime, action=RELEASED, after=after, beamtime=beamtime)
    own = select(DatasetRow.id, DatasetRow.version, DatasetRow.released_to).where(*opened, DatasetRow.release_is_own)
    for name, version, audience in session.execute(own.order_by(DatasetRow.place)):
        yield Noted(
            subject="dataset",
            subject_id=name,
            action=RELEASED,
            version=version,
            after={"released_at": released_at.isoformat(), "released_to": audience},
            beamtime=beamtime,
        )
