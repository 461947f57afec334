"""The service is killed at each step of a release: the next one goes on, and the same order is one start."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from beamtorch_service.testing import served
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS

TERMINAL = "10.41.0.7"
ORDER = {"username": "guest02", "environment": "lab", "sourceip": TERMINAL}


@dataclass
class Service:
    """A process of the spawner service, which can be killed and started again."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, wait) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beamtorch_spawner"], env=self.environment, stdout=log, stderr=log
            )
        wait(self.answers)

    def answers(self) -> bool:
        url = f"{self.environment['JUPYTERHUB_SERVICE_URL']}/services/spawner/health"
        try:
            return httpx.get(url, trust_env=False, verify=False).is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End the process so that it can do nothing more, not even close its database."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Scene:
    """Somebody's lab at a terminal, somebody else's elsewhere, and an order for the terminal."""

    stand: object
    service: Service
    first: str = ""
    bystander: str = ""
    leases: set[str] = field(default_factory=set)

    def order(self) -> httpx.Response:
        answer = self.stand.api("console", "POST", "userpod/", json=ORDER, headers={"Idempotency-Key": "once"})
        assert answer.status_code in {200, 201}, answer.text
        self.leases.add(answer.json()["lease"])
        return answer

    def die(self) -> None:
        self.service.kill()
        self.service.start(self.stand.wait)


@contextmanager
def stage(where: Path, database: str, make_stand, prepared) -> Iterator[Scene]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub, settings = prepared(where, database)
    with served(hub) as api_url:
        told = settings(api_url)
        environment = {
            "PATH": os.environ["PATH"],
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": told.hub.prefix,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "JUPYTERHUB_API_URL": api_url,
            "JUPYTERHUB_API_TOKEN": told.hub.api_token.get_secret_value(),
            "BEAMTORCH_SPAWNER_DATABASE": database,
            "BEAMTORCH_ENVIRONMENTS": str(DEFAULT_ENVIRONMENTS),
            "BEAMTORCH_DIRECTORY": str(told.directory),
            "BEAMTORCH_PUBLIC_URL": told.public_url,
        }
        service = Service(environment, where / "service.log")
        stand = make_stand(f"http://127.0.0.1:{port}{told.hub.prefix}", hub, where)
        service.start(stand.wait)
        scene = Scene(stand, service)
        try:
            terminal = {"ip": TERMINAL, "beamline": "ID09", "grace_seconds": 2, "minimum_seconds": 0}
            assert stand.api("marsh", "POST", "uniqueipinfo/", json=terminal).status_code == 201
            scene.first = stand.lab_at(TERMINAL, "guest01")
            scene.bystander = stand.lab_at("203.0.113.5", "guest03")
            yield scene
        finally:
            hub.close()
            service.kill()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_service_that_is_killed_at_every_step_releases_once_and_starts_once(
    kind, request, tmp_path, make_stand, prepared
):
    database = f"sqlite:///{tmp_path}/spawner.sqlite"
    if kind == "postgresql":
        database = request.getfixturevalue("new_postgres_database")()
    with stage(tmp_path, database, make_stand, prepared) as scene:
        stand, hub = scene.stand, scene.stand.hub
        assert scene.order().status_code == 201
        scene.die()  # admitted and told, nobody was asked to go yet
        assert scene.order().status_code == 200
        hub.stop_seconds = 1.0
        stand.wait(lambda: hub.labs["guest01", ""].pending == "stop", seconds=30)
        scene.die()  # between the eviction and the start
        assert scene.order().status_code == 200
        stand.wait(lambda: stand.runs("guest02"), seconds=30)
        assert scene.order().status_code == 200
        assert scene.leases == {hub.labs["guest02", ""].lease}, "one order is one lease"
        assert [lab.username for lab in hub.begun] == ["guest01", "guest03", "guest02"], "each began once"
        assert [row["actor"] for row in stand.audit(lease=scene.first, action="released")] == ["guest02"]
        stand.wait(lambda: stand.lease(scene.first)["state"] == "ended")
        assert stand.lease(scene.bystander)["state"] == "running"
        assert stand.runs("guest03")
