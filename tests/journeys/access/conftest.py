"""A platform with a facility of our own, and its people by their numbers: where the ways to files lead."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
import yaml

import beamtorch_apps
from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_hub.testing import Namespace

HERE = Path(__file__).parent
ARTEFACTS = HERE.parents[2] / "artefacts" / "journeys"
BUILDER = HERE.parents[3] / "shared" / "cluster" / "cluster"
"""Where a test cluster comes with the means to build images for it, as CI's does."""
DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY answering /tmp/answering
USER root
RUN cp -r /tmp/answering "$(/opt/beamtorch/bin/python -c 'import beamtorch_apps as a; print(a.__path__[0])')/"
USER 1000
"""
SECONDS = 120.0
OPERATOR = "vogt"
"""Who runs the facility, and is none of the four."""
PROGRAMS = ("chromium", "curl", "getfacl", "rsync", "scp", "setfacl", "setpriv", "sftp", "ssh", "ssh-keygen", "sshd")


@dataclass(frozen=True)
class Person:
    """Somebody of the facility, by the numbers that its directory file tells."""

    username: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command with the person's numbers and nothing of ours: what the kernel says of them."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        numbers = [f"--reuid={self.uid}", f"--regid={self.gid}", groups]
        return subprocess.run(["setpriv", *numbers, *words], capture_output=True, cwd="/", check=False)


@dataclass
class Place:
    """A platform whose labs are processes of this machine. Another kind of platform is another place."""

    where: Path
    url: str
    surroundings: dict[str, str] = field(default_factory=dict)
    """Variables that the platform needs beside its own."""
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.where / "home"

    @cached_property
    def people(self) -> dict[str, Person]:
        told = yaml.safe_load((self.home / "config" / "directory.yaml").read_text(encoding="utf-8"))["people"]
        return {
            one["username"]: Person(one["username"], one["uid"], one["gid"], tuple(sorted(one["gids"].values())))
            for one in told
            if one["username"] != OPERATOR
        }

    def machine(self, user: str) -> Path:
        """Return the folder that stands for somebody's own machine."""
        return self.where / "machines" / user

    def folder(self, beamtime: str) -> Path:
        """Return the folder of a beamtime as every lab sees it."""
        return next((self.home / "data").glob(f"*/*/Data/{beamtime}"))

    def operate(self, *words: str) -> str:
        """Call `beamtorch` as whoever runs the platform, whose paths are in its variables."""
        paths = {"BEAMTORCH_HOME": str(self.home), "BEAMTORCH_DATA_ROOT": str(self.home / "data")}
        paths["BEAMTORCH_DIRECTORY"] = str(self.home / "config" / "directory.yaml")
        paths["PYTHONPATH"] = str(self.where / "apps")
        done = subprocess.run(
            [sys.executable, "-m", "beamtorch_hub", *words],
            env={**{name: value for name, value in os.environ.items() if not name.startswith("BEAMTORCH_")}, **paths}
            | self.surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def token(self, user: str) -> str:
        if user not in self.tokens:
            self.tokens[user] = self.operate("token", "--user", user).strip()
        return self.tokens[user]

    def password(self, user: str) -> str:
        return str(json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))[user])

    def rest(self, method: str, user: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {self.token(user)}"}
        answer = httpx.request(
            method, f"{self.url}{path}", headers=headers, trust_env=False, timeout=SECONDS, **more
        ).raise_for_status()
        assert answer is not None
        return answer

    def socket(self, user: str, path: str) -> websocket.WebSocket:
        url = f"ws{self.url.removeprefix('http')}{path}"
        return websocket.create_connection(url, header=[f"Authorization: token {self.token(user)}"], timeout=SECONDS)

    def start_labs(self) -> None:
        for user in self.people:
            self.rest("POST", user, f"hub/api/users/{user}/server", json={"environment": "lab"})
        for user in self.people:
            self.wait(lambda user=user: self.rest("GET", user, f"hub/api/users/{user}").json()["servers"][""]["ready"])

    @staticmethod
    def wait(what: Callable[[], object]) -> None:
        until = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.1)

    @cached_property
    def paths(self) -> dict[str, Path]:
        """The five places that are asked for, each a file."""
        ours = self.folder("BT-26-3101")
        return {
            "own raw": ours / "raw/raw_1/file.chi",
            "own processed": ours / "processed/processed_1/file.gr",
            "colleague's share": self.folder("BT-26-3102") / "share/shared_1/file.txt",
            "other group's": self.folder("BT-26-3103") / "raw/other_1/file.chi",
            "embargoed": self.folder("BT-26-3104") / "raw/embargoed_1/file.h5",
        }

    @cached_property
    def addresses(self) -> dict[Path, str]:
        """Where the catalogue has each file, as whoever runs the facility finds it."""
        found = {}
        with CatalogueClient(f"{self.url}services/catalogue/", self.token(OPERATOR)) as catalogue:
            for one in catalogue.search("").datasets:
                for file in catalogue.dataset(one.id).files:
                    found[Path(file.path)] = f"datasets/{one.id}/files/{Path(file.path).name}"
        return found

    def register_keys(self) -> None:
        """Give everybody a machine of their own, and the directory the keys that are on these."""
        directory = self.home / "config" / "directory.yaml"
        told = yaml.safe_load(directory.read_text(encoding="utf-8"))
        for one in told["people"]:
            one["ssh_keys"] = [make_machine(self.machine(one["username"]))]
        new = directory.with_suffix(".new")
        new.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
        new.chmod(directory.stat().st_mode & 0o777)
        new.replace(directory)

    def share(self) -> None:
        """Have the colleague share a file, and register it as a result."""
        file, owner = self.paths["colleague's share"], self.people["lund"]
        made = owner.run("sh", "-c", f'umask 0007; mkdir "{file.parent}" && echo "for all" > "{file}"')
        assert made.returncode == 0, made.stderr
        record = {
            "source_id": str(file),
            "name": "shared_1",
            "kind": "processed",
            "beamtime": "BT-26-3102",
            "files": [{"path": str(file), "size": file.stat().st_size, "format": "text"}],
        }
        with CatalogueClient(f"{self.url}services/catalogue/", self.token(owner.username)) as catalogue:
            catalogue.register(DatasetRecord.model_validate(record))


def stand_up(place: Place, *options: str) -> Place:
    """Start the platform with an app and keys of our own, the released beamtime released and every lab running."""
    port = place.url.rpartition(":")[2].strip("/")
    place.operate("up", "--detach", "--port", port, "--demo", str(HERE / "facility.yaml"), *options)
    path = place.home / "config" / "environments.yaml"
    offers = yaml.safe_load(path.read_text(encoding="utf-8"))["environments"]
    offers += yaml.safe_load((HERE / "app" / "offer.yaml").read_text(encoding="utf-8"))
    few = {"cores": 1, "memory": "1G"} if options else {}
    text = yaml.safe_dump({"environments": [{**offer, **few} for offer in offers]}, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    place.register_keys()
    place.operate("beamtime", "release", "BT-26-3103")
    place.share()
    place.start_labs()
    return place


def at(where: Path, **surroundings: str) -> Place:
    """Return a place whose platform will listen at a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Place(where, f"http://127.0.0.1:{port}/", surroundings)


def labs_as_processes(where: Path, _: pytest.FixtureRequest) -> Place:
    """Labs are processes of this machine; the app is beside the others on their path."""
    apps = where / "apps" / "beamtorch_apps"
    shutil.copytree(Path(beamtorch_apps.__file__).parent, apps, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "app", apps / "answering")
    return stand_up(at(where))


def labs_as_pods(where: Path, request: pytest.FixtureRequest) -> Place:
    """Labs are pods of a cluster that mounts the data with their access lists; the app is in an image of its own."""
    kubeconfig: Path = request.getfixturevalue("kubeconfig")
    base: str = request.getfixturevalue("lab_image")
    image = f"{base}-answering"
    context = where / "image"
    shutil.copytree(HERE / "app", context / "answering")
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    done = subprocess.run(
        [str(BUILDER), "build", image, str(context), "--build-arg", f"BASE={base}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    space = Namespace(kubeconfig, f"bt-access-{secrets.token_hex(4)}").make()
    request.addfinalizer(space.remove)
    place = at(where, KUBECONFIG=str(kubeconfig))
    (place.home / "config").mkdir(parents=True)
    (place.home / "config" / "cluster.yaml").write_text("promised_cores: 0.05\n", encoding="utf-8")
    return stand_up(place, "--cluster", "--namespace", space.namespace, "--lab-image", image)


def make_machine(folder: Path) -> str:
    """Make somebody's own machine, with a key; return its public half."""
    folder.mkdir(mode=0o700, parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    return (folder / "key.pub").read_text(encoding="ascii").strip()


PLACES: dict[str, Callable[[Path, pytest.FixtureRequest], Place]] = {
    "labs as processes": labs_as_processes,
    "labs as pods": labs_as_pods,
}
"""Kinds of platforms."""


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, open_folder: Path) -> Iterator[Place]:
    """Each kind of platform in turn."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (apt-get install acl chromium curl openssh-server rsync)")
    if os.geteuid() != 0:
        pytest.skip("only root can give each lab its person's numbers")
    where = open_folder / f"access-{request.param_index}"
    where.mkdir()
    home = where / "home"
    try:
        yield PLACES[request.param](where, request)
    finally:
        words = [sys.executable, "-m", "beamtorch_hub", "down", "--home", str(home)]
        subprocess.run(words, check=False, capture_output=True)
        if (home / "logs").is_dir():
            shutil.copytree(home / "logs", ARTEFACTS / where.name / "logs", dirs_exist_ok=True)
