"""What a server gets at its next start, if that was chosen before: kept, and used where a start says nothing else."""

from collections.abc import Callable
from dataclasses import replace

from beamtorch_facility.clock import Clock
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.services.asking import Start
from beamtorch_spawner.services.policy import choose_resources
from beamtorch_spawner.spoken import amount, resource_name
from beamtorch_spawner.stores.choices import Chosen
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import AdmissionRequest, UserPodChange

CHOSEN = ("cores", "memory", "extra_resource")
"""Options that say what a start gets; one of them in a request outweighs the choice."""


class NothingToChooseError(SpawnerError):
    """A server of the Hub's own configuration, whose resources are chosen there."""

    code = "nothing-to-choose"
    status = 409
    title = Words(en="Its resources are not chosen here", zh="其资源不在此处选择")


class Choices:
    """Keeps what people choose."""

    def __init__(self, *, database: Database, clock: Clock, judge: Callable[[AdmissionRequest], Start]) -> None:
        self._database = database
        self._clock = clock
        self._judge = judge

    def keep(self, row: LeaseRow, change: UserPodChange, *, actor: str) -> None:
        """Keep what a change asks for, if the environment of the server gives that much.

        Raises
        ------
        BeamtorchError
            If it does not; then nothing is kept.
        """
        if row.environment is None:
            raise NothingToChooseError(
                Words(
                    en="This server is of no environment on the list; the hub's own start form says what it gets.",
                    zh="该服务器不属于列表中的环境，其资源在 Hub 自己的启动表单中选择。",
                )
            )
        given = {"cores": change.ncores, "memory": change.memory, "extra_resource": change.extra_resource}
        kept = self.of(row.username, row.server)
        usual = (kept or row.resources).model_dump()
        options = {
            "environment": row.environment,
            "cores": usual["cores"],
            "memory": usual["memory"],
            "extra_resource": usual["extended"],
            **{name: value for name, value in given.items() if value is not None},
        }
        if row.image is not None:
            options["image"] = row.image
        resources = self._judge(
            AdmissionRequest(username=row.username, server=row.server, user_options=options)
        ).resources
        now = self._clock.now()
        with self._database.transaction() as stores:
            stores.choices.put(
                username=row.username, server=row.server, environment=row.environment, resources=resources, at=now
            )
            stores.audit.of_lease(row, "next-start", actor=actor, at=now, detail=_said(resources))

    def of(self, username: str, server: str) -> Resources | None:
        """Return what a server gets at its next start, if that was chosen."""
        with self._database.reading() as stores:
            row = stores.choices.find(username, server)
            return row.resources if row is not None else None


def with_choice(start: Start, chosen: Chosen | None) -> Start:
    """Return a start with what was chosen for it, unless it says so itself or it is not on offer any more; pure."""
    environment, options = start.environment, start.options
    if chosen is None or environment is None or chosen.environment != environment.id:
        return start
    if any(getattr(options, name) is not None for name in CHOSEN):
        return start
    given = chosen.resources
    wanted = {"cores": given.cores, "memory": given.memory, "extra_resource": dict(given.extended)}
    try:
        return replace(start, resources=choose_resources(environment, options.model_copy(update=wanted)))
    except BeamtorchError:
        return start


def _said(resources: Resources) -> Words:
    parts = [(amount(name, of), resource_name(name)) for name, of in resources.amounts().items() if name != "servers"]
    return Words(
        en="At its next start: " + ", ".join(f"{of} {name.en}" for of, name in parts) + ".",
        zh="下次启动时：" + "，".join(f"{of} {name.zh}" for of, name in parts) + "。",
    )
