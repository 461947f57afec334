"""The topics of `beamtorch admin`: options in, calls of the spawner API, lines out."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from beamtorch_facility.proposal import BeamlineId
from beamtorch_facility.words import Words
from beamtorch_hub.administration.table import as_json, table
from beamtorch_hub.errors import PlatformError
from beamtorch_spawner.client import SpawnerClient
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.resources import amount_of
from beamtorch_spawner.spoken import amount, clock_time, duration
from beamtorch_spawner.wire import Lease, Protection, Quota, QuotaScope, TerminalInfo

Options = argparse.Namespace
NONE = "–"


class NotConfirmedError(PlatformError):
    """Something would end, and nobody said yes."""

    code = "not-confirmed"
    exit_code = 4
    title = Words(en="Nothing was ended", zh="未结束任何内容")


def confirm(options: Options, question: str) -> bool:
    """Return whether to go on with what ends something: after a look (--dry-run) never, else when somebody agrees."""
    if options.dry_run:
        print(f"would: {question}")
        return False
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise NotConfirmedError(
            Words(
                en=f"{question} Say --yes, or --dry-run to look first.",
                zh=f"{question} 请加 --yes 确认，或用 --dry-run 先查看。",
            )
        )
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def users(client: SpawnerClient, options: Options) -> None:
    """Print who there is."""
    page = client.users()
    if options.json:
        print(as_json(page.users))
        return
    rows = [
        (
            user.username,
            user.full_name.en if user.full_name else NONE,
            NONE if user.uid is None else str(user.uid),
            str(user.servers or NONE),
            "yes" if user.at_hub else "no",
            " ".join(user.groups) or NONE,
        )
        for user in page.users
    ]
    print(table(("user", "name", "uid", "servers", "signed in once", "groups"), rows, right=frozenset({2, 3})))


def pods(client: SpawnerClient, options: Options) -> None:
    """Print what runs, for whom, with what, until when."""
    _print_leases(client.leases(active=True, limit=500, username=options.user), options)


def leases(client: SpawnerClient, options: Options) -> None:
    """Print leases, newest first, or extend or end one."""
    if options.verb == "extend":
        lease = client.extend(options.lease, options.seconds)
        now = datetime.now(UTC)
        print(f"{_called(lease)} ends {clock_time(lease.expires_at, now).en} now" if lease.expires_at else "extended")
    elif options.verb == "end":
        lease = client.lease(options.lease)
        if confirm(options, f"End {_called(lease)} ({lease.state}, since {_since(lease)})?"):
            client.end(options.lease)
            print(f"{_called(lease)} is being ended")
    else:
        _print_leases(client.leases(limit=options.limit, username=options.user), options)


def _print_leases(found: Sequence[Lease], options: Options) -> None:
    if options.json:
        print(as_json(found))
        return
    now = datetime.now(UTC)
    rows = [
        (
            one.username,
            one.server or DEFAULT_SERVER,
            one.environment or NONE,
            one.state.value,
            amount("cores", one.resources.amounts()["cores"]),
            amount("memory", one.resources.memory),
            str(one.resources.gpus or NONE),
            one.terminal or NONE,
            clock_time(one.expires_at, now).en if one.expires_at and one.state.is_active else NONE,
            duration((one.expires_at - now).total_seconds()).en if one.expires_at and one.state.is_active else NONE,
            one.id[:12],
        )
        for one in found
    ]
    heads = ("user", "server", "environment", "state", "cores", "memory", "GPU", "terminal", "until", "left", "lease")
    print(table(heads, rows, right=frozenset({4, 5, 6})) if rows else "Nothing runs.")


def quotas(client: SpawnerClient, options: Options) -> None:
    """Print limits and what is used of them, set one, or lift one."""
    if options.verb == "set":
        use = client.set_quota(
            Quota(scope=options.scope, subject=options.subject, resource=options.resource, limit=options.limit)
        )
        print(
            f"{use.scope} {use.subject}: {use.resource} {_amount(use.resource, use.limit)} at most".replace(" :", ":")
        )
    elif options.verb == "lift":
        client.lift_quota(QuotaScope(options.scope), options.subject, options.resource)
        print("lifted; it counts from the next start on")
    else:
        found = client.quotas(options.user)
        rows = [
            (
                one.scope.value,
                one.subject or NONE,
                one.resource,
                _amount(one.resource, one.used),
                _amount(one.resource, one.limit),
                " ".join(f"{name} {_amount(one.resource, held)}" for name, held in one.by.items()) or NONE,
            )
            for one in found
        ]
        heads = ("scope", "subject", "resource", "used", "of", "by")
        shown = table(heads, rows, right=frozenset({3, 4})) if rows else "No quotas are set."
        print(as_json(found) if options.json else shown)


def _amount(resource: str, value: float | str) -> str:
    return amount(resource, amount_of(resource, value))


def terminals(client: SpawnerClient, options: Options) -> None:
    """Print the registered addresses, or change them."""
    if options.verb in {"add", "lock", "unlock"}:
        known = {str(one.ip): one for one in client.terminals()}
        before = known.get(options.ip)
        told = before.model_dump(include=set(TerminalInfo.model_fields)) if before else {"ip": options.ip}
        if options.verb == "add":
            said = ("name", "grace_seconds", "minimum_seconds", "valid_from", "valid_until", "protection")
            told |= {"beamline": BeamlineId(options.beamline)}
            told |= {name: value for name in said if (value := getattr(options, name)) is not None}
        else:
            told["protection"] = Protection.LOCKED if options.verb == "lock" else Protection.NONE
        kept = client.set_terminal(TerminalInfo.model_validate(told))
        print(f"{kept.ip} is registered ({kept.beamline}, protection {kept.protection})")
    elif options.verb == "remove":
        if confirm(options, f"Remove the terminal {options.ip}? What was started there goes on."):
            client.remove_terminal(options.ip)
            print(f"{options.ip} is no terminal any more")
    else:
        found = client.terminals()
        rows = [
            (
                str(one.ip),
                one.name or NONE,
                str(one.beamline),
                one.protection.value if one.enabled else "off",
                duration(one.grace_seconds).en,
                one.holder or NONE,
                f"{one.valid_until:%Y-%m-%d}" if one.valid_until else NONE,
            )
            for one in found
        ]
        heads = ("address", "name", "beamline", "protection", "grace", "held by", "valid until")
        print(as_json(found) if options.json else table(heads, rows) if rows else "No terminals are registered.")


def usage(client: SpawnerClient, options: Options) -> None:
    """Print what was held in a month."""
    found = client.usage(month=options.month, by=options.by)
    rows = [
        (
            one.subject,
            str(one.servers),
            f"{one.core_hours:,.2f}",
            f"{one.memory_gib_hours:,.2f}",
            f"{one.gpu_hours:,.2f}",
        )
        for one in found
    ]
    heads = (options.by, "servers", "core-h", "GiB-h", "GPU-h")
    shown = table(heads, rows, right=frozenset({1, 2, 3, 4})) if rows else "Nothing was held in that month."
    print(as_json(found) if options.json else shown)


def audit(client: SpawnerClient, options: Options) -> None:
    """Print what happened, oldest first, one sentence a line."""
    since = options.since.isoformat() if options.since else None
    found = client.audit(username=options.user, terminal=options.terminal, since=since, limit=options.limit)
    if options.json:
        print(as_json(found))
        return
    for one in reversed(found):
        by = "" if one.actor in {one.username, "torch"} else f"  ({one.actor})"
        print(f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}  {one.detail.en}{by}")
    if not found:
        print("Nothing is recorded that fits.")


def reconcile(client: SpawnerClient, options: Options) -> None:
    """Bring the database in line with the cluster, and print what differed."""
    looked = client.reconcile(dry_run=True, ends_pods=False)
    orphans = [one for one in looked.differences if one.action == "end-pod"]
    if options.end_orphans and orphans and not options.dry_run:
        names = ", ".join(str(one.pod) for one in orphans)
        options.end_orphans = confirm(options, f"End {len(orphans)} pods that nobody can use: {names}?")
    done = looked if options.dry_run else client.reconcile(dry_run=False, ends_pods=options.end_orphans)
    if options.json:
        print(as_json(done))
        return
    for one in done.differences:
        print(f"{one.action:9}  {one.message.en}")
    print(f"{done.pods} pods, {done.leases} leases, {len(done.differences)} differences")


def _called(lease: Lease) -> str:
    return f"the server “{lease.server or DEFAULT_SERVER}” of {lease.username}"


def _since(lease: Lease) -> str:
    return clock_time(lease.running_at or lease.requested_at, datetime.now(UTC)).en


def moment(text: str) -> datetime:
    """Return a moment for “today”, “yesterday”, “3h”, “2d”, or an ISO date and time of this place."""
    now = datetime.now().astimezone()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    units = {"h": timedelta(hours=1), "d": timedelta(days=1), "m": timedelta(minutes=1)}
    if text in {"today", "yesterday"}:
        return midnight - (timedelta(days=1) if text == "yesterday" else timedelta())
    if text[:-1].isdecimal() and text[-1:] in units:
        return now - int(text[:-1]) * units[text[-1]]
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"“{text}” is no moment; use today, yesterday, 3h, 2d, or 2026-11-21T08:00"
        ) from None


Topic = Callable[[SpawnerClient, Options], None]
TOPICS: dict[str, Topic] = {
    "users": users,
    "pods": pods,
    "leases": leases,
    "quotas": quotas,
    "terminals": terminals,
    "usage": usage,
    "audit": audit,
    "reconcile": reconcile,
}
