"""Telling a lab's process from another that got its number, and its files from another server's."""

import os
import subprocess
import time

import psutil

from beamtorch_spawner.lab_files import LabFiles, LabRecord
from beamtorch_spawner.lab_process import LabProcess, Liveness, is_running, kill


def test_a_process_with_a_lab_s_number_but_another_birth_is_not_the_lab():
    me = psutil.Process()
    assert LabProcess(me.pid, me.create_time(), "lease").liveness() is Liveness.ALIVE
    stranger = LabProcess(me.pid, me.create_time() - 3600, "lease")
    assert stranger.liveness() is Liveness.GONE
    assert stranger.members() == set()


def test_a_clock_that_was_set_does_not_lose_a_lab(eventually):
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "BEAMTORCH_LEASE": "clock-test"}) as child:
        try:
            process = psutil.Process(child.pid)
            # Until it has become what it was told to be, it still has the variables of this process.
            eventually(lambda: "BEAMTORCH_LEASE" in process.environ())
            lab = LabProcess(child.pid, process.create_time() + 3600, "clock-test")
            assert lab.liveness() is Liveness.ALIVE
        finally:
            child.kill()


def test_a_zombie_counts_as_gone():
    child = subprocess.Popen(["true"])
    lab = LabProcess.of(child.pid, "lease")
    until = time.monotonic() + 10
    while lab.liveness() is Liveness.ALIVE and time.monotonic() < until:
        os.sched_yield()
    assert lab.liveness() is Liveness.GONE
    assert not is_running(psutil.Process(child.pid))
    child.wait()
    assert lab.liveness() is Liveness.GONE


def test_what_a_lab_left_behind_is_found_after_its_death_and_nothing_else(tmp_path):
    script = f"setsid --fork sh -c 'echo $$ > {tmp_path}/left; exec sleep 60'; exit 0"
    with subprocess.Popen(["sh", "-c", script], env={**os.environ, "BEAMTORCH_LEASE": "left-test"}) as child:
        lab = LabProcess.of(child.pid, "left-test")
        child.wait()
    while not (tmp_path / "left").exists() or not (tmp_path / "left").read_text().strip():
        os.sched_yield()
    left = int((tmp_path / "left").read_text())
    assert {process.pid for process in lab.members()} == {left}
    kill(lab.members())
    while lab.members():
        os.sched_yield()


def test_names_of_users_and_servers_never_share_a_file_nor_leave_the_folder(tmp_path):
    names = [("a", ""), ("a", "default-2"), ("a--b", "c"), ("../../etc/passwd", ""), ("a/b", "")]
    files = [LabFiles(tmp_path, user, server) for user, server in names]
    assert len({one.record_path for one in files}) == len(names)
    assert all(one.record_path.parent == tmp_path / "run" / "labs" for one in files)
    assert all(one.log_path.parent == tmp_path / "logs" / "labs" for one in files)


def test_a_record_is_forgotten_with_its_own_lease_alone(tmp_path):
    files = LabFiles(tmp_path, "okafor", "")
    record = LabRecord(pid=1, create_time=1.0, user="okafor", server="", environment="lab", lease="new", port=5)
    files.write(record)
    files.forget("old")
    assert files.record() == record
    files.forget("new")
    assert files.record() is None


def test_a_damaged_record_counts_as_none(tmp_path):
    files = LabFiles(tmp_path, "okafor", "")
    files.record_path.parent.mkdir(parents=True)
    files.record_path.write_text('{"pid": 1')
    assert files.record() is None


def test_the_log_of_the_start_before_is_kept_beside_the_new_one(tmp_path):
    files = LabFiles(tmp_path, "okafor", "ct")
    for words in (b"first\n", b"second\n"):
        with files.new_log() as log:
            log.write(words)
    assert files.last_words() == "second"
    assert files.log_path.with_suffix(".log.1").read_bytes() == b"first\n"
