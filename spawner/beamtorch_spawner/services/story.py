"""The audit as people read it: each row a sentence with names."""

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import AuditRow
from beamtorch_spawner.wire import AuditEntry

_VERBS = {
    "admitted": Words(en="was admitted to start", zh="获准启动"),
    "starting": Words(en="is starting", zh="正在启动"),
    "running": Words(en="has", zh="已有运行中的"),
    "stopping": Words(en="is losing", zh="正在停止"),
    "ended": Words(en="no longer has", zh="已结束"),
    "refused": Words(en="was refused", zh="被拒绝启动"),
    "failed": Words(en="could not get", zh="未能启动"),
    "extended": Words(en="keeps longer", zh="延长了"),
    "shortened": Words(en="keeps shorter", zh="缩短了"),
    "notified": Words(en="was told of the end of", zh="已收到到期提醒："),
    "released": Words(en="had to give up", zh="让出了"),
    "adopted": Words(en="was found again with", zh="重新接管："),
}


class Story:
    """Tells what happened."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def told(self, wanted: AuditSought) -> list[AuditEntry]:
        """Return rows of the audit, newest first."""
        with self._database.reading() as stores:
            return [_entry(row) for row in stores.audit.sought(wanted)]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        lease=row.lease,
        username=row.username,
        server=row.server,
        terminal=row.terminal,
        detail=_sentence(row),
    )


def _sentence(row: AuditRow) -> Words:
    said = Words(en=row.detail or row.action, zh=row.detail_zh or row.detail or row.action)
    verb = _VERBS.get(row.action)
    if row.username is None or verb is None:
        return said
    server = row.server or DEFAULT_SERVER
    place_en = f" at the terminal {row.terminal}" if row.terminal else ""
    place_zh = f"（终端 {row.terminal}）" if row.terminal else ""
    more_en, more_zh = (f": {row.detail}", f"：{said.zh}") if row.detail else (".", "。")
    return Words(
        en=f"{row.username} {verb.en} the server “{server}”{place_en}{more_en}",
        zh=f"{row.username} {verb.zh}服务器“{server}”{place_zh}{more_zh}",
    )
