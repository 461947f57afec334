"""Labs that a real Hub starts: their start, their refusals, their end, and what survives whose death."""

import contextlib
import os
import shutil
import signal
from typing import Any

import httpx
import psutil
import pytest
import yaml

pytestmark = pytest.mark.platform

BROKEN_APP = "broken/broken.ipynb"


@pytest.fixture
def lab(hub):
    """A running lab of okafor; a start costs seconds, so the next test gets the same one if it still runs."""
    if not hub.model("okafor"):
        assert hub.start("okafor", environment="lab", dataset="ds-000123").status_code in {201, 202}
    hub.wait(lambda: hub.is_ready("okafor"))
    return hub


def lab_api(hub, username, method, path, **more: Any):
    headers = {"Authorization": f"token {hub.token_of(username)}"}
    return hub.http.request(method, f"/user/{username}/{path}", headers=headers, **more)


def newest_state(hub, username):
    return hub.leases(username)[0]["state"]


@pytest.mark.parametrize(
    ("server", "options", "status", "said"),
    [
        ("", {"environment": "matlab"}, 422, "There is no environment “matlab”. On offer: lab, ct."),
        ("", {"environment": "lab", "image": "evil"}, 422, "The image “evil” is not on the list of JupyterLab."),
        ("", {"environment": "lab", "memory": "400G"}, 422, "gives at most 4 GiB memory; 400 GiB were asked for."),
        ("", {"environment": "lab", "cmd": "evil"}, 422, "There is no option “cmd”."),
        ("", {"environment": "ct"}, 422, "CT reconstruction runs as the server “ct”"),
        ("", {"environment": "lab", "dataset": "../x"}, 422, "cannot be the dataset of a start"),
    ],
)
def test_the_hub_passes_a_refusal_on_as_a_sentence(hub, server, options, status, said):
    answer = hub.start("okafor", server, **options)
    assert answer.status_code == status
    assert said in answer.json()["message"]
    assert not hub.model("okafor", server)


def test_five_refusals_leave_the_hub_up(hub):
    for _ in range(6):
        assert hub.start("okafor", environment="matlab").status_code == 422
    # The Hub would end two seconds after the fifth; it writes so at once.
    assert "Aborting" not in hub.log("hub")
    assert "consecutive spawns failed" not in hub.log("hub")
    assert hub.children["hub"].poll() is None


def test_somebody_whom_the_directory_does_not_know_is_told_so(hub):
    answer = hub.start("stranger", environment="lab")
    assert answer.status_code == 404
    assert "The directory knows nobody called “stranger”" in answer.json()["message"]
    assert not (hub.where / "homes" / "stranger").exists()


def test_a_lab_that_dies_at_its_start_is_told_with_the_name_of_its_log(hub):
    path = hub.where / "config" / "environments.yaml"
    good = path.read_text(encoding="utf-8")
    offers = yaml.safe_load(good)
    offers["environments"][1]["app"] = BROKEN_APP
    path.write_text(yaml.safe_dump(offers, allow_unicode=True), encoding="utf-8")
    try:
        answer = hub.start("okafor", "ct", environment="ct")
    finally:
        path.write_text(good, encoding="utf-8")
    hub.wait(lambda: newest_state(hub, "okafor") == "failed")
    assert answer.status_code == 500
    assert "ended while it started (exit code 2)" in answer.json()["message"]
    log = hub.where / "logs" / "labs" / "okafor--ct.log"
    assert str(log) in hub.leases("okafor")[0]["reason"]["en"]
    assert "Its last words:\n" in hub.log("hub")
    assert log.stat().st_mode & 0o077 == 0
    assert not hub.record("okafor", "ct")
    assert not hub.processes()


def test_a_home_that_cannot_be_made_is_told_with_its_name(hub):
    home = hub.where / "homes" / "marsh"
    shutil.rmtree(home, ignore_errors=True)
    home.write_text("in the way")
    try:
        answer = hub.start("marsh", environment="lab")
        assert answer.status_code == 507
        assert f"The home folder {home} or the server's log cannot be used" in answer.json()["message"]
        hub.wait(lambda: newest_state(hub, "marsh") == "failed")
    finally:
        home.unlink()


def test_an_unreachable_spawner_service_is_a_sentence_and_labs_go_on(lab):
    lab.kill("spawner")
    try:
        answer = lab.start("zhang", environment="lab")
        assert answer.status_code == 503
        assert "The spawner service does not answer, so nothing can be started." in answer.json()["message"]
        assert lab_api(lab, "okafor", "GET", "api/status").status_code == 200
    finally:
        lab.start_spawner()
    assert not lab.model("zhang")


def test_a_lab_has_its_variables_and_a_home_of_its_own(lab):
    record = lab.record("okafor")
    variables = psutil.Process(record["pid"]).environ()
    home = lab.where / "homes" / "okafor"
    assert variables["HOME"] == str(home)
    assert variables["BEAMTORCH_DATASET"] == "ds-000123"
    assert variables["BEAMTORCH_SPAWNER_URL"] == f"http://127.0.0.1:{lab.ports['public']}/services/spawner/"
    assert home.stat().st_mode & 0o777 == 0o700
    assert record["create_time"] == psutil.Process(record["pid"]).create_time()
    assert (record["user"], record["server"], record["environment"]) == ("okafor", "", "lab")
    secret = {lab.tokens["torch"], lab.tokens["spawner"]}
    assert not secret & set(variables.values())
    assert os.getsid(record["pid"]) == record["pid"]


def test_a_killed_hub_finds_its_lab_again(lab):
    before = lab.record("okafor")
    lab.kill("hub")
    lab.start_hub()
    lab.wait(lambda: lab.is_ready("okafor"))
    assert lab.record("okafor") == before
    assert lab_api(lab, "okafor", "GET", "api/status").status_code == 200
    lab.wait(lambda: newest_state(lab, "okafor") == "running")


def start_kernel_with_a_stubborn_child(lab):
    """Start a kernel that starts a process in a session of its own which ignores polite signals; return its number."""
    ready = lab.where / "ready"
    ready.unlink(missing_ok=True)
    script = f"trap '' HUP INT TERM; echo $$ > {ready}; while :; do sleep 1; done"
    startup = lab.where / "homes" / "okafor" / ".ipython" / "profile_default" / "startup" / "stubborn.py"
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(f"import subprocess\nsubprocess.Popen(['setsid', '--fork', 'sh', '-c', {script!r}])\n")
    assert lab_api(lab, "okafor", "POST", "api/kernels").json()["id"]
    pid = int(lab.wait(lambda: ready.exists() and ready.read_text().strip()))
    startup.unlink()
    return pid


def test_stopping_a_lab_leaves_no_process_of_it(lab):
    pid = start_kernel_with_a_stubborn_child(lab)
    assert lab_api(lab, "okafor", "POST", "api/terminals").json()["name"]
    assert pid in {process.pid for process in lab.processes()}
    assert len(lab.processes()) >= 4
    token = psutil.Process(lab.record("okafor")["pid"]).environ()["JUPYTERHUB_API_TOKEN"]
    assert lab.hub_api("GET", "user", token).status_code == 200
    lab.stop_server("okafor")
    assert lab.hub_api("GET", "user", token).status_code == 403
    assert lab.processes() == []
    assert lab.record("okafor") == {}
    lab.wait(lambda: newest_state(lab, "okafor") == "ended")


def test_nothing_of_an_earlier_start_is_used_again(hub):
    assert not hub.model("okafor")
    hub.start("okafor", environment="lab")
    hub.wait(lambda: hub.is_ready("okafor"))
    assert "BEAMTORCH_DATASET" not in psutil.Process(hub.record("okafor")["pid"]).environ()


def test_a_killed_lab_is_noticed_with_its_signal(lab):
    start_kernel_with_a_stubborn_child(lab)
    os.kill(lab.record("okafor")["pid"], signal.SIGKILL)
    lab.wait(lambda: not lab.model("okafor"))
    lab.wait(lambda: newest_state(lab, "okafor") == "failed")
    assert "signal 9" in lab.leases("okafor")[0]["reason"]["en"]
    lab.wait(lambda: lab.processes() == [])
    assert lab.record("okafor") == {}


def test_a_lab_that_died_while_the_hub_was_away_is_noticed_at_its_return(lab):
    lab.kill("hub")
    os.kill(lab.record("okafor")["pid"], signal.SIGKILL)
    lab.start_hub()
    lab.wait(lambda: not lab.model("okafor"))
    lab.wait(lambda: newest_state(lab, "okafor") == "ended")
    assert lab.leases("okafor")[0]["reason"]["en"] == "The server ended while the hub was away."
    lab.wait(lambda: lab.processes() == [])


def test_a_hub_killed_in_the_middle_of_a_start_finds_the_lab_or_nothing_stays(hub):
    hub.hub_api("POST", "users/zhang")
    with contextlib.suppress(httpx.ReadTimeout):
        hub.hub_api("POST", "users/zhang/server", json={"user_options": {"environment": "lab"}}, timeout=0.2)
    record = hub.wait(lambda: hub.record("zhang"))
    hub.kill("hub")
    hub.start_hub()
    hub.wait(lambda: hub.is_ready("zhang"))
    assert hub.record("zhang") == record
    assert lab_api(hub, "zhang", "GET", "api/status").status_code == 200
    hub.wait(lambda: newest_state(hub, "zhang") == "running")
    hub.stop_server("zhang")
    assert hub.processes() == []


def test_a_lease_whose_server_is_lost_does_not_lock_its_owner_out(hub):
    body = {"username": "zhang", "server": "", "user_options": {"environment": "lab"}}
    lost = hub.api("POST", "admissions", hub.tokens["torch"], json=body).json()["lease"]
    hub.api("PATCH", f"leases/{lost}", hub.tokens["torch"], json={"state": "running"})
    assert hub.start("zhang", environment="lab").status_code in {201, 202}
    hub.wait(lambda: hub.is_ready("zhang"))
    assert {lease["state"] for lease in hub.leases("zhang") if lease["id"] == lost} == {"ended"}


def test_a_chinese_speaker_gets_a_chinese_lab(hub):
    if not hub.model("zhang"):
        hub.start("zhang", environment="lab")
    hub.wait(lambda: hub.is_ready("zhang"))
    plugin = "@jupyterlab/translation-extension:plugin"
    settings = lab_api(hub, "zhang", "GET", f"lab/api/settings/{plugin}").json()
    assert settings["schema"]["properties"]["locale"]["default"] == "zh_CN"
    page = lab_api(hub, "zhang", "GET", "lab").text
    assert "@jupyterlab/apputils-extension:announcements" in page
    hub.stop_server("zhang")
