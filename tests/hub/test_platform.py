"""A whole platform on loopback: signing in, refusals, restarts, sudden ends, and an end that leaves nothing."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from beamtorch_hub.commands.status import platform_status
from beamtorch_hub.demo import load_spec
from beamtorch_hub.demo.recipe import SimulatedCt
from beamtorch_hub.demo.spec import dump_spec
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.ports import Ports, is_free
from beamtorch_hub.platform.record import is_alive
from beamtorch_hub.platform.sweep import marked

pytestmark = pytest.mark.platform
CHILDREN = ("proxy", "reader", "spawner", "catalogue", "hub")


class Visitor(httpx.Client):
    """Somebody with a browser."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, trust_env=False, follow_redirects=True, timeout=60)

    def submit(self, path: str, **fields: str) -> httpx.Response:
        self.get("/hub/login")
        return self.post(path, data={**fields, "_xsrf": self.cookies.get("_xsrf", path="/hub/")})

    def sign_in(self, name: str, password: str) -> httpx.Response:
        return self.submit("/hub/login", username=name, password=password)


@pytest.fixture
def visitor(platform):
    with Visitor(platform.url) as made:
        yield made


def status(platform) -> dict:
    return platform_status(PlatformHome(platform.home))


def child(platform, name: str) -> dict:
    return next(one for one in status(platform)["children"] if one["name"] == name)


def answers(url: str, **headers: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, headers=headers, trust_env=False, timeout=5).is_success
    return False


def lab_pid(home: Path) -> int:
    return json.loads((home / "run/labs/marsh--default.json").read_text())["pid"]


def start_lab(platform, visitor: Visitor, eventually: Callable[..., None]) -> Callable[[], bool]:
    """Start marsh's lab and return whether it answers through the proxy."""
    assert visitor.sign_in("marsh", platform.passwords["marsh"]).is_success
    assert visitor.submit("/hub/spawn", environment="lab").is_success
    token = platform.token("marsh")

    def is_open() -> bool:
        return answers(f"{platform.url}user/marsh/api/status", Authorization=f"token {token}")

    eventually(is_open, 60)
    return is_open


def test_the_state_names_every_process_and_each_is_well(platform):
    told = json.loads(platform.run("status", "--json").stdout)
    assert told["running"]
    assert told["url"] == platform.url
    assert {one["name"] for one in told["children"]} == set(CHILDREN)
    assert all(one["healthy"] for one in told["children"])


def test_a_token_opens_both_services_and_none_opens_nothing(platform):
    for path in ("services/spawner/environments", "services/catalogue/datasets"):
        assert httpx.get(f"{platform.url}{path}").status_code == 401
        assert answers(f"{platform.url}{path}", Authorization=f"token {platform.token('marsh')}")


def test_the_demo_facility_is_catalogued_and_each_group_sees_its_own(platform):
    seen = {}
    for user in ("marsh", "ruiz"):
        answer = httpx.get(
            f"{platform.url}services/catalogue/datasets?limit=100",
            headers={"Authorization": f"token {platform.token(user)}"},
        )
        # What was measured ten years ago is open to everybody.
        seen[user] = {dataset["id"] for dataset in answer.json()["datasets"] if not dataset["is_released"]}
    assert seen["marsh"]
    assert seen["ruiz"]
    assert not seen["marsh"] & seen["ruiz"]


def test_passwords_and_tokens_are_in_no_log(platform):
    tokens = json.loads((platform.home / "secrets/tokens.json").read_text()).values()
    texts = {path: path.read_text(errors="replace") for path in (platform.home / "logs").rglob("*") if path.is_file()}
    assert platform.home / "logs/hub.log" in texts
    for secret in [*platform.passwords.values(), *tokens]:
        assert not [str(path) for path, text in texts.items() if secret in text]


def test_five_wrong_passwords_are_a_sentence_each_and_the_right_one_still_opens(platform, visitor):
    for _ in range(5):
        refused = visitor.sign_in("ruiz", "a wrong password")
        assert refused.status_code == 403
        sentence = re.search(r'data-error="hub".*?data-zh="([^"]+)">([^<]+)<', refused.text, re.DOTALL)
        assert sentence
        assert "密码" in sentence[1]
        assert "password" in sentence[2]
        assert "a wrong password" not in refused.text
    opened = visitor.sign_in("ruiz", platform.passwords["ruiz"])
    assert opened.url.path == "/hub/home"
    assert child(platform, "hub")["starts"] == 1


def test_five_refused_starts_are_a_sentence_each_and_the_hub_lives_on(platform, visitor):
    visitor.sign_in("qiao", platform.passwords["qiao"])
    for options in (
        {"environment": "nothing-of-the-kind"},
        {"environment": "lab", "image": "evil/image"},
        {"environment": "lab", "cores": "64"},
        {"environment": "../lab"},
        {"environment": "lab", "dataset": "x", "cmd": "sh"},
    ):
        refused = visitor.submit("/hub/spawn", **options)
        assert refused.status_code == 422
        assert "Traceback" not in refused.text
    token = platform.token("qiao")
    refused = httpx.post(
        f"{platform.url}hub/api/users/qiao/servers/ct",
        headers={"Authorization": f"token {token}"},
        json={"user_options": {"environment": "ct", "image": "evil/image"}},
    )
    assert refused.status_code == 422
    assert "image" in refused.json()["message"]
    told = child(platform, "hub")
    assert told["healthy"]
    assert told["starts"] == 1


def test_a_lab_outlives_a_restart_and_the_sudden_end_of_every_process(platform, visitor, eventually):
    is_open = start_lab(platform, visitor, eventually)
    lab = lab_pid(platform.home)
    assert platform.run("restart", "hub").returncode == 0
    eventually(is_open)
    for name in CHILDREN:
        before = child(platform, name)
        os.kill(before["pid"], signal.SIGKILL)

        def is_back(name=name, starts=before["starts"]) -> bool:
            now = next((one for one in status(platform)["children"] if one["name"] == name), None)
            return bool(now and now["healthy"] and now["starts"] == starts + 1)

        eventually(is_back, 40)
        eventually(is_open, 40)
        assert f"{name} ended (killed, signal 9), started again" in (platform.home / "logs/platform.log").read_text()
    assert lab_pid(platform.home) == lab
    assert is_alive(lab, None)
    assert [one["user"] for one in status(platform)["labs"]] == ["marsh"]
    visitor.delete("/hub/api/users/marsh/server", headers={"X-XSRFToken": visitor.cookies.get("_xsrf", path="/hub/")})
    eventually(lambda: not is_alive(lab, None))


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    """Return the description of the demo facility without its simulated scans, made in a blink."""
    spec = load_spec()
    real = tuple(dataset for dataset in spec.datasets if not isinstance(dataset.recipe, SimulatedCt))
    description = tmp_path_factory.mktemp("few") / "few.yaml"
    description.write_text(dump_spec(spec.model_copy(update={"datasets": real})), encoding="utf-8")
    return description


@pytest.fixture
def second(tmp_path, platform, few):
    """A platform that may be ended; what is left of it is ended in any case."""
    home = tmp_path / "second home"
    made = type(platform)("", home)
    done = made.run("up", "--detach", "--port", str(_free_port()), "--demo", str(few))
    assert done.returncode == 0, done.stdout + done.stderr
    yield type(platform)(status(made)["url"], home)
    made.run("down")


def test_a_platform_can_go_and_come_and_be_killed_and_leaves_nothing_at_its_end(second, eventually):
    home = PlatformHome(second.home)
    with Visitor(second.url) as visitor:
        is_open = start_lab(second, visitor, eventually)
        lab = lab_pid(second.home)

        assert second.run("down", "--keep-labs").returncode == 0
        assert is_alive(lab, None)
        assert second.run("status").returncode == 13

        again = second.run("up", "--detach")
        assert again.returncode == 0, again.stderr
        assert second.url in again.stdout
        assert float(re.search(r"ready \(([0-9.]+) s\)", again.stdout)[1]) < 30  # a busy machine; alone it takes 7
        eventually(is_open)
        assert lab_pid(second.home) == lab

        supervisor = status(second)["pid"]
        os.kill(supervisor, signal.SIGKILL)
        eventually(lambda: not is_alive(supervisor, None))
        recovered = second.run("up", "--detach")
        assert recovered.returncode == 0, recovered.stderr
        assert "did not end properly" in recovered.stdout
        eventually(is_open)
        assert lab_pid(second.home) == lab

    done = second.run("down")
    assert done.returncode == 0
    assert not is_alive(lab, None)
    assert list(marked(home, keep_labs=False)) == []
    assert all(map(is_free, Ports.model_validate_json(home.ports.read_text()).model_dump().values()))
    assert not [path for path in home.root.rglob("*") if path.is_socket()]
    assert not home.record.exists()


def test_ctrl_c_ends_everything(tmp_path, few):
    home = PlatformHome(tmp_path / "home")
    with _foreground(home, "--demo", str(few)) as running:
        said = []
        for line in running.stdout:
            said.append(line)
            if line.startswith("files:"):
                running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    text = "".join(said)
    assert all(password in text for password in json.loads(home.passwords.read_text()).values())
    assert "everything has ended" in text
    assert list(marked(home, keep_labs=False)) == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_first_start_can_be_ended_in_the_middle(tmp_path, platform, eventually):
    home = PlatformHome(tmp_path / "home")
    made = type(platform)("", home.root)
    with _foreground(home) as first:
        eventually(home.passwords.exists)
        assert made.run("down").returncode == 0
        first.stdout.read()
        assert first.wait(30) == 130
    assert list(marked(home, keep_labs=False)) == []
    assert made.run("status").returncode == 13


def _foreground(home: PlatformHome, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "beamtorch_hub", "up", "--home", str(home.root), "--port", str(_free_port())]
    # Tests that are started in the background of a script would hand an ignored Ctrl-C on.
    heard = ["env", "--default-signal=INT", *command, *arguments]
    return subprocess.Popen(heard, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
