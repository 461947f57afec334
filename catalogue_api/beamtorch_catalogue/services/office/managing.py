"""Roles and stations, one at a time, for those who look after a proposal or a beamline."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import visible_proposals
from beamtorch_catalogue.services.office.answers import station, team_member
from beamtorch_catalogue.services.office.errors import (
    NoSuchInstrumentError,
    NotYoursToKeepError,
    StationInUseError,
    UnknownMemberError,
)
from beamtorch_catalogue.services.office.kinds import PEOPLE, ROLES, STATIONS, Row, person_row
from beamtorch_catalogue.services.office.renewing import Renewal
from beamtorch_catalogue.services.office.taking import put, take_turn
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.releases import NoSuchProposalError
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Beamtime, Instrument, Person, Proposal, Role, Station
from beamtorch_catalogue.wire import StationRecord, TeamMember
from beamtorch_facility.directory import Directory, PersonRefusedError, UnknownPersonError
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, ProposalId
from beamtorch_facility.words import Words


class OfficeBook:
    """Sets and removes roles and stations; each change is noted. No role gives anybody a right to read."""

    def __init__(self, *, database: Database, directory: Directory, renewal: Renewal) -> None:
        self._database, self._directory, self._renewal = database, directory, renewal

    def set_roles(self, reader: Reader, proposal: ProposalId, username: Username, roles: Sequence[str]) -> TeamMember:
        """Give somebody exactly these roles in a proposal.

        Raises
        ------
        NoSuchProposalError, NotYoursToKeepError
            If the reader may not see the proposal, or is neither its principal investigator nor runs the facility.
        UnknownMemberError
            If neither the user office nor the directory knows the person.
        """
        with self._database.writing() as session:
            take_turn(session)
            _demand_keeper(session, reader, proposal)
            person, noted = self._person(session, username)
            noted += self._replace(session, proposal, username, roles)
            note(session, noted, by=reader.name, at=reader.asked_at)
            return team_member(person, sorted(set(roles)))

    def remove(self, reader: Reader, proposal: ProposalId, username: Username) -> None:
        """Take all roles in a proposal from somebody; errors as in `set_roles`. One without any is fine."""
        with self._database.writing() as session:
            take_turn(session)
            _demand_keeper(session, reader, proposal)
            noted = self._replace(session, proposal, username, ())
            note(session, noted, by=reader.name, at=reader.asked_at)

    def set_station(self, reader: Reader, beamline: BeamlineId, name: str, words: Words) -> StationRecord:
        """Create or rename a station of a beamline.

        Raises
        ------
        NoSuchInstrumentError
            If there is no such beamline.
        NotYoursToKeepError
            If the reader is neither staff of the beamline nor runs the facility.
        """
        with self._database.writing() as session:
            take_turn(session)
            _demand_staff(session, reader, beamline)
            old = session.get(Station, (beamline, name))
            before = {"name_en": old.name_en, "name_zh": old.name_zh} if old else None
            after = {"name_en": words.en, "name_zh": words.zh}
            if before != after:
                put(session, STATIONS, [{"beamline": str(beamline), "station": name, **after}])
                action = "updated" if old else "created"
                changes = [_station_noted(beamline, name, action, before, after)]
                note(session, changes, by=reader.name, at=reader.asked_at)
        return StationRecord(station=name, name=words)

    def remove_station(self, reader: Reader, beamline: BeamlineId, name: str) -> None:
        """Remove a station; errors as in `set_station`, and `StationInUseError`. One that is not there is fine."""
        with self._database.writing() as session:
            take_turn(session)
            _demand_staff(session, reader, beamline)
            old = session.get(Station, (beamline, name))
            if old is None:
                return
            there = (Beamtime.beamline == beamline, Beamtime.station == name)
            used = session.scalar(select(Beamtime.beamtime).where(*there).order_by(Beamtime.start.desc()).limit(1))
            if used is not None:
                raise StationInUseError(_in_use(name, used))
            before = station(old).name
            session.execute(delete(Station).where(Station.beamline == beamline, Station.station == name))
            values = {"name_en": before.en, "name_zh": before.zh}
            changes = [_station_noted(beamline, name, "removed", values, None)]
            note(session, changes, by=reader.name, at=reader.asked_at)

    def _replace(self, session: Session, proposal: ProposalId, username: Username, roles: Sequence[str]) -> list[Noted]:
        mine = (Role.proposal == proposal, Role.username == username)
        old, new = set(session.scalars(select(Role.role).where(*mine))), set(roles)
        for role in sorted(old - new):
            session.execute(delete(Role).where(*mine, Role.role == role))
        given: list[Row] = [{"proposal": proposal, "username": username, "role": role} for role in sorted(new - old)]
        put(session, ROLES, given)
        if old != new:
            self._renewal.of_proposal(session, proposal)
        name = f"{proposal}/{username}"
        return [
            *(Noted(subject="role", subject_id=name, action="removed", before={"role": r}) for r in sorted(old - new)),
            *(Noted(subject="role", subject_id=name, action="created", after={"role": r}) for r in sorted(new - old)),
        ]

    def _person(self, session: Session, username: Username) -> tuple[Person, list[Noted]]:
        """Return somebody, by the name of the directory if the user office does not know them yet."""
        known = session.get(Person, username)
        if known is not None:
            return known, []
        try:
            identity = self._directory.person(username)
        except (UnknownPersonError, PersonRefusedError) as error:
            raise UnknownMemberError(_nobody(username)) from error
        row = person_row(str(username), identity.full_name)
        put(session, PEOPLE, [row])
        after = {"name_en": row["name_en"], "name_zh": row["name_zh"]}
        return Person(**row), [Noted(subject="person", subject_id=str(username), action="created", after=after)]


def _demand_keeper(session: Session, reader: Reader, proposal: ProposalId) -> None:
    row = session.scalar(select(Proposal).where(Proposal.proposal == proposal, visible_proposals(reader)))
    if row is None:
        raise NoSuchProposalError(proposal)
    if not (reader.may_ingest or reader.username == row.principal_investigator):
        raise NotYoursToKeepError(
            Words(
                en=f"Only the principal investigator of {proposal} ({row.principal_investigator}) and those who run "
                "the facility may change its roles. Ask one of them.",
                zh=f"只有课题 {proposal} 的负责人（{row.principal_investigator}）和设施管理人员可更改其角色。"
                "请联系他们。",
            )
        )


def _demand_staff(session: Session, reader: Reader, beamline: BeamlineId) -> None:
    if session.get(Instrument, beamline) is None:
        raise NoSuchInstrumentError(beamline)
    staffed = reader.identity.staffed_beamlines if reader.identity else frozenset()
    if not (reader.may_ingest or beamline in staffed):
        raise NotYoursToKeepError(
            Words(
                en=f"Only the staff of {beamline} and those who run the facility may change its stations. Ask one of "
                "them.",
                zh=f"只有 {beamline} 的线站人员和设施管理人员可更改其实验站，请联系他们。",
            )
        )


def _station_noted(beamline: BeamlineId, name: str, action: str, before: Row | None, after: Row | None) -> Noted:
    return Noted(subject="station", subject_id=f"{beamline}/{name}", action=action, before=before, after=after)


def _in_use(name: str, beamtime: str) -> Words:
    return Words(
        en=f"Station {name} cannot be removed: beamtime {beamtime} names it, and there may be others. Rename the "
        "station instead, or have the user office change the beamtimes first.",
        zh=f"无法删除实验站 {name}：机时 {beamtime} 等引用了它。请改名，或先请用户办公室更改机时。",
    )


def _nobody(username: Username) -> Words:
    return Words(
        en=f"Neither the user office nor the directory knows “{username}”. Check the spelling, or import the user "
        "office's people first.",
        zh=f"用户办公室和人员目录中都没有“{username}”。请检查拼写，或先导入用户办公室的人员信息。",
    )
