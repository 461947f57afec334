"""Hub or API die at each step of a start: no orphan stays, no pod is lost, no GPU counts twice, nobody is told a lie.

Servers are small web servers in the lab's image, each with the facility's only GPU: whatever was counted twice, or
stayed behind, would refuse the next start.
"""

import contextlib
import socket
import sys
import threading
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

pytestmark = [pytest.mark.cluster, pytest.mark.platform]

GPU = "nvidia.com/gpu"
ACTIVE = {"requested", "admitted", "starting", "running", "stopping"}
STEPS = ("asking", "granted", "pod-made", "running", "reported")
MORTAL = """
import os, pathlib
from beamtorch_spawner.spawner import TorchSpawner

FAULT = pathlib.Path({fault!r})


class MortalSpawner(TorchSpawner):
    async def checkpoint(self, name):
        step, _, victim = FAULT.read_text().partition(" ") if FAULT.exists() else ("", "", "")
        if step == name:
            FAULT.unlink()
            os.kill(int(victim) if victim else os.getpid(), 9)


c.JupyterHub.spawner_class = MortalSpawner
c.KubeSpawner.extra_resource_limits = {{"nvidia.com/gpu": "1"}}
c.KubeSpawner.extra_resource_guarantees = {{"nvidia.com/gpu": "1"}}
c.KubeSpawner.delete_grace_period = 1
c.KubeSpawner.poll_interval = 2
"""
MORTAL_API = """
import os, pathlib, sys
from beamtorch_spawner.services.admissions import Admissions

FAULT = pathlib.Path({fault!r})


def dies(step, method):
    def called(self, *arguments, **more):
        done = method(self, *arguments, **more) if step != "deciding" else None
        if FAULT.exists() and FAULT.read_text() == step:
            FAULT.unlink()
            os.kill(os.getpid(), 9)
        return done if step != "deciding" else method(self, *arguments, **more)
    return called


Admissions._decide = dies("deciding", Admissions._decide)
Admissions._decide = dies("decided", Admissions._decide)
Admissions.admit = dies("written", Admissions.admit)
sys.argv = ["beamtorch-spawner"]
from beamtorch_spawner.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def hub(make_other_hub, tmp_path_factory):
    """A hub whose spawner, and an API whose admission, die where a test says so; one GPU for all."""
    where = tmp_path_factory.mktemp("fault")
    api = MORTAL_API.format(fault=str(where / "api"))
    made = make_other_hub(
        command=("python3", "-m", "http.server", "8888"),
        own_lines=MORTAL.format(fault=str(where / "spawner")),
        policy={"orphan_seconds": 10, "unheard_seconds": 10},
        api_command=(sys.executable, "-c", api),
    )
    made.faults = where
    limit = {"scope": "facility", "subject": "", "resource": GPU, "limit": 1}
    assert made.api("PUT", "quotas", json=limit).status_code == 200
    return made


def click(hub, user, server=""):
    """Ask for a start as a browser does, whose hub may go away in the middle."""
    try:
        return hub.start(user, server)
    except httpx.HTTPError:
        return None


def agree(hub, user, server=""):
    """Tell whether hub, leases and cluster say the same of a server, and nothing holds the GPU beside it."""
    model, pods = hub.server(user, server), hub.namespace.pods()
    active = [one for one in hub.leases(user) if one["state"] in ACTIVE]
    if model.get("pending") or any(pod.metadata.deletion_timestamp for pod in pods):
        return False
    if not model.get("ready"):
        return not pods and not active
    (lease,) = active
    (pod,) = pods
    return lease["state"] == "running" and pod.metadata.labels["beamtorch.org/lease"] == lease["id"]


def start_works(hub, user, server=""):
    """Start a server as somebody does who was told nothing, or that it failed."""
    if not hub.server(user, server).get("ready"):
        answer = hub.start(user, server)
        assert answer.status_code in {201, 202} or "already" in answer.text, answer.text
    hub.wait(lambda: hub.server(user, server).get("ready"))
    hub.wait(lambda: agree(hub, user, server))
    assert hub.http.get(f"http://127.0.0.1:{hub.ports['public']}{hub.server(user, server)['url']}").status_code < 500


def all_gone(hub, user, server=""):
    if hub.server(user, server):
        hub.stop(user, server)
    hub.wait(lambda: not hub.server(user, server) and agree(hub, user, server), 120)


@pytest.mark.parametrize("step", STEPS)
def test_a_hub_that_dies_in_a_start_starts_it_when_asked_again(hub, step):
    user, server = f"ada-{step}", "gpu" if step in {"granted", "running"} else ""
    (hub.faults / "spawner").write_text(step)
    click(hub, user, server)
    hub.await_death("hub")
    hub.start_part("hub")
    start_works(hub, user, server)
    all_gone(hub, user, server)


@pytest.mark.parametrize("step", STEPS)
def test_a_hub_that_dies_in_a_start_leaves_nothing_behind_when_nobody_asks_again(hub, step):
    user = f"ben-{step}"
    (hub.faults / "spawner").write_text(step)
    click(hub, user)
    hub.await_death("hub")
    hub.start_part("hub")
    hub.wait(lambda: agree(hub, user), 120)
    all_gone(hub, user)


@pytest.mark.parametrize("step", STEPS)
def test_an_api_that_dies_in_a_start_neither_loses_nor_doubles_it(hub, step):
    user = f"cleo-{step}"
    (hub.faults / "spawner").write_text(f"{step} {hub.children['api'].pid}")
    click(hub, user)
    hub.await_death("api")
    hub.start_part("api")
    start_works(hub, user)
    all_gone(hub, user)


@pytest.mark.parametrize("step", ["deciding", "decided", "written"])
def test_an_api_that_dies_around_its_decision_is_told_and_the_next_start_works(hub, step):
    user = f"dora-{step}"
    (hub.faults / "api").write_text(step)
    answer = hub.refused(user)
    assert "spawner service" in answer
    hub.await_death("api")
    hub.start_part("api")
    start_works(hub, user)
    all_gone(hub, user)


@pytest.mark.parametrize("victims", [("hub",), ("api",), ("hub", "api")], ids="+".join)
def test_a_stop_goes_through_whoever_dies_in_it(hub, victims):
    user = "eli-" + "-".join(victims)
    start_works(hub, user, "named")
    hub.stop(user, "named")
    for name in victims:
        hub.kill(name)
    for name in reversed(victims):
        hub.start_part(name)
    all_gone(hub, user, "named")


def test_hub_and_api_may_both_die_while_a_pod_starts(hub):
    click(hub, "finn")
    hub.wait(hub.namespace.pods)
    hub.kill("hub")
    hub.kill("api")
    hub.start_part("api")
    hub.start_part("hub")
    start_works(hub, "finn")
    all_gone(hub, "finn")


class Line:
    """What lies between the hub and the cluster's API: it can go dead, as connections do that nobody closes."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self.target, self.ends, self._carriers = (parts.hostname, parts.port), [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._dead = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self.target)
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    self._carriers.append(threading.Thread(target=self._carry, args=(source, sink, self._dead)))
                    self._carriers[-1].start()

    @staticmethod
    def _carry(source, sink, dead) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                # What is dead stays open and silent: neither side is told anything.
                if not dead.is_set():
                    sink.sendall(data)
        if not dead.is_set():
            hang_up(source, sink)

    def go_dead(self):
        """Let nothing more through on connections that are open; new ones work."""
        self._dead.set()
        self._dead = threading.Event()

    def close(self):
        hang_up(self._listener, *self.ends)
        for carrier in self._carriers:
            carrier.join()
        for end in (self._listener, *self.ends):
            end.close()


def hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def test_a_view_of_the_cluster_that_went_dead_is_noticed_within_a_minute(make_other_hub, kubeconfig, tmp_path):
    told = yaml.safe_load(kubeconfig.read_text())
    line = Line(told["clusters"][0]["cluster"]["server"])
    told["clusters"][0]["cluster"]["server"] = line.url
    through = tmp_path / "through.kubeconfig"
    through.write_text(yaml.safe_dump(told))
    hub = make_other_hub(
        command=("python3", "-m", "http.server", "8888"),
        own_lines="c.KubeSpawner.poll_interval = 5\n",
        hub_environment={"KUBECONFIG": str(through)},
    )
    start_works(hub, "gil")
    line.go_dead()
    pod = hub.namespace.pod_of("gil")
    hub.namespace.ask(
        lambda core: core.delete_namespaced_pod(pod.metadata.name, hub.namespace.namespace, grace_period_seconds=0)
    )
    hub.wait(lambda: not hub.server("gil"), 60)
    hub.wait(lambda: agree(hub, "gil"), 30)
    assert "The view of the pods" in hub.log("hub")
    start_works(hub, "gil")
    all_gone(hub, "gil")
    line.close()
