"""Keys for programs: each acts in its owner's name, with what the directory lets the owner do now, cut to its scopes.

Of a key only the SHA-256 is kept. The key itself has 256 random bits, so nothing slower is needed against guessing,
and looking the digest up tells nothing by its time.
"""

import hashlib
import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.readers import Reader, Readers
from beamtorch_catalogue.stores.database import Database, DatabaseUnusableError
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import ApiKey
from beamtorch_catalogue.wire import KeyRecord, KeyRequest, NewKey, Scope
from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotSignedInError

log = logging.getLogger(__name__)

PREFIX = "btk_"
"""How every key begins, so that scanners of published code find one."""
MOST_PER_OWNER = 50
_USED_EVERY = timedelta(minutes=1)


class KeyRequestRefusedError(CatalogueError):
    """A key that its owner cannot have."""

    code = "key-refused"
    status = 422
    exit_code = 2
    title = Words(en="This key is not possible", zh="无法创建此密钥")


class NoSuchKeyError(CatalogueError):
    """No key of that number, or somebody else's."""

    code = "no-such-key"
    status = 404
    exit_code = 6
    title = Words(en="You have no such key", zh="您没有此密钥")


class KeyUnknownError(NotSignedInError):
    """A key that was never given out."""

    code = "key-unknown"


class KeyExpiredError(NotSignedInError):
    """A key whose time is over."""

    code = "key-expired"


class KeyRevokedError(NotSignedInError):
    """A key that was withdrawn."""

    code = "key-revoked"


class Keys:
    """Makes keys, knows them again, and withdraws them."""

    def __init__(self, *, database: Database, readers: Readers, clock: Clock, longest_days: int) -> None:
        self._database, self._readers, self._clock = database, readers, clock
        self._longest = timedelta(days=longest_days)

    def reader(self, key: str) -> Reader:
        """Return whom a key stands for, with rights cut to its scopes.

        Raises
        ------
        KeyUnknownError
            If nobody was given this key.
        KeyRevokedError
            If it was withdrawn.
        KeyExpiredError
            If its time is over.
        NotYourServiceError
            If the directory does not know its owner any more.
        PersonRefusedError
            If its owner's account is locked, or cannot be used.
        """
        now = self._clock.now()
        with self._database.reading() as session:
            row = session.scalar(select(ApiKey).where(ApiKey.digest == _digest(key)))
        if row is None:
            raise KeyUnknownError(_unknown())
        if row.revoked_at is not None:
            raise KeyRevokedError(_over(row.number, "was withdrawn", "已被撤销"))
        if row.expires_at <= now:
            raise KeyExpiredError(_over(row.number, "has expired", "已过期"))
        owner = self._readers.reader(Caller(name=row.owner, kind="user", is_admin=False, scopes=frozenset()))
        self._note_use(row, now)
        scopes = frozenset(map(Scope, row.scopes.split()))
        return replace(owner, scopes=scopes, may_ingest=owner.may_ingest and Scope.INGEST in scopes)

    def make(self, reader: Reader, wish: KeyRequest) -> NewKey:
        """Make a key for the person who asks, and return it with its text.

        Raises
        ------
        KeyRequestRefusedError
            If it would do more than they may, last too long, or be one too many.
        """
        owner, now = reader.person.username, self._clock.now()
        scopes = tuple(scope for scope in Scope if scope in wish.scopes)
        self._check(reader, scopes, wish.expires_at, now)
        key = PREFIX + secrets.token_urlsafe(32)
        row = ApiKey(
            owner=owner,
            note=wish.note,
            digest=_digest(key),
            scopes=" ".join(scopes),
            created_at=now,
            expires_at=wish.expires_at,
        )
        with self._database.writing() as session:
            valid = [ApiKey.owner == owner, ApiKey.revoked_at.is_(None), ApiKey.expires_at > now]
            if (session.scalar(select(func.count()).select_from(ApiKey).where(*valid)) or 0) >= MOST_PER_OWNER:
                raise _too_many()
            session.add(row)
            session.flush()
            record = _record(row)
            note(session, [_noted(record, "created")], by=owner, at=now)
        return NewKey(**dict(record), key=key)

    def keys(self, reader: Reader) -> list[KeyRecord]:
        """Return the keys of the person who asks, newest first; those of everybody to an admin."""
        with self._database.reading() as session:
            rows = session.scalars(select(ApiKey).where(*_theirs(reader)).order_by(ApiKey.number.desc()))
            return [_record(row) for row in rows]

    def withdraw(self, reader: Reader, number: int) -> None:
        """Withdraw a key; again changes nothing. Raise `NoSuchKeyError` for somebody else's, unless to an admin."""
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.scalar(select(ApiKey).where(ApiKey.number == number, *_theirs(reader)).with_for_update())
            if row is None:
                raise NoSuchKeyError(
                    Words(
                        en=f"You have no key {number}. “beamtorch catalogue keys” lists yours.",
                        zh=f"您没有编号为 {number} 的密钥。beamtorch catalogue keys 可列出您的密钥。",
                    )
                )
            if row.revoked_at is None:
                row.revoked_at = now
                note(session, [_noted(_record(row), "withdrawn")], by=reader.name, at=now)

    def _check(self, reader: Reader, scopes: tuple[Scope, ...], expires_at: datetime, now: datetime) -> None:
        allowed = {Scope.READ, Scope.REGISTER, Scope.EDIT}
        allowed |= {Scope.INGEST} if reader.may_ingest else set()
        allowed |= {Scope.ADMIN} if reader.person.is_admin or reader.person.staffed_beamlines else set()
        if beyond := [scope.value for scope in scopes if scope not in allowed]:
            raise KeyRequestRefusedError(
                Words(
                    en=f"You may not do what {' and '.join(beyond)} stands for, so no key of yours may. "
                    f"Yours are: {', '.join(scope.value for scope in Scope if scope in allowed)}.",
                    zh=f"您没有 {'、'.join(beyond)} 权限，您的密钥也不能拥有。"
                    f"可用权限：{'、'.join(scope.value for scope in Scope if scope in allowed)}。",
                )
            )
        if not now < expires_at <= now + self._longest:
            days = self._longest.days
            raise KeyRequestRefusedError(
                Words(
                    en=f"A key has to end after now and within {days} days. Choose another expires_at.",
                    zh=f"密钥的到期时间必须晚于现在且不超过 {days} 天。请更改 expires_at。",
                )
            )

    def _note_use(self, row: ApiKey, now: datetime) -> None:
        if row.used_at is not None and now - row.used_at < _USED_EVERY:
            return
        longer_ago = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= now - _USED_EVERY)
        try:
            with self._database.writing() as session:
                session.execute(update(ApiKey).where(ApiKey.number == row.number, longer_ago).values(used_at=now))
        except DatabaseUnusableError:
            # Who may read, reads; that the use is not written down is no reason to refuse.
            log.warning("the use of key %d could not be noted", row.number)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _theirs(reader: Reader) -> list[ColumnElement[bool]]:
    person = reader.person
    return [] if person.is_admin else [ApiKey.owner == person.username]


def _record(row: ApiKey) -> KeyRecord:
    return KeyRecord(
        number=row.number,
        owner=row.owner,
        note=row.note,
        scopes=tuple(map(Scope, row.scopes.split())),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )


def _noted(record: KeyRecord, action: str) -> Noted:
    told = {"owner": record.owner, "note": record.note, "scopes": list(record.scopes), "expires_at": record.expires_at}
    is_new = action == "created"
    return Noted(
        subject="key",
        subject_id=str(record.number),
        action=action,
        version=1 if is_new else 2,
        before=None if is_new else told,
        after=told if is_new else None,
    )


def _unknown() -> Words:
    return Words(
        en="This key is unknown. Check that it was copied whole; “beamtorch catalogue keys make” makes a new one.",
        zh="密钥无效。请检查是否完整复制；beamtorch catalogue keys make 可创建新密钥。",
    )


def _over(number: int, en: str, zh: str) -> Words:
    return Words(
        en=f"Key {number} {en}. Make a new one: beamtorch catalogue keys make.",
        zh=f"{number} 号密钥{zh}。请用 beamtorch catalogue keys make 创建新密钥。",
    )


def _too_many() -> KeyRequestRefusedError:
    return KeyRequestRefusedError(
        Words(
            en=f"You have {MOST_PER_OWNER} keys that are still good. Withdraw one that you do not need.",
            zh=f"您已有 {MOST_PER_OWNER} 个有效密钥。请先撤销不再需要的密钥。",
        )
    )
