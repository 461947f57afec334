"""What would open the folder of a beamtime to somebody who stands before it; an adviser of explanations."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_identity.acl.explanation import Adviser
from beamtorch_identity.beamtimes.finding import record_at
from beamtorch_identity.beamtimes.record import BeamtimeRecord


def adviser(today: Callable[[], date]) -> Adviser:
    """Return what knows the records of beamtimes; without the right to read them it says nothing."""

    def advise(person: Identity, at: Path) -> tuple[Words, ...]:
        record = _record_above(at)
        return () if record is None else _advice(person, record, today())

    return advise


def _record_above(at: Path) -> BeamtimeRecord | None:
    for place in (at, *at.parents):
        try:
            record = record_at(place)
        except BeamtorchError:
            return None
        if record is not None:
            return record
    return None


def _advice(person: Identity, record: BeamtimeRecord, today: date) -> tuple[Words, ...]:
    name = person.username
    if record.proposal in person.proposals or record.beamline in person.staffed_beamlines:
        command = f"beamtorch beamtime sync-access {record.name}"
        return (
            Words(
                en=f"By the directory {name} belongs to beamtime {record.name}. If the rights are older than that, "
                f"bring them in line: {command}",
                zh=f"根据目录，{name} 属于机时 {record.name}。若权限设置早于加入时间，请更新：{command}",
            ),
        )
    team = Words(
        en=f"{name} is neither in the team of proposal {record.proposal} nor staff of {record.beamline}. Whoever leads "
        "the proposal can have the user office add them; the next sync-access gives the rights then.",
        zh=f"{name} 既不在课题 {record.proposal} 的团队中，也不是 {record.beamline} 的工作人员。"
        "课题负责人可请用户办公室将其加入；下次 sync-access 后即获得权限。",
    )
    if not record.is_embargoed(today):
        return (team,)
    until = record.embargo_until
    embargo = Words(
        en="Raw and processed data are under embargo"
        + (f" until {until}." if until else "; no day of its end is set."),
        zh="原始数据和处理数据处于保密期" + (f"，至 {until}。" if until else "，结束日期未定。"),
    )
    return team, embargo
