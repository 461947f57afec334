"""What a grant says, pure: the offer, the person and the choice turned into a command and its variables."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from beamtorch_facility.identity import Identity
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.wire import Grant, UserOptions


class Facts(NamedTuple):
    """What the platform knows about itself."""

    public_url: str
    data_root: Path
    homes: Path


def home_of(person: Identity, facts: Facts) -> PurePosixPath:
    """Return the home folder: the directory's own, else one below the platform's."""
    return person.home or PurePosixPath(facts.homes) / person.username


def make_grant(*, lease: str, environment: Environment, person: Identity, options: UserOptions, facts: Facts) -> Grant:
    """Return the grant of a lease."""
    home = home_of(person, facts)
    if environment.app is None:
        command, args, default_url = ("python", "-m", "jupyterhub.singleuser"), lab_arguments(home), "/lab"
    else:
        command, args, default_url = ("python", "-m", "beamtorch_apps.kit.serve"), (environment.app,), ""
    return Grant(
        lease=lease,
        environment=environment.id,
        kind=environment.kind,
        name=environment.name,
        language=person.language,
        command=command,
        args=args,
        default_url=default_url,
        env=_variables(environment, person, options, facts, home),
        resources=environment.resources,
        server_root=str(home),
    )


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


def _variables(
    environment: Environment, person: Identity, options: UserOptions, facts: Facts, home: PurePosixPath
) -> dict[str, str]:
    variables = {
        "HOME": str(home),
        "BEAMTORCH_CATALOGUE_URL": f"{facts.public_url}services/catalogue/",
        "BEAMTORCH_SPAWNER_URL": f"{facts.public_url}services/spawner/",
        "BEAMTORCH_DATA_ROOT": str(facts.data_root),
        "BEAMTORCH_ENVIRONMENT": environment.id,
        "BEAMTORCH_LANGUAGE": person.language,
    }
    if options.dataset is not None:
        variables["BEAMTORCH_DATASET"] = str(options.dataset)
    return variables
