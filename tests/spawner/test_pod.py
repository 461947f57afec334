"""What the pod of a lab looks like, whole, against golden files; and why a pod does not come to run, in a sentence.

``BEAMTORCH_UPDATE_GOLDEN=1 pytest tests/spawner/test_pod.py`` rewrites the files.
"""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_spawner.cluster.admission_policy import admission_policy
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS, load_environments
from beamtorch_spawner.pod import pod_fields
from beamtorch_spawner.pod_identity import group, passwd
from beamtorch_spawner.pod_trouble import ImageUnusableError, NoCapacityError, PodFailedError, trouble
from beamtorch_spawner.policy_file import Lifetime
from beamtorch_spawner.services.grants import Facts, make_grant
from beamtorch_spawner.services.wish import Wish, WishRefusedError, check_wish
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Identification

GOLDEN = Path(__file__).parent / "golden" / "pods"
OFFERS = {offer.id: offer for offer in load_environments(DEFAULT_ENVIRONMENTS)}
FACTS = Facts("https://torch.example/", Path("/data"), Path("/home"), "demo")
PERSON = Identity(
    username=Username("okafor"),
    full_name=Words(en="Ada", zh="阿达"),
    uid=50002,
    gid=50003,
    groups=("proposal-2026-0988", "staff-BL-B7", "unnumbered"),
    gids={"proposal-2026-0988": 60988, "staff-BL-B7": 60007},
)
GPU = "nvidia.com/gpu"


def row(environment=None, **more: Any):
    return LeaseRow(
        **{
            "id": "0123456789abcdef0123456789abcdef",
            "username": "okafor",
            "server": "job",
            "environment": environment,
            "cores": 4.0,
            "memory": 8 * 1024**3,
            "extended": {GPU: 1},
            "groups": ["proposal-2026-0988"],
            "run_seconds": 3600,
            "requested_at": datetime(2026, 11, 21, tzinfo=UTC),
            **more,
        }
    )


def fields(environment, person=PERSON, **more: Any):
    offer = OFFERS.get(environment)
    grant = make_grant(row(environment, **more), environment=offer, person=person, lifetime=Lifetime(), facts=FACTS)
    return pod_fields(grant)


WISH = {"command": ["python3", "run it.py", "$HOME; rm"], "variables": {"A": "{1}"}}
CASES = {
    "lab": lambda: fields("lab", image="lab:1"),
    "ct-at-a-terminal": lambda: fields(
        "ct", image="lab:1", terminal="10.1.2.3", source_ip="10.1.2.3", beamline="BL-A4", dataset="ds-000123"
    ),
    "lab-with-a-command": lambda: fields("lab", image="lab:1", wish=WISH, description="night run {x}"),
    "of-the-hub-s-own-configuration": lambda: fields(None, person=None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_pod_is_the_one_of_the_golden_file(case):
    made = json.dumps(asdict(CASES[case]()), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path = GOLDEN / f"{case}.json"
    if os.environ.get("BEAMTORCH_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


def test_the_policy_of_the_cluster_is_the_one_of_the_golden_file():
    made = yaml.safe_dump_all(admission_policy("labs", host_paths=("/srv/data",)), sort_keys=False, width=1000)
    path = GOLDEN / "admission-policy.yaml"
    if os.environ.get("BEAMTORCH_UPDATE_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


def test_a_pod_s_lists_of_names_hold_what_files_of_that_kind_can_hold():
    told = Identification(
        username="okafor",
        uid=50002,
        gid=50003,
        supplemental_gids=(50003, 60988, 60989, 60990),
        full_name="Ada:0:0\nroot2:x:0:0",
        group_names={"okafors": 50003, "a:b": 60988, "two\nlines": 60989, "root": 60990},
    )
    people = passwd(told, "/home/okafor").splitlines()
    assert people[-1] == "okafor:x:50002:50003:Ada 0 0 root2 x 0 0:/home/okafor:/bin/bash"
    assert [line.split(":")[2] for line in people] == ["0", "65534", "50002"]
    assert group(told).splitlines() == [
        "root:x:0:",
        "nogroup:x:65534:",
        "okafors:x:50003:okafor",
    ]


def test_a_command_beside_the_server_is_quoted_and_the_server_is_what_stays():
    command = CASES["lab-with-a-command"]().command
    assert command[:4] == ["sh", "-c", 'umask 0007; exec "$@"', "server"]
    assert command[4:6] == ["sh", "-c"]
    assert "python3 'run it.py' '$HOME; rm'" in command[6]
    assert command[6].endswith('exec "$@"')
    assert command[-2:] == ["-m", "jupyterhub.singleuser"]


def pod(**status: Any):
    return {"metadata": {"labels": {}}, "status": status}


def waiting(reason, message=""):
    return pod(
        containerStatuses=[
            {"name": "notebook", "image": "x:9", "state": {"waiting": {"reason": reason, "message": message}}}
        ]
    )


def unschedulable(message):
    return pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])


@pytest.mark.parametrize(
    ("seen", "error", "said", "may_pass"),
    [
        (unschedulable("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."), NoCapacityError, "All GPUs", True),
        (unschedulable("0/1 nodes: 1 Insufficient cpu, 1 Insufficient memory."), NoCapacityError, "All cores", True),
        (unschedulable("node(s) had untolerated taint"), NoCapacityError, "No machine of the cluster", True),
        (waiting("ErrImagePull", "manifest not found"), ImageUnusableError, "“x:9”", False),
        (waiting("ErrImagePull", "i/o timeout"), ImageUnusableError, "“x:9”", True),
        (waiting("ImagePullBackOff"), ImageUnusableError, "Check its name", False),
        (waiting("CreateContainerConfigError", "no secret"), PodFailedError, "no secret", False),
        (pod(phase="Failed", reason="Evicted"), PodFailedError, "Evicted", False),
    ],
)
def test_what_stands_in_a_pod_s_way_is_told_in_words(seen, error, said, may_pass):
    found = trouble(seen)
    assert found is not None
    assert (type(found.error), found.may_pass) == (error, may_pass)
    assert said in found.error.detail.en
    assert found.error.detail.zh != found.error.detail.en


def test_a_pod_that_is_on_its_way_is_in_no_trouble():
    assert trouble(waiting("ContainerCreating")) is None
    assert trouble(pod(phase="Running", containerStatuses=[{"name": "notebook", "state": {"running": {}}}])) is None
    growing = [{"reason": "TriggeredScaleUp"}]
    assert trouble(unschedulable("1 Insufficient nvidia.com/gpu"), lambda: growing) is None


def test_a_server_that_ran_out_of_memory_at_its_start_says_so():
    ended = {"name": "notebook", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    found = trouble(pod(containerStatuses=[ended]))
    assert found is not None
    assert "Choose more memory" in found.error.detail.en


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1c3kgYnVzeSBidXN5IGJ1c3kgYnVzeSBidXN5MTIz me@here"


def test_a_public_key_of_one_line_is_taken():
    assert check_wish(Wish(ssh_keys=(KEY,))).ssh_keys == (KEY,)


@pytest.mark.parametrize(
    "wish",
    [
        {"ssh_keys": ['command="rm -rf ~" ' + KEY]},
        {"ssh_keys": [KEY + "\nssh-ed25519 AAAA other"]},
        {"ssh_keys": ["ssh-dss " + KEY.split()[1]]},
        {"ssh_keys": ["ssh-rsa " + KEY.split()[1]]},
        {"ssh_keys": ["ssh-ed25519 not-base64!"]},
        {"variables": {"JUPYTERHUB_API_TOKEN": "forged"}},
        {"variables": {"BEAMTORCH_LEASE": "another"}},
        {"variables": {"LD_PRELOAD": "/tmp/x.so"}},
        {"variables": {"A B": "1"}},
        {"variables": {"A": "1\0"}},
        {"command": ["echo", "\0"]},
    ],
)
def test_what_cannot_be_part_of_a_start_is_refused(wish):
    with pytest.raises(WishRefusedError):
        check_wish(Wish.model_validate(wish))
