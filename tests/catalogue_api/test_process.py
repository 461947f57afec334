"""The catalogue as its own process: starts from the environment, keeps tokens to itself, ends when told."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from beamtorch_catalogue.settings import CatalogueSettings, SettingsError
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.world import write_people

START_SECONDS = 60


def environment(tmp_path: Path, hub_api_url: str, port: int) -> dict[str, str]:
    write_people(tmp_path / "directory.yaml")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "JUPYTERHUB_SERVICE_NAME": "catalogue",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/catalogue/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_API_URL": hub_api_url,
        "JUPYTERHUB_API_TOKEN": "own-secret-token",
        "JUPYTERHUB_BASE_URL": "/",
        "BEAMTORCH_CATALOGUE_DATABASE": f"sqlite:///{tmp_path}/state/catalogue.sqlite",
        "BEAMTORCH_DIRECTORY": str(tmp_path / "directory.yaml"),
        "BEAMTORCH_DATA_ROOT": str(tmp_path / "data"),
        "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1:1/",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(url, trust_env=False).is_success
        except httpx.TransportError:
            time.sleep(0.05)
    return False


def test_it_serves_logs_no_token_and_ends_on_sigterm(tmp_path: Path):
    port = free_port()
    log = tmp_path / "log"
    with fake_hub() as hub, log.open("wb") as written:
        token = hub.user("ada")
        process = subprocess.Popen(
            [sys.executable, "-m", "beamtorch_catalogue"],
            env=environment(tmp_path, hub.api_url, port),
            stdout=written,
            stderr=written,
        )
        try:
            base = f"http://127.0.0.1:{port}/services/catalogue/"
            assert answers(f"{base}health", process), log.read_text()
            headers = {"Authorization": f"token {token}"}
            with httpx.Client(timeout=60, base_url=base, headers=headers, trust_env=False) as http:
                assert http.get("datasets", params={"q": "sought-word"}).json()["total"] == 0
                http.get("oauth_callback", params={"code": "oauth-secret", "state": "s"})
                assert http.get("docs").is_success
                started = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = process.wait(timeout=20)
            assert time.monotonic() - started < 5
            assert code in {0, -signal.SIGTERM}
        finally:
            process.kill()
            process.wait()
    said = log.read_text()
    for secret in (token, "own-secret-token", "oauth-secret", "sought-word"):
        assert secret not in said
    assert "/services/catalogue/datasets" in said
    assert (tmp_path / "state" / "catalogue.sqlite").exists()


def test_a_process_without_its_settings_says_what_is_missing(tmp_path: Path):
    given = environment(tmp_path, "http://127.0.0.1:9/hub/api", 1)
    del given["BEAMTORCH_DATA_ROOT"]
    done = subprocess.run(
        [sys.executable, "-m", "beamtorch_catalogue"],
        env=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "BEAMTORCH_DATA_ROOT is not set" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"BEAMTORCH_CATALOGUE_DATABASE": "nonsense"}, "BEAMTORCH_CATALOGUE_DATABASE is not a database URL"),
        ({"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:notaport"}, "makes no sense"),
        ({"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:99999"}, "makes no sense"),
    ],
)
def test_settings_that_it_cannot_use_are_named(tmp_path: Path, changes: dict[str, str], says: str):
    with pytest.raises(SettingsError) as error:
        CatalogueSettings.from_environment(environment(tmp_path, "http://127.0.0.1:9/hub/api", 1) | changes)
    assert says in error.value.detail.en
    assert "own-secret-token" not in str(error.value.problem())


def settings_with(tmp_path: Path, policy: str, **variables: str) -> CatalogueSettings:
    file = tmp_path / "catalogue.yaml"
    file.write_text(policy, encoding="utf-8")
    given = environment(tmp_path, "http://127.0.0.1:9/hub/api", 1) | {"BEAMTORCH_CATALOGUE_POLICY": str(file)}
    return CatalogueSettings.from_environment(given | variables)


def test_the_facility_s_policy_is_a_file_and_a_variable_counts_more(tmp_path: Path):
    policy = "embargo_months: 12\nreleased_to: world\nwebhook_networks: [10.20.0.0/16]\n"
    made = settings_with(tmp_path, policy, BEAMTORCH_RELEASED_TO="nobody")
    assert (made.release.embargo_months, made.release.released_to, made.release.pid_prefix) == (12, "nobody", "local")
    assert [str(one) for one in made.changes.webhook_networks] == ["10.20.0.0/16"]
    assert settings_with(tmp_path, "").release.embargo_months == 36


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("embargo_month: 12", "embargo_month; known are embargo_months"),
        ("embargo_months: -1", "the value of embargo_months makes no sense"),
        ("released_to: everybody", "the value of released_to makes no sense"),
        ("- embargo_months", "key: value"),
        ("a: [", "catalogue.yaml cannot be followed"),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused_with_the_reason(tmp_path: Path, policy: str, says: str):
    with pytest.raises(SettingsError) as error:
        settings_with(tmp_path, policy)
    assert says in error.value.detail.en


def test_a_hub_that_does_not_answer_is_said(tmp_path: Path):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "beamtorch_catalogue"],
        env=environment(tmp_path, "http://127.0.0.1:9/hub/api", port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}/services/catalogue/"
        assert answers(f"{base}health", process)
        answer = httpx.get(f"{base}datasets", headers={"Authorization": "token x"}, trust_env=False)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:beamtorch:problem:hub-unreachable")
    finally:
        process.terminate()
        process.wait(timeout=20)
