"""What the commands say when something is in the way: a sentence, and an exit code of its own."""

import errno
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from beamtorch_hub.commands.up import main as up
from beamtorch_hub.errors import PlatformError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.launch import make_home
from beamtorch_hub.platform.lock import locked
from beamtorch_hub.platform.ports import Ports, choose_ports, is_free, port_refusal
from beamtorch_hub.platform.record import PlatformRecord, PlatformState, write_record
from beamtorch_hub.platform.roster import demand_programs, roster
from beamtorch_hub.platform.sweep import MARK
from beamtorch_hub.settings import prepare


def test_a_taken_port_is_named_with_who_has_it_and_another_is_offered(home):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PlatformError) as refused:
            up(["--home", str(home.root), "--port", str(port)])
    assert refused.value.exit_code == 11
    assert f"Port {port} is taken by " in refused.value.detail.en
    assert f"(process {os.getpid()})" in refused.value.detail.en
    assert re.search(r"beamtorch up --home .+ --port \d+$", refused.value.detail.zh)
    assert not home.directory.exists()


def test_a_port_that_needs_root_is_no_riddle():
    refusal = port_refusal(80, errno.EACCES, "beamtorch up")
    assert refusal.exit_code == 11
    assert "for root alone" in refusal.detail.en


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1"])
def test_what_is_no_port_is_a_usage_error(beamtorch, home, port):
    done = beamtorch("up", "--home", home.root, f"--port={port}")
    assert done.returncode == 2
    assert "is no port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_named(beamtorch, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in ((), ("--detach",)):
        done = beamtorch("up", "--home", tmp_path / "file" / "home", *arguments)
        assert done.returncode == 10
        assert str(tmp_path / "file" / "home") in done.stderr
        assert "--home" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_second_start_says_where_the_first_one_is(beamtorch, home):
    record = PlatformRecord(pid=os.getpid(), create_time=0, state=PlatformState.READY, url="http://127.0.0.1:9/")
    with locked(home):
        write_record(home, record)
        for arguments in ((), ("--detach",)):
            done = beamtorch("up", "--home", home.root, *arguments)
            assert done.returncode == 12
            assert "runs already at http://127.0.0.1:9/" in done.stderr


@pytest.mark.parametrize("command", ["down", "restart", "token"])
def test_what_does_not_run_cannot_be_asked(beamtorch, home, command):
    done = beamtorch(command, "--home", home.root)
    assert done.returncode == 13
    assert f"No platform runs from {home.root}" in done.stderr


def test_the_state_of_nothing_is_told_to_people_and_to_programs(beamtorch, home):
    done = beamtorch("status", "--home", home.root)
    assert done.returncode == 13
    assert "beamtorch up --home" in done.stdout
    done = beamtorch("status", "--home", home.root, "--json")
    assert done.returncode == 13
    told = json.loads(done.stdout)
    assert told["running"] is False
    assert told["children"] == []


def test_a_platform_in_the_middle_of_its_first_start_is_told(beamtorch, home):
    with locked(home):
        done = beamtorch("status", "--home", home.root)
    assert done.returncode == 13
    assert "is just starting" in done.stdout


def test_every_exit_code_is_documented_once():
    page = (Path(__file__).parents[2] / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d+) \| `([a-z-]+)`", page, re.MULTILINE))
    errors = [kind for kind in PlatformError.__subclasses__() if kind.exit_code != PlatformError.exit_code]
    assert {str(kind.exit_code): kind.code for kind in errors} == told
    assert len(errors) == len(told)


def test_a_missing_proxy_sends_to_the_bootstrap_script(tmp_path):
    with pytest.raises(PlatformError) as refused:
        demand_programs(str(tmp_path))
    assert refused.value.exit_code == 16
    assert "./beamtorch" in refused.value.detail.en


def test_a_full_disk_is_said_before_anything_starts(home):
    with pytest.raises(PlatformError) as refused:
        make_home(home, needed=2**62)
    assert refused.value.exit_code == 17
    assert "No space is left" in refused.value.detail.en


def test_a_facility_description_counts_only_for_a_new_home(home, tmp_path):
    home.directory.write_text("people: []\n")
    (tmp_path / "other.yaml").write_text("name: x\n")
    with pytest.raises(PlatformError) as refused:
        up(["--home", str(home.root), "--demo", str(tmp_path / "other.yaml")])
    assert refused.value.exit_code == 18


def test_ports_stay_what_they_were_unless_somebody_took_one():
    first = choose_ports(8000, None)
    assert choose_ports(8000, first) == first
    with socket.create_server(("127.0.0.1", first.hub)):
        second = choose_ports(8000, first)
    assert second.hub != first.hub
    assert (second.proxy_api, second.spawner, second.catalogue) == (first.proxy_api, first.spawner, first.catalogue)
    assert len(set(second.model_dump().values())) == len(Ports.model_fields)
    assert is_free(second.hub)


def test_secrets_are_made_once_for_the_owner_alone_and_shown_nowhere(home):
    settings = prepare(home, 8000)
    assert prepare(home, 8000) == settings
    for path in (home.tokens, home.cookie_secret):
        assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(home.secrets.stat().st_mode & 0o777) == "0o700"
    secret = settings.tokens.platform.get_secret_value()
    assert secret not in repr(settings)
    assert not any(secret in repr(spec) for spec in roster(settings, {}))


def test_a_settings_file_that_is_no_such_thing_is_named_without_its_content(home):
    prepare(home, 8000)
    home.tokens.write_text('{"spawner": "abc-secret", "surplus": "def-secret"}')
    with pytest.raises(PlatformError) as refused:
        prepare(home, 8000)
    assert refused.value.exit_code == 20
    assert str(home.tokens) in refused.value.detail.en
    assert "catalogue" in refused.value.detail.en
    assert "abc-secret" not in refused.value.detail.en


def test_a_process_of_the_platform_gets_nothing_from_a_lab_in_whose_terminal_it_was_started(home):
    around = {"PATH": "/bin", "JUPYTERHUB_API_TOKEN": "t", "BEAMTORCH_LEASE": "l", "LANG": "C", "no_proxy": "intern"}
    for spec in roster(prepare(home, 8000), around):
        assert spec.environment.get("JUPYTERHUB_API_TOKEN") != "t"
        assert "BEAMTORCH_LEASE" not in spec.environment
        assert spec.environment["LANG"] == "C"
        assert spec.environment["NO_PROXY"] == "intern,127.0.0.1,localhost"
        assert spec.environment[MARK] == str(home.root)


def test_down_clears_up_after_a_supervisor_that_was_killed(beamtorch, home: PlatformHome):
    left = subprocess.Popen(
        [sys.executable, "-S", "-c", "print('x', flush=True); import time; time.sleep(600)"],
        env={**os.environ, MARK: str(home.root)},
        stdout=subprocess.PIPE,
    )
    try:
        assert left.stdout.readline()
        done = beamtorch("down", "--home", home.root)
        assert done.returncode == 0
        assert f"(process {left.pid})" in done.stdout
        assert left.wait(10) != 0
    finally:
        left.kill()
        left.wait()
        left.stdout.close()
