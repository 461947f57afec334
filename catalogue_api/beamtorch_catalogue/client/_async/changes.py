"""What a program asks about changes, webhooks and keys: the part of `CatalogueClient` for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from datetime import datetime

import httpx

from beamtorch_catalogue.client._async.asking import Asking
from beamtorch_catalogue.client.asking import SILENCE_SECONDS, asked
from beamtorch_catalogue.client.errors import refusal
from beamtorch_catalogue.wire import (
    ChangeEvent,
    ChangePage,
    KeyRecord,
    KeyRequest,
    NewKey,
    NewWebhook,
    Scope,
    TrialOutcome,
    WebhookEdit,
    WebhookRecord,
    WebhookRequest,
)
from beamtorch_facility.dataset import DatasetId

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_MAY_COME_BACK = 500
"""From this status on the fault is the server's, and passes."""


class ChangesClient(Asking):
    """History, the event stream, webhooks and keys."""

    async def history(self, dataset: DatasetId | str, *, after: int | None = None, limit: int = 100) -> ChangePage:
        """Return what happened to a dataset, newest first; pass ``page.next`` as `after` for the next page."""
        path = f"datasets/{DatasetId(dataset)}/history"
        return await self._ask("GET", path, ChangePage, params=asked(after=after, limit=limit))

    async def changes(
        self,
        *,
        subject: str | None = None,
        subject_id: str | None = None,
        by: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> ChangePage:
        """Return what changed, for those who look after the facility or a beamline; a page may be short of `limit`."""
        wanted = asked(
            subject=subject,
            subject_id=subject_id,
            by=by,
            action=action,
            since=None if since is None else since.isoformat(),
            after=after,
            limit=limit,
            newest_first="true" if newest_first else None,
        )
        return await self._ask("GET", "changes", ChangePage, params=wanted)

    async def follow(self, after: int | None = None) -> AsyncIterator[ChangeEvent]:
        """Give committed changes as they happen, for ever; a connection that breaks is made again, and nothing missed.

        Parameters
        ----------
        after
            The last change that was seen; none: begin with the next one.

        Raises
        ------
        CatalogueRefusedError
            If the caller may not listen, or no longer.
        """
        place, pause = after, _FIRST_PAUSE
        while True:
            try:
                async with aclosing(_listen(self, place)) as heard:
                    async for told, event in heard:
                        place, pause = told, _FIRST_PAUSE
                        if event is not None:
                            yield event
            except httpx.HTTPError:
                pass
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def webhooks(self) -> list[WebhookRecord]:
        """Return the caller's webhooks."""
        return await self._ask("GET", "webhooks", list[WebhookRecord])

    async def webhook(self, number: int) -> WebhookRecord:
        """Return one webhook, and how its deliveries go."""
        return await self._ask("GET", f"webhooks/{number}", WebhookRecord)

    async def make_webhook(self, url: str, *, actions: Iterable[str] = (), after: int | None = None) -> NewWebhook:
        """Let a receiver be told of changes; the secret that it checks signatures with is in this answer alone."""
        wish = WebhookRequest(url=url, actions=tuple(actions), after=after)
        return await self._ask("POST", "webhooks", NewWebhook, body=wish)

    async def change_webhook(self, number: int, edit: WebhookEdit) -> WebhookRecord:
        """Change a webhook, let it try again, or send it back to an earlier change."""
        return await self._ask("PATCH", f"webhooks/{number}", WebhookRecord, body=edit)

    async def end_webhook(self, number: int) -> None:
        """Take a webhook away."""
        await self._send("DELETE", f"webhooks/{number}")

    async def test_webhook(self, number: int) -> TrialOutcome:
        """Send a test event now, and tell how it was received."""
        return await self._ask("POST", f"webhooks/{number}/test", TrialOutcome)

    async def keys(self) -> list[KeyRecord]:
        """Return the caller's keys, newest first."""
        return await self._ask("GET", "keys", list[KeyRecord])

    async def make_key(self, scopes: Iterable[Scope | str], *, expires_at: datetime, note: str = "") -> NewKey:
        """Make a key that acts in the caller's name, within its scopes; its text is in this answer alone."""
        wish = KeyRequest(scopes=tuple(map(Scope, scopes)), expires_at=expires_at, note=note)
        return await self._ask("POST", "keys", NewKey, body=wish)

    async def withdraw_key(self, number: int) -> None:
        """Withdraw a key."""
        await self._send("DELETE", f"keys/{number}")


async def _listen(client: Asking, place: int | None) -> AsyncGenerator[tuple[int, ChangeEvent | None], None]:
    """Give places and changes of one connection."""
    headers = {} if place is None else {"Last-Event-ID": str(place)}
    timeout = httpx.Timeout(SILENCE_SECONDS)
    async with client._http.stream("GET", "events", headers=headers, timeout=timeout) as answer:  # noqa: SLF001 - of its mixin
        if not answer.is_success:
            await answer.aread()
            if answer.status_code < _MAY_COME_BACK and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                raise refusal(answer)
            return
        async for told in _parsed(answer.aiter_lines()):
            yield told


async def _parsed(lines: AsyncIterable[str]) -> AsyncGenerator[tuple[int, ChangeEvent | None], None]:
    """Read server-sent events, as far as the catalogue uses them (HTML standard, section 9.2)."""
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
        elif not line and "id" in fields:
            data = fields.get("data")
            yield int(fields["id"]), None if data is None else ChangeEvent.model_validate_json(data)
            fields = {}
