"""Entries of LDAP as people, pure: attributes in, an identity or the reason against it out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from beamtorch_facility.directory import locked, refused
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_identity.ldap_settings import LdapSettings
from beamtorch_identity.sid import sid_text

Attributes = Mapping[str, Sequence[Any]]
"""Values by the name of their attribute, in lower case."""
DISABLED = 0x2
"""ADS_UF_ACCOUNTDISABLE of userAccountControl."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """One entry, with its distinguished name."""

    dn: str
    attributes: Attributes

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of an attribute as text."""
        return tuple(_text(value) for value in self.attributes.get(name.lower(), ())) if name else ()

    def one(self, name: str) -> str | None:
        """Return the first value of an attribute, None if there is none."""
        return next(iter(self.all(name)), None)

    def number(self, name: str) -> int | None:
        """Return the first value of an attribute as a whole number; None for none, or what is no number."""
        text = self.one(name)
        return int(text) if text is not None and text.removeprefix("-").isdecimal() else None

    def sid(self, name: str) -> str | None:
        """Return a SID; None for none, or what is none."""
        for value in self.attributes.get(name.lower(), ()) if name else ():
            try:
                return sid_text(value) if isinstance(value, bytes) else str(value)
            except ValueError:
                return None
        return None


@dataclass(frozen=True)
class Group:
    """A group of the directory."""

    name: str
    gid: int | None
    """None: it has no number, so the kernel never hears of it."""


def identity_of(entry: Entry, groups: Iterable[Group], settings: LdapSettings, *, now: datetime) -> Identity:
    """Return who an entry is.

    Parameters
    ----------
    entry
        The person's entry.
    groups
        All groups that they belong to.
    settings
        Names of attributes, and the lowest numbers that may be used.
    now
        Decides whether an account is over.

    Raises
    ------
    PersonRefusedError
        If the account is locked or over, or its numbers are missing or a system's.
    """
    names = settings.names
    name = entry.one(names.username) or entry.dn
    _refuse_locked(name, entry, settings, now)
    known = tuple(groups)
    uid = _uid(name, entry, settings)
    gid = _gid(name, entry, settings)
    numbers = {group.name: group.gid for group in known if group.gid is not None and group.gid > 0}
    en = entry.one(names.full_name_en) or name
    try:
        person = Identity(
            username=Username(name),
            full_name=Words(en=en, zh=entry.one(names.full_name_zh) or en),
            uid=uid,
            gid=gid,
            groups=tuple(sorted({group.name for group in known})),
            gids=numbers,
            home=_home(entry.one(names.home)),
            sid=_sid(entry, uid, settings),
            ssh_keys=entry.all(names.ssh_key),
            language=entry.one(names.language) or "en",
        )
    except MalformedNameError as error:
        raise refused(name, f"the name: {error.detail.en}", f"用户名：{error.detail.zh}") from error

    return settings.floors.judge(person)


def group_of(entry: Entry, settings: LdapSettings) -> Group | None:
    """Return the group that an entry is; None for one without a name."""
    names = settings.names
    name, gid = entry.one(names.group_name), entry.number(names.group_gid)
    if gid is None and settings.sids is not None and (sid := entry.sid(names.sid)) is not None:
        gid = settings.sids.number(sid)
    return Group(name, gid) if name else None


def _refuse_locked(name: str, entry: Entry, settings: LdapSettings, now: datetime) -> None:
    names = settings.names
    flags, days = entry.number(names.flags), entry.number(names.expires_days)
    is_over = days is not None and days >= 0 and EPOCH + timedelta(days=days) <= now
    if entry.one(names.locked) is not None or (flags or 0) & DISABLED or is_over:
        raise locked(name, is_over=is_over)


def _uid(name: str, entry: Entry, settings: LdapSettings) -> int:
    uid = entry.number(settings.names.uid)
    if uid is None and settings.sids is not None and (sid := entry.sid(settings.names.sid)) is not None:
        uid = settings.sids.number(sid)
    if not uid or uid < 0:
        raise refused(name, "there is no POSIX number (uid)", "缺少 POSIX 编号（uid）")
    return uid


def _sid(entry: Entry, uid: int, settings: LdapSettings) -> str | None:
    """Return the SID that the directory tells, else the one that the number stands for."""
    return entry.sid(settings.names.sid) or (settings.sids.sid(uid) if settings.sids is not None else None)


def _gid(name: str, entry: Entry, settings: LdapSettings) -> int:
    gid = entry.number(settings.names.gid)
    if gid is None and settings.sids is not None:
        primary = entry.number("primaryGroupID")
        gid = settings.sids.number(f"{settings.sids.domain}-{primary}") if primary is not None else None
    if not gid or gid < 0:
        raise refused(name, "there is no primary group (gid)", "缺少主组（gid）")
    return gid


def _home(text: str | None) -> PurePosixPath | None:
    path = PurePosixPath(text) if text else None
    return path if path is not None and path.is_absolute() and ".." not in path.parts else None


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
