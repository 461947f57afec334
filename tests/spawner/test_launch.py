"""What the process of a lab looks like, whole, against a golden file.

``BEAMTORCH_UPDATE_GOLDEN=1 pytest tests/spawner/test_process.py`` rewrites the files.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS, load_environments
from beamtorch_spawner.errors import NobodyToBeError
from beamtorch_spawner.launch import Place, environment_at_start, given_input, launch
from beamtorch_spawner.policy_file import Lifetime
from beamtorch_spawner.services.grants import Facts, make_grant
from beamtorch_spawner.stores.tables import LeaseRow

GOLDEN = Path(__file__).parent / "golden"
OFFERS = {offer.id: offer for offer in load_environments(DEFAULT_ENVIRONMENTS)}
FACTS = Facts(public_url="http://127.0.0.1:8000/", data_root=Path("/srv/data"), homes=Path("/srv/homes"))
HUB = {
    "JUPYTERHUB_API_TOKEN": "token-of-the-lab",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:50123/user/okafor/",
    "LANG": "C.UTF-8",
    "PATH": "/hub/bin",
}
PLACE = Place(python="/venv/bin/python", is_root=False, search_path="/usr/bin:/bin")


def person(**more: Any):
    fields = {
        "username": Username("okafor"),
        "full_name": Words(en="Ada Okafor", zh="阿达"),
        "uid": 50002,
        "gid": 50002,
        **more,
    }
    return Identity(**fields)


def granted(environment, who, **options: Any):
    offer = OFFERS[environment]
    row = LeaseRow(
        id="0123456789abcdef0123456789abcdef",
        username=who.username,
        server=offer.server,
        environment=offer.id,
        dataset=options.get("dataset"),
        cores=offer.cores,
        memory=offer.memory,
        extended={},
        groups=[],
        requested_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return make_grant(row, environment=offer, person=who, lifetime=Lifetime(), facts=FACTS)


def process(environment, who, place=PLACE, **options: Any):
    grant = granted(environment, who, **options)
    return launch(grant, username=who.username, hub_environment=HUB, place=place)


ROOT = Place(**{**PLACE.__dict__, "is_root": True})
CASES = {
    "lab": lambda: process("lab", person()),
    "lab-as-root": lambda: process("lab", person(), ROOT),
    "lab-in-chinese": lambda: process("lab", person(language="zh-CN")),
    "lab-with-a-home-of-the-directory": lambda: process("lab", person(home="/home/okafor")),
    "ct-with-a-dataset": lambda: process("ct", person(), dataset="ds-000123"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_process_is_the_one_of_the_golden_file(name):
    what = CASES[name]()
    seen = {"command": what.command, "environment": dict(sorted(what.environment.items())), "folder": str(what.folder)}
    text = json.dumps(seen, indent=2) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("BEAMTORCH_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_the_hub_s_own_variables_cannot_be_replaced_by_a_grant():
    grant = granted("lab", person())
    forged = grant.model_copy(update={"env": {**grant.env, "JUPYTERHUB_API_TOKEN": "forged"}})
    assert launch(forged, username="okafor", hub_environment=HUB, place=PLACE).environment[
        "JUPYTERHUB_API_TOKEN"
    ] == HUB["JUPYTERHUB_API_TOKEN"]  # fmt: skip


def test_a_command_beside_the_server_runs_as_in_a_pod():
    grant = granted("lab", person()).model_copy(update={"single_command": ("python3", "run it.py")})
    command = launch(grant, username="okafor", hub_environment=HUB, place=PLACE).command
    assert command[:2] == ("sh", "-c")
    assert "python3 'run it.py'" in command[2]
    assert command[4:7] == ("/venv/bin/python", "-m", "jupyterhub.singleuser")


SEPARATE = Place(
    **{
        **ROOT.__dict__,
        "as_person": True,
        "program_folders": (Path("/venv"),),
        "person_folders": (Path("/srv/data"), Path("/srv/homes")),
    }
)


def test_a_lab_of_a_platform_that_separates_people_becomes_its_person_first():
    who = person(groups=("proposal-1", "talk"), gids={"proposal-1": 61001})
    what = process("lab", who, SEPARATE)
    numbers = what.command[what.command.index("--uid") : what.command.index("--environment-on-stdin")]
    assert numbers == (
        *("--uid", "50002", "--gid", "50002", "--group", "61001"),
        *("--show", "/venv", "--give", "/srv/data", "--give", "/srv/homes"),
    )
    plain = process("lab", who)
    assert what.command[what.command.index("--") + 1 :] == plain.command
    assert "--ServerApp.allow_root=True" not in what.command
    assert what.environment == plain.environment


def test_what_a_person_chose_reaches_no_process_that_is_still_root():
    grant = granted("lab", person())
    chosen = grant.model_copy(update={"env": {**grant.env, "LD_AUDIT": "/srv/homes/okafor/mine.so"}})
    what = launch(chosen, username="okafor", hub_environment=HUB, place=SEPARATE)
    assert environment_at_start(what) == {"BEAMTORCH_LEASE": chosen.lease}
    with given_input(what) as given:
        assert json.load(given) == what.environment
    assert what.environment["LD_AUDIT"] == "/srv/homes/okafor/mine.so"


def test_nobody_is_anybody_where_no_directory_says_who_they_are():
    nobody = granted("lab", person()).model_copy(update={"identification": None})
    with pytest.raises(NobodyToBeError, match="No directory tells the numbers of “okafor”"):
        launch(nobody, username="okafor", hub_environment=HUB, place=SEPARATE)
