"""Which process delivers for a webhook, and how far it got: every step holds only while its lease is its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Webhook


@dataclass(frozen=True, kw_only=True)
class Hook:
    """What a delivery needs to know of a webhook."""

    number: int
    owner: str
    url: str
    secret: str
    actions: tuple[str, ...]
    delivered: int
    failures: int
    failing_since: datetime | None
    leased_until: datetime | None = None
    """The lease under which this was written down; it also tells it from the leases of other processes."""


def due(session: Session, now: datetime) -> Sequence[Hook]:
    """Return the webhooks that nobody delivers for and that may be tried now."""
    rows = session.scalars(select(Webhook).where(*_free(now)).order_by(Webhook.number))
    return [
        Hook(
            number=row.number,
            owner=row.owner,
            url=row.url,
            secret=row.secret,
            actions=tuple(row.actions.split()),
            delivered=row.delivered,
            failures=row.failures,
            failing_since=row.failing_since,
        )
        for row in rows
    ]


def take(session: Session, hook: Hook, *, now: datetime, until: datetime) -> Hook | None:
    """Take the lease of a webhook as it was seen; None if somebody else did, or changed it."""
    same = (Webhook.url == hook.url, Webhook.actions == " ".join(hook.actions), Webhook.delivered == hook.delivered)
    is_taken = _set(session, hook.number, (*_free(now), *same), {"leased_until": until})
    return replace(hook, leased_until=until) if is_taken else None


def settle(session: Session, hook: Hook, **values: Any) -> bool:
    """Write down how a delivery went; False, and nothing, if the lease is no longer this process's own."""
    return _set(session, hook.number, (Webhook.leased_until == hook.leased_until,), values)


def skip(session: Session, hook: Hook, upto: int) -> None:
    """Move on past changes that are none of a webhook's business, unless somebody moved it meanwhile."""
    unmoved = (Webhook.delivered == hook.delivered, Webhook.leased_until.is_(None))
    _set(session, hook.number, unmoved, {"delivered": upto})


def _free(now: datetime) -> tuple[Any, ...]:
    return (
        Webhook.is_active,
        or_(Webhook.next_try_at.is_(None), Webhook.next_try_at <= now),
        or_(Webhook.leased_until.is_(None), Webhook.leased_until <= now),
    )


def _set(session: Session, number: int, conditions: Sequence[Any], values: Mapping[str, Any]) -> bool:
    done = session.execute(update(Webhook).where(Webhook.number == number, *conditions).values(values))
    assert isinstance(done, CursorResult)  # noqa: S101 - of every update
    return done.rowcount == 1
