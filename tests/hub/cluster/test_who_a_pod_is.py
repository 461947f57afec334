"""A pod is its person and nobody else: by the spawner, against its image, and by the cluster's own policy."""

import asyncio
import contextlib
import copy
import json
import secrets
import subprocess
import time
from http import HTTPStatus
from pathlib import Path

import pytest
from kubernetes_asyncio import client

from beamtorch_hub.testing import Guarded, Namespace
from beamtorch_hub.testing.namespace import in_a_loop_of_its_own
from beamtorch_spawner import marks
from beamtorch_spawner.cluster.admission_policy import GROUP, PEOPLE, PLURAL, VERSION, admission_policy
from beamtorch_spawner.cluster.kubernetes import KubernetesCluster
from beamtorch_spawner.services.ports import ClusterUnreachableError
from beamtorch_spawner.wire import Identification

pytestmark = [pytest.mark.cluster]

BUILDER = Path(__file__).parents[4] / "shared" / "cluster" / "cluster"
OKAFOR = Identification(username="okafor", uid=50002, gid=50003, supplemental_gids=(60007, 60988))
ZHANG = Identification(username="zhang", uid=50005, gid=50005)
CONTAINER = {
    "name": "notebook",
    "image": "localhost/not-fetched:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
POD = {
    "metadata": {"name": "forged", "annotations": {marks.USERNAME: "okafor"}},
    "spec": {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsUser": 50002,
            "runAsGroup": 50003,
            "supplementalGroups": [60007, 60988],
            "supplementalGroupsPolicy": "Strict",
        },
        "containers": [CONTAINER],
        "volumes": [{"name": "data", "hostPath": {"path": "/srv/data"}}],
    },
}


def changed(path: str, value) -> dict:
    """Return the pod with one thing changed; ``path`` leads to it by dots."""
    pod = copy.deepcopy(POD)
    *folders, name = path.split(".")
    place = pod
    for folder in folders:
        place = place[int(folder)] if folder.isdecimal() else place.setdefault(folder, {})
    place[name] = value
    return pod


@pytest.fixture(scope="module")
def guarded(kubeconfig):
    """A namespace of its own with the policy in force, and two people declared."""
    namespace = Namespace(kubeconfig, f"bt-who-{secrets.token_hex(4)}").make()
    policy = Guarded(namespace, admission_policy(namespace.namespace, host_paths=("/srv/data",)))
    policy.put_in_force()
    in_a_loop_of_its_own(declare(namespace, OKAFOR, ZHANG))
    until = time.monotonic() + 60
    # It is heeded, and knows whom it is told of, a moment after both are there.
    while refusal(namespace, changed("metadata.annotations", {})) is None or refusal(namespace, POD) is not None:
        assert time.monotonic() < until, "the policy is not heeded"
        time.sleep(0.5)
    yield policy
    policy.take_away()
    with contextlib.suppress(client.ApiException):
        namespace.remove()


async def declare(namespace, *people: Identification) -> None:
    """Write people down as the spawner API does; the kind is served a moment after it was made."""
    cluster = KubernetesCluster(namespace=namespace.namespace, platform="x", kubeconfig=namespace.kubeconfig)
    try:
        for who in people:
            for _ in range(100):
                with contextlib.suppress(ClusterUnreachableError):
                    await cluster.declare(who)
                    break
                await asyncio.sleep(0.1)
    finally:
        await cluster.aclose()


def refusal(namespace, pod) -> str | None:
    """Return why the cluster would not make a pod; None: it would."""
    try:
        namespace.ask(lambda core: core.create_namespaced_pod(namespace.namespace, pod, dry_run="All"))
    except client.ApiException as error:
        if error.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise
        return str(json.loads(error.body)["message"])
    return None


def test_the_pod_of_a_declared_person_is_made(guarded):
    assert refusal(guarded.namespace, POD) is None
    # What is said of parameters only means that their kind is younger than the checker's list of kinds.
    assert not [warning for warning in guarded.warnings() if "undeclared reference to 'params'" not in warning]


SELF = "spec.securityContext"
WRITE = """
def write(path):
    try:
        with open(path, "a") as file:
            file.write("x")
    except OSError as error:
        return error.errno
    return "written"
"""
INNER = "spec.containers.0.securityContext"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (f"{SELF}.runAsUser", 0, "neither is 0"),
        (f"{SELF}.runAsGroup", 0, "neither is 0"),
        (SELF, {"supplementalGroupsPolicy": "Strict"}, "neither is 0"),
        (f"{SELF}.runAsUser", 50005, "and no others"),
        (f"{SELF}.runAsGroup", 50005, "and no others"),
        (f"{SELF}.supplementalGroups", [60007, 60988, 60001], "and no others"),
        ("metadata.annotations", {marks.USERNAME: "zhang"}, "and no others"),
        ("metadata.annotations", {marks.USERNAME: "nobody"}, "and no others"),
        ("metadata.annotations", {}, "and no others"),
        (f"{SELF}.supplementalGroupsPolicy", "Merge", "groups from its image"),
        (f"{SELF}.fsGroup", 60001, "changes no owners"),
        (f"{INNER}.runAsUser", 0, "every container"),
        (f"{INNER}.runAsUser", 50005, "every container"),
        (f"{INNER}.runAsGroup", 0, "every container"),
        (INNER, {"privileged": True}, "every container"),
        (f"{INNER}.allowPrivilegeEscalation", True, "every container"),
        (f"{INNER}.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, "every container"),
        (f"{INNER}.capabilities", {}, "every container"),
        (
            "spec.initContainers",
            [{**CONTAINER, "name": "first", "securityContext": {"runAsUser": 0}}],
            "every container",
        ),
        ("spec.volumes", [{"name": "root", "hostPath": {"path": "/"}}], "folder of its node"),
        ("spec.volumes", [{"name": "root", "hostPath": {"path": "/srv/data/../.."}}], "."),
        ("spec.hostNetwork", True, "shares nothing"),
        ("spec.hostPID", True, "shares nothing"),
        ("spec.automountServiceAccountToken", True, "does not speak"),
    ],
)
def test_a_forged_pod_is_refused_by_the_cluster_itself(guarded, path, value, said):
    told = refusal(guarded.namespace, changed(path, value))
    assert told is not None
    assert said in told


def test_a_container_that_is_put_into_a_running_pod_is_its_person_too(guarded):
    space = guarded.namespace
    space.ask(lambda core: core.create_namespaced_pod(space.namespace, POD))
    intruder = {"name": "debug", "image": "localhost/x:1", "securityContext": {"runAsUser": 0}}
    body = {"spec": {"ephemeralContainers": [intruder]}}
    with pytest.raises(client.ApiException) as told:
        space.ask(lambda core: core.patch_namespaced_pod_ephemeralcontainers("forged", space.namespace, body))
    assert "every container" in told.value.body


def test_nobody_is_made_where_nobody_was_declared(guarded):
    space = guarded.namespace
    where = (GROUP, VERSION, space.namespace, PLURAL, PEOPLE)
    space.ask(lambda core: client.CustomObjectsApi(core.api_client).delete_namespaced_custom_object(*where))
    until = time.monotonic() + 30
    while (told := refusal(space, POD)) is None:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert "param" in told or "no others" in told


@pytest.fixture(scope="module")
def generous_image(lab_image):
    """The lab's image with entries of its maker's own: marsh is in a beamline's group there."""
    if not BUILDER.exists():
        pytest.skip("no builder for an image of its own")
    tag = "localhost/beamtorch-generous:1"
    context = Path(__file__).with_name("generous")
    done = subprocess.run(
        [str(BUILDER), "build", tag, str(context), "--build-arg", f"BASE={lab_image}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return tag


@pytest.mark.platform
def test_an_image_that_gives_groups_to_its_user_gains_nothing(cluster_platform, generous_image):
    platform, person = cluster_platform, cluster_platform.person("marsh")
    platform.offer(
        {
            "id": "generous",
            "kind": "lab",
            "name": {"en": "G", "zh": "G"},
            "summary": {"en": "g", "zh": "g"},
            "icon": "lab",
            "server": "generous",
            "cores": 0.2,
            "memory": "1G",
            "image": generous_image,
        }
    )
    answer = platform.start("marsh", "generous", environment="generous")
    assert answer.status_code in {201, 202}, answer.text
    lab = platform.ready("marsh", "generous")
    kernel = lab.kernel()
    seen = lab.execute(kernel, "import os, pwd, grp; print(*sorted(os.getgroups())); print(pwd.getpwuid(os.getuid()))")
    groups, account = seen.splitlines()
    assert {int(one) for one in groups.split()} == {*person["gids"].values(), person["gid"]}
    assert "marsh" in account
    names = lab.execute(kernel, "print(*sorted(grp.getgrgid(g).gr_name for g in os.getgroups()))").split()
    assert set(person["gids"]) <= set(names)
    assert lab.execute(kernel, "print(oct(os.umask(0o007)))") == "0o7"
    platform.stop("marsh", "generous")


@pytest.mark.platform
def test_the_names_in_a_pod_cannot_be_changed(cluster_platform):
    platform = cluster_platform
    if platform.model("marsh") is None:
        platform.start("marsh", environment="lab")
    lab = platform.ready("marsh")
    kernel = lab.kernel()
    lab.execute(kernel, WRITE)
    for file in ("/etc/passwd", "/etc/group"):
        assert lab.execute(kernel, f"print(write('{file}'))") in {"13", "30"}
