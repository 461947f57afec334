"""Quotas, pure: who holds what, which limits count for a start, and which one stands in its way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.resources import GPU_HOURS, is_gpu
from beamtorch_spawner.spoken import amount, clock_time, plain_amount, resource_name
from beamtorch_spawner.wire import EACH, QuotaScope


class QuotaExceededError(SpawnerError):
    """A quota has no room for the start."""

    code = "quota-exceeded"
    status = 403
    title = Words(en="A quota has no room for this", zh="配额不足")


@dataclass(frozen=True)
class Holding:
    """What one active lease counts for."""

    lease: str
    username: str
    groups: frozenset[str]
    beamline: str | None
    amounts: dict[str, int]
    expires_at: datetime | None

    def subjects(self, scope: QuotaScope) -> frozenset[str]:
        """Return for whom quotas of a scope count it."""
        return subjects(scope, username=self.username, groups=self.groups, beamline=self.beamline)


def subjects(scope: QuotaScope, *, username: str, groups: frozenset[str], beamline: str | None) -> frozenset[str]:
    """Return for whom quotas of a scope count what a person holds."""
    match scope:
        case QuotaScope.USER:
            return frozenset({username})
        case QuotaScope.GROUP:
            return groups
        case QuotaScope.BEAMLINE:
            return frozenset({beamline} if beamline is not None else ())
    return frozenset({""})


@dataclass(frozen=True)
class Limit:
    """A limit as the database keeps it; the amount in the whole numbers of `Resources.amounts`."""

    scope: QuotaScope
    subject: str
    resource: str
    most: int


@dataclass(frozen=True)
class Asking:
    """A start that wants room."""

    username: str
    groups: frozenset[str]
    beamline: str | None
    amounts: dict[str, int]
    displaces: str | None = None
    """A lease that will have ended before this one holds anything."""
    is_admin: bool = False


@dataclass(frozen=True)
class Shortage:
    """A limit without room."""

    limit: Limit
    used: int
    wanted: int
    by: dict[str, int]
    next_free_at: datetime | None

    @property
    def room(self) -> float:
        """How much of what is wanted would fit; the smallest is the tightest."""
        return (self.limit.most - self.used) / max(self.wanted, 1)


Month = Callable[[QuotaScope, str], int]
"""GPU-seconds that a subject used this month."""


@dataclass(frozen=True)
class Ledger:
    """Everything that is held now, and every limit."""

    holdings: tuple[Holding, ...]
    limits: tuple[Limit, ...]

    def applying(self, asking: Asking) -> Iterator[Limit]:
        """Give the limits that count for a start; an own limit of a subject replaces the one for each."""
        for scope, subject in _subjects(asking):
            own = {limit.resource: limit for limit in self.limits if (limit.scope, limit.subject) == (scope, subject)}
            each = {limit.resource: limit for limit in self.limits if (limit.scope, limit.subject) == (scope, EACH)}
            for resource, limit in sorted({**each, **own}.items()):
                yield Limit(scope, subject, resource, limit.most)

    def shortage(self, asking: Asking, month: Month) -> Shortage | None:
        """Return the tightest limit that has no room for a start, or None."""
        found = [short for limit in self.applying(asking) if (short := self._short(limit, asking, month))]
        return min(found, key=lambda short: short.room, default=None)

    def used(self, limit: Limit, *, without: str | None = None) -> dict[str, int]:
        """Return what each person holds of a limit's resource."""
        by: dict[str, int] = {}
        for holding in self._of(limit, without):
            by[holding.username] = by.get(holding.username, 0) + holding.amounts[limit.resource]
        return by

    def used_by_each(self, limit: Limit) -> dict[str, int]:
        """Return what those hold for whom a limit for each one counts: whoever has an own limit is not among them."""
        own = {one.subject for one in self.limits if (one.scope, one.resource) == (limit.scope, limit.resource)}
        everybody = {subject for holding in self.holdings for subject in holding.subjects(limit.scope)}
        sums = {name: sum(self.used(replace(limit, subject=name)).values()) for name in everybody - own}
        return {name: held for name, held in sums.items() if held}

    def _of(self, limit: Limit, without: str | None) -> Iterator[Holding]:
        for holding in self.holdings:
            counts = holding.amounts.get(limit.resource, 0) > 0 and limit.subject in holding.subjects(limit.scope)
            if counts and holding.lease != without:
                yield holding

    def _short(self, limit: Limit, asking: Asking, month: Month) -> Shortage | None:
        if limit.resource == GPU_HOURS:
            if not any(is_gpu(name) and count for name, count in asking.amounts.items()):
                return None
            used = month(limit.scope, limit.subject)
            return Shortage(limit, used, 1, {}, None) if used >= limit.most else None
        wanted = asking.amounts.get(limit.resource, 0)
        by = self.used(limit, without=asking.displaces)
        used = sum(by.values())
        if not wanted or used + wanted <= limit.most:
            return None
        return Shortage(limit, used, wanted, self._told(by, asking), self._next_free(limit, asking, used + wanted))

    def _told(self, by: dict[str, int], asking: Asking) -> dict[str, int]:
        """Name only those whom the asker may know: oneself, one's own groups, and everybody for an admin."""
        known = {h.username for h in self.holdings if h.groups & asking.groups} | {asking.username}
        return {name: held for name, held in by.items() if asking.is_admin or name in known}

    def _next_free(self, limit: Limit, asking: Asking, needed: int) -> datetime | None:
        over = needed - limit.most
        ending = [h for h in self._of(limit, asking.displaces) if h.expires_at is not None]
        for holding in sorted(ending, key=lambda h: (h.expires_at is None, h.expires_at)):
            over -= holding.amounts[limit.resource]
            if over <= 0:
                return holding.expires_at
        return None


def _subjects(asking: Asking) -> Iterator[tuple[QuotaScope, str]]:
    yield QuotaScope.USER, asking.username
    for group in sorted(asking.groups):
        yield QuotaScope.GROUP, group
    if asking.beamline:
        yield QuotaScope.BEAMLINE, asking.beamline
    yield QuotaScope.FACILITY, ""


def beyond(new: dict[str, int], old: dict[str, int]) -> dict[str, int]:
    """Return what a waiting lease adds to the one that it waits for."""
    return {name: max(0, count - old.get(name, 0)) for name, count in new.items()}


def refusal(short: Shortage, now: datetime) -> QuotaExceededError:
    """Return the refusal of a start in a sentence: which quota, how much is used, by whom, and when there is room."""
    limit, what = short.limit, resource_name(short.limit.resource)
    who = _owner(limit)
    used, most = amount(limit.resource, short.used), amount(limit.resource, limit.most)
    if limit.most < short.wanted and limit.resource != GPU_HOURS:
        wanted = amount(limit.resource, short.wanted)
        return _error(
            short,
            Words(
                en=f"{who.en} may hold {most} {what.en} at most, and this start wants {wanted}. Ask for less.",
                zh=f"{who.zh}最多可用 {most} {what.zh}，本次启动需要 {wanted}。请减少申请量。",
            ),
        )
    return _error(
        short,
        Words(
            en=f"{who.en} holds {used} of {most} {what.en}{_by(short, en=True)}. {_when(short, now).en}",
            zh=f"{who.zh}已用 {used}/{most} {what.zh}{_by(short, en=False)}。{_when(short, now).zh}",
        ),
    )


def _owner(limit: Limit) -> Words:
    match limit.scope:
        case QuotaScope.USER:
            return Words(en=f"Your account ({limit.subject})", zh=f"您的账户（{limit.subject}）")
        case QuotaScope.GROUP:
            return Words(en=f"Your group {limit.subject}", zh=f"您的课题组 {limit.subject}")
        case QuotaScope.BEAMLINE:
            return Words(en=f"The beamline {limit.subject}", zh=f"线站 {limit.subject}")
    return Words(en="The facility", zh="本设施")


def _by(short: Shortage, *, en: bool) -> str:
    if not short.by or short.limit.scope is QuotaScope.USER:
        return ""
    resource = short.limit.resource
    shown = [f"{name} {amount(resource, held)}" for name, held in sorted(short.by.items(), key=lambda kv: -kv[1])[:5]]
    return f" ({', '.join(shown)})" if en else f"（{'、'.join(shown)}）"


def _when(short: Shortage, now: datetime) -> Words:
    if short.limit.resource == GPU_HOURS:
        return Words(
            en="New hours come on the first of the month. Start without a GPU, or ask the facility.",
            zh="下月 1 日恢复。可不使用 GPU 启动，或联系设施人员。",
        )
    if short.next_free_at is None:
        return Words(
            en="Nobody's end is known yet. Stop a server that you do not need, or try again later.",
            zh="尚不知何时有空。请停止不需要的服务器，或稍后重试。",
        )
    at = clock_time(short.next_free_at, now)
    return Words(
        en=f"The next one is free about {at.en}, or as soon as a server stops.",
        zh=f"约 {at.zh} 有空，或有服务器停止时即可。",
    )


def _error(short: Shortage, detail: Words) -> QuotaExceededError:
    limit = short.limit
    return QuotaExceededError(
        detail,
        scope=limit.scope.value,
        subject=limit.subject,
        resource=limit.resource,
        limit=plain_amount(limit.resource, limit.most),
        used=plain_amount(limit.resource, short.used),
        wanted=plain_amount(limit.resource, short.wanted),
        by={name: plain_amount(limit.resource, held) for name, held in short.by.items()},
        next_free_at=short.next_free_at.isoformat() if short.next_free_at else None,
    )


def from_rows(rows: Iterable[tuple[str, str, str, int]]) -> tuple[Limit, ...]:
    """Return limits from what the database keeps."""
    return tuple(Limit(QuotaScope(scope), subject, resource, most) for scope, subject, resource, most in rows)
