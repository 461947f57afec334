"""The supervisor, with small real processes in the place of the platform's."""

import os
import signal
import subprocess
import sys
import time

import psutil

from beamtorch_hub.platform import requests
from beamtorch_hub.platform.record import PlatformState, is_alive, read_record
from beamtorch_hub.platform.requests import Request
from beamtorch_hub.platform.sweep import MARK, end_labs, end_leftovers
from beamtorch_spawner.launch import LEASE_MARK


def test_all_processes_start_side_by_side_and_the_record_says_ready(supervise, stand_in, home, eventually):
    running = supervise(stand_in("hub"), stand_in("proxy"))
    eventually(lambda: (record := read_record(home)) and record.state is PlatformState.READY)
    assert running.is_up("hub")
    assert running.is_up("proxy")
    assert oct(home.record.stat().st_mode & 0o777) == "0o600"


def test_a_killed_process_is_started_again_and_the_others_stay(supervise, stand_in, eventually):
    running = supervise(stand_in("hub"), stand_in("proxy"))
    eventually(lambda: running.is_up("hub") and running.is_up("proxy"))
    proxy = running.pid("proxy")
    os.kill(running.pid("hub"), signal.SIGKILL)
    eventually(lambda: running.is_up("hub", starts=2))
    assert "hub ended (killed, signal 9), started again" in running.said
    assert running.pid("proxy") == proxy
    assert running.is_up("proxy", starts=1)


def test_a_process_that_ends_at_its_start_is_named_with_the_end_of_its_log(supervise, stand_in):
    running = supervise(stand_in("proxy"), stand_in("catalogue", "failing"))
    running.thread.join()
    assert running.error is not None
    assert running.error.exit_code == 14
    assert "The catalogue ended at once (exit status 3)" in running.error.detail.en
    assert "the database is of another age" in running.error.detail.en
    assert "the database is of another age" in running.error.detail.zh
    assert not is_alive(running.supervisor.children["proxy"].pid, None)


def test_a_process_that_ends_again_and_again_ends_the_platform(supervise, stand_in):
    running = supervise(stand_in("hub"), stand_in("spawner", "frail"))
    running.thread.join()
    assert running.error is not None
    assert running.error.exit_code == 15
    assert "The spawner ended 6 times within a minute" in running.error.detail.en
    assert "serving at" in running.error.detail.en
    assert not is_alive(running.supervisor.children["hub"].pid, None)


def test_a_wish_restarts_one_process_and_leaves_the_others(supervise, stand_in, home, eventually):
    running = supervise(stand_in("hub"), stand_in("catalogue"))
    eventually(lambda: running.is_up("hub") and running.is_up("catalogue"))
    hub, catalogue = running.pid("hub"), running.pid("catalogue")
    requests.send(home, Request(action="restart", child="hub"))
    eventually(lambda: running.is_up("hub", starts=2))
    assert running.pid("hub") != hub
    assert running.pid("catalogue") == catalogue


def test_what_is_no_wish_is_thrown_away(supervise, stand_in, home, eventually):
    running = supervise(stand_in("hub"))
    eventually(lambda: running.is_up("hub"))
    (home.requests / "odd.json").write_text('{"action": "sing"}')
    (home.requests / "unknown.json").write_text('{"action": "restart", "child": "nobody"}')
    eventually(lambda: not list(home.requests.glob("*.json")))
    assert running.is_up("hub")


def test_a_wish_to_stop_ends_all_processes_and_what_they_had_started(supervise, stand_in, home, eventually):
    running = supervise(stand_in("hub"), stand_in("proxy"))
    eventually(lambda: running.is_up("hub") and running.is_up("proxy"))
    pids = [running.pid("hub"), running.pid("proxy")]
    requests.send(home, Request(action="stop", keep_labs=True))
    running.thread.join()
    assert running.error is None
    assert running.supervisor.keep_labs
    assert not any(is_alive(pid, None) for pid in pids)


def test_the_logs_of_the_last_starts_are_kept(supervise, stand_in, home, eventually):
    for number in range(5):
        (home.logs / "hub.log").write_text(f"life {number}\n")
        running = supervise(stand_in("hub"))
        eventually(lambda running=running: running.is_up("hub"))
        running.stop()
    assert [(home.logs / f"hub.log.{n}").read_text() for n in (1, 2, 3)] == [f"life {n}\n" for n in (4, 3, 2)]
    assert not (home.logs / "hub.log.4").exists()


def test_leftovers_are_found_by_their_mark_and_a_shell_that_only_names_the_home_is_spared(home, eventually):
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    ours = subprocess.Popen(sleeper, env={**os.environ, MARK: str(home.root)}, start_new_session=True)
    shell = subprocess.Popen(sleeper, env={**os.environ, "BEAMTORCH_HOME": str(home.root)})
    other = subprocess.Popen(sleeper, env={**os.environ, MARK: f"{home.root}-2"})
    try:
        eventually(lambda: MARK in psutil.Process(ours.pid).environ())
        assert len(end_leftovers(home, keep_labs=False)) == 1
        assert ours.wait(10) == -signal.SIGTERM
        assert shell.poll() is None
        assert other.poll() is None
    finally:
        for process in (ours, shell, other):
            process.kill()
            process.wait()


def test_a_lab_is_ended_with_its_kernels_unless_it_is_to_be_kept(home, eventually):
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    environment = {**os.environ, MARK: str(home.root), LEASE_MARK: "l-1"}
    lab = subprocess.Popen(sleeper, env=environment, start_new_session=True)
    kernel = subprocess.Popen(sleeper, env=environment, start_new_session=True)
    try:
        eventually(lambda: MARK in psutil.Process(lab.pid).environ() and MARK in psutil.Process(kernel.pid).environ())
        born = psutil.Process(lab.pid).create_time()
        record = home.labs / "marsh--default.json"
        record.write_text(f'{{"pid": {lab.pid}, "create_time": {born}, "user": "marsh", "server": "", "lease": "l-1"}}')
        assert end_leftovers(home, keep_labs=True) == []
        assert lab.poll() is None
        assert kernel.poll() is None
        assert [ended.user for ended in end_labs(home)] == ["marsh"]
        end_leftovers(home, keep_labs=False)
        assert lab.wait(10) == -signal.SIGTERM
        assert kernel.wait(10) == -signal.SIGTERM
        assert not record.exists()
    finally:
        for process in (lab, kernel):
            process.kill()
            process.wait()


def test_a_record_of_a_number_that_belongs_to_somebody_else_now_ends_nobody(home):
    bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    try:
        (home.labs / "marsh--default.json").write_text(
            f'{{"pid": {bystander.pid}, "create_time": {time.time() - 86400}, "user": "marsh"}}'
        )
        assert end_labs(home) == []
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
