"""What a grant says, pure: a lease, its environment and its person turned into a command, variables and marks."""

import json
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_spawner import marks
from beamtorch_spawner.environments import Environment, EnvironmentKind
from beamtorch_spawner.policy_file import Lifetime
from beamtorch_spawner.services.wish import Wish
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Grant, Identification

LONGEST_MARK = 1000


class Facts(NamedTuple):
    """What the platform knows about itself."""

    public_url: str
    data_root: Path
    homes: Path
    platform: str = marks.MANAGER


def home_of(username: str, person: Identity | None, facts: Facts) -> PurePosixPath:
    """Return the home folder: the directory's own, else one below the platform's."""
    known = person.home if person is not None else None
    return known or PurePosixPath(facts.homes) / username


def make_grant(
    row: LeaseRow, *, environment: Environment | None, person: Identity | None, lifetime: Lifetime, facts: Facts
) -> Grant:
    """Return the grant of a lease.

    Parameters
    ----------
    row
        The lease, admitted.
    environment
        What it runs; None: whatever the Hub's own configuration says.
    person
        Its owner as the directory knows them; None where there is no directory.
    lifetime
        What policy gives to the person.
    facts
        What the platform knows about itself.
    """
    wish, home = Wish.model_validate(row.wish or {}), home_of(row.username, person, facts)
    command, args, default_url = _program(environment, home)
    name = environment.name if environment else Words(en="JupyterLab", zh="JupyterLab")
    return Grant(
        lease=row.id,
        environment=row.environment,
        kind=environment.kind if environment else EnvironmentKind.LAB,
        name=name,
        language=person.language if person else "en",
        image=row.image,
        command=command,
        args=args,
        single_command=wish.command,
        default_url=default_url,
        env={**wish.variables, **_variables(row, person, facts, home)} if environment else wish.variables,
        resources=row.resources,
        server_root=str(home),
        identification=_identification(person) if person else None,
        run_seconds=row.run_seconds,
        ceiling_seconds=lifetime.ceiling,
        labels={marks.MANAGED_BY: marks.MANAGER, marks.PLATFORM: facts.platform, marks.LEASE: row.id},
        annotations=annotations_of(row, lifetime),
    )


def _identification(person: Identity) -> Identification:
    return Identification(
        username=str(person.username),
        uid=person.uid,
        gid=person.gid,
        supplemental_gids=person.supplementary_gids,
        full_name=person.full_name.en,
        group_names=person.gids,
    )


def annotations_of(row: LeaseRow, lifetime: Lifetime) -> dict[str, str]:
    """Return what a pod says of its lease, so that an empty database can be rebuilt from pods."""
    said = {
        marks.USERNAME: row.username,
        marks.SERVER: row.server,
        marks.ENVIRONMENT: row.environment,
        marks.SOURCE_IP: row.source_ip,
        marks.TERMINAL: row.terminal,
        marks.BEAMLINE: row.beamline,
        marks.GROUPS: json.dumps(sorted(row.groups or ()), ensure_ascii=False),
        marks.RESOURCES: row.resources.model_dump_json(),
        marks.RUN_SECONDS: None if row.run_seconds is None else str(row.run_seconds),
        marks.CEILING_SECONDS: str(lifetime.ceiling),
        marks.REQUESTED_AT: row.requested_at.isoformat(),
        marks.DESCRIPTION: row.description[:LONGEST_MARK] if row.description else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _program(environment: Environment | None, home: PurePosixPath) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    if environment is None:
        return (), (), ""
    if environment.app is None:
        return ("python", "-m", "jupyterhub.singleuser"), lab_arguments(home), "/lab"
    return ("python", "-m", "beamtorch_apps.kit.serve"), (environment.app,), ""


def lab_arguments(home: PurePosixPath) -> tuple[str, ...]:
    """Return the arguments of JupyterLab: the home as its root, nothing that asks the internet."""
    return (
        f"--ServerApp.root_dir={home}",
        "--ServerApp.terminals_enabled=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        "--LanguageServerManager.autodetect=False",
    )


def _variables(row: LeaseRow, person: Identity | None, facts: Facts, home: PurePosixPath) -> dict[str, str]:
    variables = {
        "HOME": str(home),
        "BEAMTORCH_CATALOGUE_URL": f"{facts.public_url}services/catalogue/",
        "BEAMTORCH_SPAWNER_URL": f"{facts.public_url}services/spawner/",
        "BEAMTORCH_DATA_ROOT": str(facts.data_root),
        "BEAMTORCH_ENVIRONMENT": row.environment or "",
        "BEAMTORCH_LANGUAGE": person.language if person else "en",
    }
    if row.dataset is not None:
        variables["BEAMTORCH_DATASET"] = row.dataset
    return variables
