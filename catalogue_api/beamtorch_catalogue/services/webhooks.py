"""Who is told of changes over HTTP: made, changed and taken away by those who look after a beamline or the facility."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.paging import BadPageError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.targets import NotDeliveredError, TargetRefusedError, Targets
from beamtorch_catalogue.stores import outbox
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Webhook
from beamtorch_catalogue.webhooks import SIGNATURE, sign
from beamtorch_catalogue.wire import (
    ChangeEvent,
    Delivery,
    NewWebhook,
    TrialOutcome,
    WebhookEdit,
    WebhookRecord,
    WebhookRequest,
)
from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words

SECRET_PREFIX = "btw_"  # noqa: S105 - the beginning that all share
MOST_PER_OWNER = 20


class NoWebhooksError(CatalogueError):
    """Somebody who looks after nothing."""

    code = "no-webhooks"
    status = 403
    exit_code = 6
    title = Words(en="Not for you", zh="无权使用")


class NoSuchWebhookError(CatalogueError):
    """No webhook of that number, or somebody else's."""

    code = "no-such-webhook"
    status = 404
    exit_code = 6
    title = Words(en="You have no such webhook", zh="您没有此回调")


class TooManyWebhooksError(CatalogueError):
    """One more than one owner can have."""

    code = "too-many-webhooks"
    status = 422
    title = Words(en="Too many webhooks", zh="回调过多")


class Webhooks:
    """Keeps the list of webhooks."""

    def __init__(self, *, database: Database, targets: Targets, clock: Clock) -> None:
        self._database, self._targets, self._clock = database, targets, clock

    def webhooks(self, reader: Reader) -> list[WebhookRecord]:
        """Return the webhooks of the person who asks; everybody's to an admin."""
        with self._database.reading() as session:
            rows = session.scalars(select(Webhook).where(*_theirs(reader)).order_by(Webhook.number))
            return [_record(row) for row in rows]

    def webhook(self, reader: Reader, number: int) -> WebhookRecord:
        """Return one; raise `NoSuchWebhookError` if it is neither theirs nor are they an admin."""
        with self._database.reading() as session:
            return _record(_find(session, reader, number))

    async def make(self, reader: Reader, wish: WebhookRequest) -> NewWebhook:
        """Begin to tell somebody of changes, and return the secret that signs them.

        Raises
        ------
        NoWebhooksError
            For somebody who looks after neither a beamline nor the facility.
        TargetRefusedError
            If no webhook may go there.
        """
        _theirs(reader)
        await self._targets.check(wish.url)
        return await run_in_threadpool(self._make, reader, wish)

    async def change(self, reader: Reader, number: int, edit: WebhookEdit) -> WebhookRecord:
        """Change a webhook, or let it try again; errors as in `make` and `webhook`."""
        await run_in_threadpool(self.webhook, reader, number)
        if edit.url is not None:
            await self._targets.check(edit.url)
        return await run_in_threadpool(self._change, reader, number, edit)

    def end(self, reader: Reader, number: int) -> None:
        """Take a webhook away; raise `NoSuchWebhookError` if it is neither theirs nor are they an admin."""
        with self._database.writing() as session:
            row = _find(session, reader, number, to_change=True)
            told = _told(row)
            session.delete(row)
            _note(session, row, "deleted", reader.name, self._clock, before=told)

    async def test(self, reader: Reader, number: int) -> TrialOutcome:
        """Send an event of number 0 at once, and tell how it was received."""
        url, secret = await run_in_threadpool(self._way, reader, number)
        event = ChangeEvent(
            id=0,
            at=self._clock.now(),
            by=reader.name,
            subject="webhook",
            subject_id=str(number),
            action="test",
            version=0,
        )
        body = Delivery(webhook=number, events=(event,), is_test=True).model_dump_json().encode()
        try:
            await self._targets.deliver(url, body, headers_of(body, secret, self._clock))
        except (NotDeliveredError, TargetRefusedError) as error:
            return TrialOutcome(is_delivered=False, problem=error.detail)
        return TrialOutcome(is_delivered=True, problem=None)

    def _way(self, reader: Reader, number: int) -> tuple[str, str]:
        with self._database.reading() as session:
            row = _find(session, reader, number)
            return row.url, row.secret

    def _make(self, reader: Reader, wish: WebhookRequest) -> NewWebhook:
        owner, secret = reader.person.username, SECRET_PREFIX + secrets.token_urlsafe(32)
        with self._database.writing() as session:
            theirs = select(func.count()).select_from(Webhook).where(Webhook.owner == owner)
            if (session.scalar(theirs) or 0) >= MOST_PER_OWNER:
                raise TooManyWebhooksError(
                    Words(
                        en=f"You have {MOST_PER_OWNER} webhooks already. Delete one first.",
                        zh=f"您已有 {MOST_PER_OWNER} 个回调。请先删除一个。",
                    )
                )
            row = Webhook(
                owner=owner,
                url=wish.url,
                secret=secret,
                actions=" ".join(sorted(set(wish.actions))),
                created_at=self._clock.now(),
                delivered=_place(session, wish.after),
                failures=0,
                is_active=True,
            )
            session.add(row)
            session.flush()
            _note(session, row, "created", reader.name, self._clock, after=_told(row))
            return NewWebhook(**dict(_record(row)), secret=secret)

    def _change(self, reader: Reader, number: int, edit: WebhookEdit) -> WebhookRecord:
        with self._database.writing() as session:
            row = _find(session, reader, number, to_change=True)
            before = _told(row)
            if edit.url is not None:
                row.url = edit.url
            if edit.actions is not None:
                row.actions = " ".join(sorted(set(edit.actions)))
            if edit.after is not None:
                row.delivered = _place(session, edit.after)
            if edit.is_active is not None:
                row.is_active = edit.is_active
            if edit.is_active or edit.url is not None:
                row.failures, row.failing_since, row.next_try_at, row.last_error = 0, None, None, None
            # Whoever delivers right now holds what was true before, and has to look again.
            row.leased_until = None
            _note(session, row, "updated", reader.name, self._clock, before=before, after=_told(row))
            session.flush()
            return _record(row)


def may_have_webhooks(reader: Reader) -> bool:
    """Tell whether somebody looks after a beamline or the facility."""
    return reader.identity is not None and (reader.identity.is_admin or bool(reader.identity.staffed_beamlines))


def headers_of(body: bytes, secret: str, clock: Clock) -> dict[str, str]:
    """Return the headers of a delivery."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Beamtorch-Catalogue",
        SIGNATURE: sign(body, secret, clock.now().timestamp()),
    }


def origin(url: str) -> str:
    """Return an address as logs and the history may hold it: its path may be a secret of the receiver."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}/"


def _find(session: Session, reader: Reader, number: int, *, to_change: bool = False) -> Webhook:
    found = select(Webhook).where(Webhook.number == number, *_theirs(reader))
    row = session.scalar(found.with_for_update() if to_change else found)
    if row is None:
        raise NoSuchWebhookError(
            Words(
                en=f"You have no webhook {number}. “beamtorch catalogue webhooks” lists yours.",
                zh=f"您没有编号为 {number} 的回调。beamtorch catalogue webhooks 可列出您的回调。",
            )
        )
    return row


def _theirs(reader: Reader) -> list[ColumnElement[bool]]:
    person = reader.person
    if not may_have_webhooks(reader):
        raise NoWebhooksError(
            Words(
                en="Webhooks are for beamline staff and those who run the facility. Follow changes at events instead.",
                zh="回调仅供线站人员和设施管理人员使用。您可通过 events 关注变更。",
            )
        )
    return [] if person.is_admin else [Webhook.owner == person.username]


def _place(session: Session, after: int | None) -> int:
    newest = outbox.newest(session)
    if after is not None and after > newest:
        raise BadPageError(
            Words(
                en=f"There is no change {after} yet; the newest is {newest}. Leave “after” out to begin with the next.",
                zh=f"尚无编号为 {after} 的变更，最新为 {newest}。省略 after 则从下一个变更开始。",
            )
        )
    return newest if after is None else after


def _told(row: Webhook) -> dict[str, Any]:
    return {"owner": row.owner, "url": origin(row.url), "actions": row.actions.split(), "is_active": row.is_active}


def _note(
    session: Session,
    row: Webhook,
    action: str,
    by: str,
    clock: Clock,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    noted = Noted(subject="webhook", subject_id=str(row.number), action=action, before=before, after=after)
    note(session, [noted], by=by, at=clock.now())


def _record(row: Webhook) -> WebhookRecord:
    return WebhookRecord(
        number=row.number,
        owner=row.owner,
        url=row.url,
        actions=tuple(row.actions.split()),
        created_at=row.created_at,
        delivered=row.delivered,
        is_active=row.is_active,
        failures=row.failures,
        failing_since=row.failing_since,
        next_try_at=row.next_try_at,
        problem=None if row.last_error is None else Words(**json.loads(row.last_error)),
    )
