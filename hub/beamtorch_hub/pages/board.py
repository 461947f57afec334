"""What the Start page shows, as plain values: what runs, what can be started, and why something cannot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from beamtorch_facility.look.written import memory, number
from beamtorch_facility.words import Words
from beamtorch_hub.pages.leases import NOWHERE, TimeLeft, time_left
from beamtorch_hub.pages.meters import Meter, meters
from beamtorch_hub.pages.offers import chosen
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.wire import HereNow, Lease, QuotaUse


@dataclass(frozen=True)
class Server:
    """One server of a person at the Hub."""

    name: str
    """Empty for the default one."""
    environment: str
    state: str
    """``runs``, ``starts``, ``stops`` or ``off``."""
    url: str
    since: datetime | None
    last_used: datetime | None


@dataclass(frozen=True)
class Running:
    """A server that runs, starts or stops."""

    server: Server
    title: Words
    kind: str
    """``lab`` or ``app``: decides what a stop would lose."""
    facts: tuple[Words, ...]
    time: TimeLeft | None = None
    """None: the spawner API tells no end."""


@dataclass(frozen=True)
class Card:
    """An environment on the page."""

    offer: Environment
    server: Server | None
    """What runs under the environment's server name, whichever environment it is."""
    state: str
    """``runs``, ``starts``, ``stops``, ``blocked`` or ``free``."""
    reason: Words | None
    last_used: datetime | None
    is_chosen: bool
    facts: tuple[tuple[str, str, Words], ...]
    """Icon, short text and long text: cores, memory, GPUs."""

    def open_with(self, dataset: str) -> str | None:
        """Return where the running app opens a dataset; a lab, or what does not run yet, has no such place."""
        if self.state != "runs" or self.server is None or self.offer.app is None:
            return None
        return f"{self.server.url.rstrip('/')}/voila/render/{PurePosixPath(self.offer.app).name}?dataset={dataset}"


@dataclass(frozen=True)
class Board:
    """The whole Start page."""

    running: tuple[Running, ...]
    cards: tuple[Card, ...]
    is_complete: bool
    """Whether the spawner API answered."""
    chosen: Card | None
    here: HereNow = NOWHERE
    """The terminal at which the person sits, if it is one."""
    meters: tuple[Meter, ...] = ()
    """The quotas that count for the person."""

    @property
    def releases(self) -> bool:
        """Whether a start here would end something."""
        return self.here.holder is not None

    @property
    def is_moving(self) -> bool:
        """Whether something starts or stops, so that the page should look again soon."""
        return any(one.server.state in {"starts", "stops"} for one in self.running)

    @property
    def has_both_kinds(self) -> bool:
        """Whether a choice between apps and labs makes sense."""
        return len({card.offer.kind for card in self.cards}) > 1


def servers_of(user: Any) -> tuple[Server, ...]:
    """Read a person's servers from the Hub's own objects."""
    return tuple(_server(user, spawner) for spawner in user.all_spawners())


def lay_out(
    servers: Iterable[Server],
    offers: tuple[Environment, ...] | None,
    *,
    wanted: str = "",
    leases: Mapping[str, Lease] | None = None,
    here: HereNow = NOWHERE,
    quotas: Iterable[QuotaUse] = (),
) -> Board:
    """Put a person's servers and the facility's offers together.

    Parameters
    ----------
    servers
        The person's servers, running or not.
    offers
        What can be started; None if the spawner API does not answer.
    wanted
        Id of the environment that the person chose elsewhere, such as on a dataset's page.
    leases
        The person's leases by server.
    here
        The terminal at which the person sits.
    quotas
        The quotas that count for the person.
    """
    now = datetime.now(UTC)
    ends = {name: time_left(lease, now) for name, lease in (leases or {}).items()}
    by_name = {server.name: server for server in servers}
    known = {offer.id: offer for offer in offers or ()}
    cards = tuple(_card(offer, by_name, known, is_chosen=offer.id == wanted) for offer in known.values())
    running = tuple(
        replace(_running(one, known.get(one.environment)), time=ends.get(one.name) if one.state == "runs" else None)
        for one in by_name.values()
        if one.state != "off"
    )
    picked = next((card for card in cards if card.is_chosen), None)
    offer = picked.offer if picked is not None and picked.state == "free" else None
    return Board(running, cards, offers is not None, picked, here, meters(quotas, offer))


def _server(user: Any, spawner: Any) -> Server:
    active = bool(getattr(spawner, "active", False))
    pending = getattr(spawner, "pending", None)
    state = "off" if not active else {"spawn": "starts", "check": "starts", "stop": "stops"}.get(str(pending), "runs")
    record = getattr(spawner, "orm_spawner", spawner)
    return Server(
        name=spawner.name,
        environment=chosen(spawner) or chosen(record),
        state=state,
        url=user.server_url(spawner.name),
        since=_aware(record.started) if active else None,
        last_used=_aware(record.last_activity or record.started),
    )


def _aware(at: datetime | None) -> datetime | None:
    """JupyterHub keeps UTC without saying so."""
    return at.replace(tzinfo=UTC) if at else None


def _running(server: Server, offer: Environment | None) -> Running:
    if offer is None:
        name = server.environment or server.name or "JupyterLab"
        return Running(server, Words(en=name, zh=name), "lab", ())
    return Running(server, offer.name, offer.kind.value, tuple(long for _, _, long in _facts(offer)))


def _card(offer: Environment, servers: dict[str, Server], known: dict[str, Environment], *, is_chosen: bool) -> Card:
    server = servers.get(offer.server)
    active = server if server is not None and server.state != "off" else None
    last_used = server.last_used if server is not None and server.environment == offer.id else None
    state, reason = "free", None
    if active is not None and active.environment == offer.id:
        state = active.state
    elif active is not None:
        state, reason = "blocked", _in_the_way(known.get(active.environment), active)
    return Card(offer, active, state, reason, last_used, is_chosen, _facts(offer))


def _in_the_way(other: Environment | None, server: Server) -> Words:
    name = other.name if other else Words(en=server.environment or "JupyterLab", zh=server.environment or "JupyterLab")
    return Words(en=f"Stop {name.en} first: both use one place", zh=f"请先停止 {name.zh}：两者共用一个位置")


def _facts(offer: Environment) -> tuple[tuple[str, str, Words], ...]:
    cores, room = number(offer.cores), memory(offer.memory)
    core = "core" if offer.cores == 1 else "cores"
    facts = [
        ("cpu", cores, Words(en=f"{cores} {core}", zh=f"{cores} 核")),
        ("memory", room, Words(en=room, zh=room)),
    ]
    if offer.gpus:
        gpus = number(offer.gpus)
        word = "GPU" if offer.gpus == 1 else "GPUs"
        facts.append(("gpu", gpus, Words(en=f"{gpus} {word}", zh=f"{gpus} 块 GPU")))
    return tuple(facts)
