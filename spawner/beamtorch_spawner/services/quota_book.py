"""Quotas as people see and set them."""

from collections.abc import Callable

from beamtorch_facility.clock import Clock
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.resources import CORES, GPU_HOURS, MEMORY, SERVERS, Resources, amount_of
from beamtorch_spawner.services.quotas import Asking, Ledger, Limit
from beamtorch_spawner.services.room import gpu_seconds, gpu_seconds_of_each, read_ledger
from beamtorch_spawner.spoken import amount, plain_amount, resource_name
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import QuotaRow
from beamtorch_spawner.wire import EACH, Quota, QuotaScope, QuotaUse


class MalformedQuotaError(SpawnerError):
    """A quota that cannot be one."""

    code = "malformed-quota"
    status = 422
    title = Words(en="This cannot be a quota", zh="配额无效")


class UnknownQuotaError(SpawnerError):
    """A quota that does not exist."""

    code = "unknown-quota"
    status = 404
    title = Words(en="There is no such quota", zh="没有此配额")


class QuotaBook:
    """Limits as the doors need them."""

    def __init__(self, *, database: Database, clock: Clock, groups: Callable[[str], tuple[str, ...]]) -> None:
        self._database = database
        self._clock = clock
        self._groups = groups

    def everything(self) -> list[QuotaUse]:
        """Return every limit as it was set, with what is used of it; for each one of all: the most that one uses."""
        with self._database.reading() as stores:
            ledger = read_ledger(stores)
            return [self._use(stores, ledger, limit, is_admin=True, asker="") for limit in ledger.limits]

    def counting_for(self, username: str, *, asker: str, is_admin: bool) -> list[QuotaUse]:
        """Return the limits that count for a person's starts."""
        groups = frozenset(self._groups(username))
        with self._database.reading() as stores:
            ledger = read_ledger(stores)
            asking = Asking(username, groups, None, Resources().amounts(), is_admin=is_admin)
            return [
                self._use(stores, ledger, limit, is_admin=is_admin, asker=asker, groups=groups)
                for limit in ledger.applying(asking)
            ]

    def put(self, quota: Quota, *, actor: str) -> QuotaUse:
        """Set a limit.

        Raises
        ------
        MalformedQuotaError
            If there is no such resource, or the limit is no number for it.
        """
        limit = _checked(quota)
        with self._database.admitting() as stores:
            now = self._clock.now()
            stores.quotas.put(
                QuotaRow(
                    scope=limit.scope.value,
                    subject=limit.subject,
                    resource=limit.resource,
                    limit=limit.most,
                    changed_at=now,
                    changed_by=actor,
                )
            )
            stores.audit.of_facility("quota-set", actor=actor, at=now, detail=_told(limit))
            return self._use(stores, read_ledger(stores), limit, is_admin=True, asker=actor)

    def lift(self, scope: QuotaScope, subject: str, resource: str, *, actor: str) -> None:
        """Lift a limit; raises `UnknownQuotaError` if there is none."""
        with self._database.admitting() as stores:
            row = stores.quotas.find(scope.value, subject, resource)
            if row is None:
                raise UnknownQuotaError(
                    Words(
                        en=f"There is no quota on {resource[:60]} for {scope} {subject[:60]}. GET quotas lists them.",
                        zh=f"{scope} {subject[:60]} 没有关于 {resource[:60]} 的配额。可用 GET quotas 查看。",
                    )
                )
            stores.quotas.remove(row)
            limit = Limit(scope, subject, resource, row.limit)
            stores.audit.of_facility("quota-lifted", actor=actor, at=self._clock.now(), detail=_told(limit))

    def _use(
        self,
        stores: Stores,
        ledger: Ledger,
        limit: Limit,
        *,
        is_admin: bool,
        asker: str,
        groups: frozenset[str] = frozenset(),
    ) -> QuotaUse:
        is_hours, is_each, by = limit.resource == GPU_HOURS, limit.subject == EACH, dict[str, int]()
        if is_each:
            by = gpu_seconds_of_each(stores, limit.scope, self._clock.now()) if is_hours else ledger.used_by_each(limit)
            used = max(by.values(), default=0)
        elif is_hours:
            used = gpu_seconds(stores, limit.scope, limit.subject, self._clock.now())
        else:
            by = ledger.used(limit)
            used = sum(by.values())
        known = {holding.username for holding in ledger.holdings if holding.groups & groups} | {asker}
        return QuotaUse(
            scope=limit.scope,
            subject=limit.subject,
            resource=limit.resource,
            limit=plain_amount(limit.resource, limit.most),
            used=plain_amount(limit.resource, used),
            by={name: plain_amount(limit.resource, held) for name, held in by.items() if is_admin or name in known},
        )


def _checked(quota: Quota) -> Limit:
    resource = quota.resource
    try:
        if resource not in {CORES, MEMORY, SERVERS, GPU_HOURS}:
            # Raises for what Kubernetes would not take as a name.
            Resources(extended={resource: 1})
        most = amount_of(resource, quota.limit)
    except (BeamtorchError, ArithmeticError, ValueError, TypeError) as error:
        raise MalformedQuotaError(
            Words(
                en=f"“{quota.limit}” of “{resource[:60]}” cannot be a quota. Resources are cores, memory (200G), "
                "servers, gpu-hours, and names such as nvidia.com/gpu.",
                zh=f"“{resource[:60]}”的“{quota.limit}”不能作为配额。资源可为 cores、memory（如 200G）、servers、"
                "gpu-hours，或 nvidia.com/gpu 等名称。",
            )
        ) from error
    if not 0 <= most < 2**62:
        raise MalformedQuotaError(
            Words(en="A quota is zero or more, and below 4 EiB.", zh="配额应不小于 0，且小于 4 EiB。")
        )
    is_facility = quota.scope is QuotaScope.FACILITY
    if is_facility == bool(quota.subject):
        raise MalformedQuotaError(
            Words(
                en="A quota of the facility has no subject; every other one names its user, group or beamline, or “*”.",
                zh="设施配额不带主体；其他配额须指明用户、组或线站，或用“*”表示每一个。",
            )
        )
    return Limit(quota.scope, quota.subject, resource, most)


def _told(limit: Limit) -> Words:
    most, what = amount(limit.resource, limit.most), resource_name(limit.resource)
    subject = f" {limit.subject}" if limit.subject else ""
    return Words(en=f"{limit.scope}{subject}: {most} {what.en}", zh=f"{limit.scope}{subject}：{most} {what.zh}")
