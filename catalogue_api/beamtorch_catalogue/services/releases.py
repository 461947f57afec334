"""Changing when data open: as the facility wants, and as an investigator who opens earlier or wider."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable, visible_proposals
from beamtorch_catalogue.services.datasets import NoSuchDatasetError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.release_policy import Policy, opens_as_wide, release_of, terms
from beamtorch_catalogue.services.reopening import CHANGED, decide, following, reopen
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Proposal
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.stores.releasing import lock_mark
from beamtorch_catalogue.wire import Audience
from beamtorch_catalogue.wire.publications import (
    BeamtimeRelease,
    DatasetRelease,
    DatasetReleaseRequest,
    ProposalRelease,
    ProposalReleaseRequest,
)
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import BeamtimeId, ProposalId
from beamtorch_facility.words import Words


class NoSuchProposalError(CatalogueError):
    """A proposal that does not exist, or that the caller may not see: nobody can tell which."""

    code = "no-such-proposal"
    status = 404
    exit_code = 6
    title = Words(en="No such proposal for you", zh="没有您可见的此课题")

    def __init__(self, proposal: ProposalId) -> None:
        super().__init__(
            Words(
                en=f"There is no proposal {proposal} that you can see. Check its number with the user office.",
                zh=f"没有您可见的课题 {proposal}。请向用户办公室核对编号。",
            )
        )


class NotYoursToReleaseError(CatalogueError):
    """Somebody who may read data, but not say when they open."""

    code = "not-yours-to-release"
    status = 403
    exit_code = 5
    title = Words(en="This is not for you to decide", zh="您无权决定此事项")

    def __init__(self, investigator: str) -> None:
        super().__init__(
            Words(
                en="When data open is decided by the principal investigator of their proposal "
                f"({investigator}) and by those who run the facility. Ask one of them.",
                zh=f"数据何时开放由课题负责人（{investigator}）或设施管理人员决定，请联系其中一方。",
            )
        )


class LongerEmbargoError(CatalogueError):
    """A principal investigator who would open later, or to fewer people, than is agreed."""

    code = "longer-embargo"
    status = 403
    exit_code = 5
    title = Words(en="An embargo is made longer by the facility alone", zh="仅设施可延长保护期")

    def __init__(self) -> None:
        super().__init__(
            Words(
                en="You can open data earlier or to more people than is agreed, not later or to fewer. "
                "Ask the user office if the embargo has to be longer.",
                zh="您可以提前开放或扩大开放范围，但不能推迟或缩小。如需延长保护期，请联系用户办公室。",
            )
        )


class Releases:
    """Says when data open, and changes it."""

    def __init__(self, *, database: Database, clock: Clock, policy: Policy) -> None:
        self._database, self._clock, self.policy = database, clock, policy

    def proposal(self, reader: Reader, proposal: ProposalId) -> ProposalRelease:
        """Return how long the data of a proposal stay its own."""
        with self._database.reading() as session:
            return self._told(session, _proposal(session, reader, proposal))

    def change_proposal(self, reader: Reader, proposal: ProposalId, request: ProposalReleaseRequest) -> ProposalRelease:
        """Change it for all data that have no decision of their own.

        Raises
        ------
        NoSuchProposalError
            For one that the reader may not see.
        NotYoursToReleaseError, LongerEmbargoError
            If it is not for them to say.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            row = _proposal(session, reader, proposal, lock=True)
            before, old = _agreed(row), terms(row, self.policy)
            is_free = may_decide_all(reader, row)
            openings = {beamtime: release_of(beamtime, row, self.policy) for beamtime in _beamtimes(session, row)}
            row.embargo_months = request.embargo_months
            row.released_to = request.released_to.value if request.released_to else None
            new = terms(row, self.policy)
            if not is_free and not (new[0] <= old[0] and opens_as_wide((now, new[1]), (now, old[1]))):
                raise LongerEmbargoError
            if before == _agreed(row):
                return self._told(session, row)
            notes = [
                Noted(subject="proposal", subject_id=row.proposal, action=CHANGED, before=before, after=_agreed(row))
            ]
            changed = 0
            until = lock_mark(session, now).until
            for beamtime, opening in openings.items():
                count, more = reopen(session, beamtime, (opening, release_of(beamtime, row, self.policy)), now, until)
                changed += count
                notes += more
            told = self._told(session, row).model_copy(update={"changed": changed})
            note(session, notes, by=reader.name, at=now)
            return told

    def change_dataset(self, reader: Reader, dataset: DatasetId, request: DatasetReleaseRequest) -> DatasetRelease:
        """Change it for one dataset, which from then on does not follow its proposal.

        Raises
        ------
        NoSuchDatasetError
            For one that the reader may not read.
        NotYoursToReleaseError, LongerEmbargoError
            If it is not for them to say.
        """
        now = self._clock.now()
        is_closed = request.released_to is Audience.NOBODY
        opening = (NEVER if is_closed else request.released_at or now, request.released_to.value)
        with self._database.writing() as session:
            row = session.scalar(select(DatasetRow).where(DatasetRow.id == dataset, readable(reader)))
            if row is None:
                raise NoSuchDatasetError(dataset)
            # Every change of a release holds its proposal, and so does whoever records datasets by it.
            proposal = session.get_one(Proposal, row.proposal, with_for_update=True)
            if not may_decide_all(reader, proposal) and not opens_as_wide(opening, (row.released_at, row.released_to)):
                raise LongerEmbargoError
            note(session, decide(session, [row], opening, now), by=reader.name, at=now)
            session.refresh(row)
            return DatasetRelease(
                dataset=dataset,
                pid=row.pid,
                **_opening(row.released_at, row.released_to, now),
                is_own=row.release_is_own,
                version=row.version,
            )

    def follow_again(self, session: Session, proposals: Iterable[str]) -> list[Noted]:
        """Bring the data of proposals in line with what their records say now, after an import; return what to note."""
        now = self._clock.now()
        notes: list[Noted] = []
        # Held before the mark, as by whoever changes one proposal: two that wait for each other would wait for ever.
        named = select(Proposal).where(Proposal.proposal.in_(sorted(proposals))).order_by(Proposal.proposal)
        rows = session.scalars(named.with_for_update()).all()
        until = lock_mark(session, now).until
        for beamtime, proposal in [(one, row) for row in rows for one in _beamtimes(session, row)]:
            opening = release_of(beamtime, proposal, self.policy)
            old = session.execute(
                select(DatasetRow.released_at, DatasetRow.released_to).where(following(beamtime)).limit(1)
            ).first()
            if old is not None:
                notes += reopen(session, beamtime, ((old[0], old[1]), opening), now, until)[1]
        return notes

    def _told(self, session: Session, row: Proposal) -> ProposalRelease:
        months, audience = terms(row, self.policy)
        now = self._clock.now()
        return ProposalRelease(
            proposal=ProposalId(row.proposal),
            embargo_months=months,
            released_to=audience,
            follows_policy=row.embargo_months is None and row.released_to is None,
            beamtimes=tuple(
                BeamtimeRelease(
                    beamtime=BeamtimeId(beamtime.beamtime), **_opening(*release_of(beamtime, row, self.policy), now)
                )
                for beamtime in _beamtimes(session, row)
            ),
        )


def may_decide_all(reader: Reader, proposal: Proposal) -> bool:
    """Tell whether somebody decides as the facility does (else: as the investigator); refuse everybody else."""
    if reader.identity is not None and reader.sees_all:
        return True
    if reader.username is None or reader.username != proposal.principal_investigator:
        raise NotYoursToReleaseError(proposal.principal_investigator)
    return False


def _beamtimes(session: Session, proposal: Proposal) -> list[Beamtime]:
    found = select(Beamtime).where(Beamtime.proposal == proposal.proposal)
    return list(session.scalars(found.order_by(Beamtime.start, Beamtime.beamtime)))


def _proposal(session: Session, reader: Reader, proposal: ProposalId, *, lock: bool = False) -> Proposal:
    found = select(Proposal).where(Proposal.proposal == proposal, visible_proposals(reader))
    row = session.scalar(found.with_for_update() if lock else found)
    if row is None:
        raise NoSuchProposalError(proposal)
    return row


def _agreed(row: Proposal) -> dict[str, object]:
    return {"embargo_months": row.embargo_months, "released_to": row.released_to}


def _opening(released_at: datetime, released_to: str, now: datetime) -> dict[str, object]:
    return {
        "released_at": None if released_at == NEVER else released_at,
        "released_to": Audience(released_to),
        "is_released": released_at <= now and released_to != Audience.NOBODY,
    }
