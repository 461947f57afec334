"""Tells webhooks what changed: in order, at least once each, by one process at a time.

A webhook's place moves only after its receiver confirmed, in the database that the changes are in. Whatever dies in
between, the next process goes on from there, and a receiver drops what it has seen by the numbers of the events.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.outbox import Heard, Outbox
from beamtorch_catalogue.services.readers import Reader, Readers
from beamtorch_catalogue.services.targets import NotDeliveredError, TargetRefusedError, Targets
from beamtorch_catalogue.services.to_the_end import to_the_end
from beamtorch_catalogue.services.webhooks import headers_of, may_have_webhooks
from beamtorch_catalogue.stores import webhook_leases as leases
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.webhook_leases import Hook
from beamtorch_catalogue.wire import Delivery
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import PersonRefusedError
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotYourServiceError

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
MOST_AT_ONCE = 100
"""Events in one request. After a failure it is half as many each time, so that one that is refused stands alone."""
MOST_IN_A_TURN = 50
"""Requests before others get their turn."""
MOST_TURNS = 8
_LEASE_MARGIN = timedelta(seconds=2)
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(hours=1)
_SKIP_AFTER = 5000
"""Changes that are nobody's business before that is written down; until then it is remembered."""


class _OwnerLeftError(CatalogueError):
    """The owner of a webhook may have none any more."""


class Deliveries:
    """Delivers, until stopped."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        readers: Readers,
        targets: Targets,
        clock: Clock,
        settings: ChangeSettings,
        chance: Callable[[], float] = random.random,  # noqa: S311 - spreads tries, keeps no secret
    ) -> None:
        self._database, self._outbox, self._readers, self._targets = database, outbox, readers, targets
        self._clock, self._chance = clock, chance
        self._seconds = timedelta(seconds=settings.webhook_seconds)
        self._give_up = timedelta(days=settings.webhook_days)
        self._turns: dict[int, asyncio.Task[None]] = {}
        self._nothing: dict[int, Heard] = {}
        """By webhook: from its place to here nothing was for it."""
        self._leased: dict[int, Hook] = {}
        self._room = asyncio.Semaphore(MOST_TURNS)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End now, and let another process go on at once; what is on its way is delivered again."""
        for task in (self._task, *self._turns.values()):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        for hook in self._leased.values():
            with contextlib.suppress(BeamtorchError):
                await to_the_end(self._settle, hook, leased_until=None)

    async def look(self) -> None:
        """Begin a turn for every webhook that is due and has none."""
        for hook, newest in await to_the_end(self._due):
            if hook.number not in self._turns and self._place(hook) < newest:
                self._turns[hook.number] = asyncio.create_task(self._turn(hook))

    async def rest(self) -> None:
        """Wait until no turn is under way."""
        while self._turns:
            await asyncio.wait(list(self._turns.values()))

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except BeamtorchError as error:
                log.warning("webhooks wait: %s", error)
            except Exception:
                log.exception("a fault in the webhooks")
            await asyncio.sleep(TICK_SECONDS)

    async def _turn(self, hook: Hook) -> None:
        async with self._room:
            try:
                await self._deliver(hook)
            except _OwnerLeftError as error:
                await to_the_end(self._end, hook, error.detail)
            except BeamtorchError as error:
                log.warning("webhook %d waits: %s", hook.number, error)
            except Exception:
                log.exception("a fault in webhook %d", hook.number)
            finally:
                self._turns.pop(hook.number, None)

    async def _deliver(self, hook: Hook) -> None:
        reader = await to_the_end(self._reader, hook)
        heard = await to_the_end(self._heard, hook, reader, self._place(hook))
        if not heard.events:
            await to_the_end(self._skip, hook, heard)
            return
        mine = await to_the_end(self._take, hook)
        for _ in range(MOST_IN_A_TURN):
            if mine is None or not heard.events:
                break
            self._leased[hook.number] = mine
            mine = await self._send(mine, heard)
            if mine is not None:
                heard = await to_the_end(self._heard, mine, reader, mine.delivered)
        self._leased.pop(hook.number, None)
        if mine is not None:
            await to_the_end(self._settle, mine, leased_until=None)

    async def _send(self, hook: Hook, heard: Heard) -> Hook | None:
        """Deliver once; return the webhook with its lease to go on with, or None to stop."""
        body = Delivery(webhook=hook.number, events=heard.events).model_dump_json().encode()
        try:
            await self._targets.deliver(hook.url, body, headers_of(body, hook.secret, self._clock))
        except (NotDeliveredError, TargetRefusedError) as error:
            is_gone = isinstance(error, NotDeliveredError) and error.is_gone
            await to_the_end(self._failed, hook, error.detail, is_gone=is_gone)
            return None
        until = self._until(self._clock.now())
        good = {"failures": 0, "failing_since": None, "next_try_at": None, "last_error": None}
        if not await to_the_end(self._settle, hook, delivered=heard.upto, leased_until=until, **good):
            return None
        return replace(hook, delivered=heard.upto, leased_until=until, failures=0, failing_since=None)

    def _due(self) -> list[tuple[Hook, int]]:
        newest = self._outbox.newest()
        with self._database.reading() as session:
            return [(hook, newest) for hook in leases.due(session, self._clock.now())]

    def _place(self, hook: Hook) -> int:
        known = self._nothing.get(hook.number)
        return known.upto if known is not None and known.since == hook.delivered else hook.delivered

    def _heard(self, hook: Hook, reader: Reader, after: int) -> Heard:
        return self._outbox.since(
            reader, after, limit=max(1, MOST_AT_ONCE >> min(hook.failures, 16)), actions=hook.actions
        )

    def _skip(self, hook: Hook, heard: Heard) -> None:
        self._nothing[hook.number] = replace(heard, since=hook.delivered)
        if heard.upto - hook.delivered >= _SKIP_AFTER:
            with self._database.writing() as session:
                leases.skip(session, hook, heard.upto)

    def _take(self, hook: Hook) -> Hook | None:
        now = self._clock.now()
        with self._database.writing() as session:
            return leases.take(session, hook, now=now, until=self._until(now))

    def _until(self, now: datetime) -> datetime:
        return now + self._seconds + _LEASE_MARGIN

    def _settle(self, hook: Hook, **values: object) -> bool:
        with self._database.writing() as session:
            return leases.settle(session, hook, **values)

    def _failed(self, hook: Hook, why: Words, *, is_gone: bool) -> None:
        now = self._clock.now()
        since = hook.failing_since or now
        is_over = is_gone or now - since >= self._give_up
        pause = min(_FIRST_PAUSE * 2 ** min(hook.failures, 20), _LONGEST_PAUSE) * (0.5 + self._chance() / 2)
        with self._database.writing() as session:
            is_mine = leases.settle(
                session,
                hook,
                failures=hook.failures + 1,
                failing_since=since,
                next_try_at=now + pause,
                last_error=_document(why),
                is_active=not is_over,
                leased_until=None,
            )
            if is_over and is_mine:
                self._note_end(session, hook, why, now)
        log.warning("webhook %d %s: %s", hook.number, "is given up" if is_over else "failed", why.en)

    def _end(self, hook: Hook, why: Words) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            mine = leases.take(session, hook, now=now, until=now)
            if mine and leases.settle(session, mine, is_active=False, last_error=_document(why), leased_until=None):
                self._note_end(session, hook, why, now)

    @staticmethod
    def _note_end(session: Session, hook: Hook, why: Words, now: datetime) -> None:
        before, after = {"is_active": True}, {"is_active": False, "reason": why.en, "reason_zh": why.zh}
        noted = Noted(subject="webhook", subject_id=str(hook.number), action="given-up", before=before, after=after)
        note(session, [noted], by="catalogue", at=now)

    def _reader(self, hook: Hook) -> Reader:
        """Return the owner with the rights of this moment."""
        try:
            reader = self._readers.reader(
                Caller(name=hook.owner, kind="user", is_admin=False, scopes=frozenset()),
            )
        except (NotYourServiceError, PersonRefusedError) as error:
            raise _OwnerLeftError(error.detail) from error
        if not may_have_webhooks(reader):
            raise _OwnerLeftError(
                Words(
                    en=f"Its owner {hook.owner} looks after neither a beamline nor the facility any more.",
                    zh=f"其所有者 {hook.owner} 已不再是线站人员或设施管理人员。",
                )
            )
        return reader


def _document(why: Words) -> str:
    return json.dumps({"en": why.en, "zh": why.zh}, ensure_ascii=False)
