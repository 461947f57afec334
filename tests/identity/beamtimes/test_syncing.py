"""Bringing a tree in line: again, interrupted, on trial, and while others move things about in it."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from beamtorch_identity.acl.posix import PosixAccessControl
from beamtorch_identity.beamtimes.record import NAME
from beamtorch_identity.beamtimes.report import EVERY, Pace, SyncReport
from beamtorch_identity.beamtimes.tree import MOST_LEVELS, Left, walk
from beamtorch_identity.commands import beamtime


class Mortal(PosixAccessControl):
    """The real thing, in a process that is killed after some writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self._writes = writes

    def apply(self, descriptor, seen, grants, owner):
        if not self._writes:
            os.kill(os.getpid(), signal.SIGKILL)
        self._writes -= 1
        super().apply(descriptor, seen, grants, owner)


def test_a_second_run_changes_nothing_and_says_so(world, capsys):
    world.fill()
    world.joins("new")
    assert beamtime.main(world.words("sync-access")) == 0
    told = capsys.readouterr().out
    assert "BL-B7/BT-26-0417: 325 entries, 325 changed (0 lost rights, 325 only got some)" in told
    before = world.tree()
    assert beamtime.main(world.words("sync-access", "BT-26-0417")) == 0
    assert "everything is as it should be" in capsys.readouterr().out
    assert world.tree() == before


def test_a_dry_run_says_what_would_change_and_changes_nothing(world, capsys):
    world.fill()
    world.joins("new")
    world.leaves("bo")
    before, record = world.tree(), (world.folder.path / NAME).read_text()
    assert beamtime.main(world.words("sync-access", "--dry-run")) == 0
    told = capsys.readouterr().out
    assert "325 would be changed (325 lost rights, 0 only got some)" in told
    assert f"{world.folder.path}: -user:53002:r-x, +user:53005:r-x" in told
    assert "… and 305 more" in told
    assert world.tree() == before
    assert (world.folder.path / NAME).read_text() == record

    assert beamtime.main(world.words("sync-access", "--json", "--dry-run")) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["dry_run"], document["failed"]) == (True, [])
    assert document["beamtimes"][0]["taken"] == 325
    assert world.tree() == before
    assert beamtime.main(world.words("sync-access", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["beamtimes"][0]["taken"] == 325


def killed_after(world, writes: int) -> int:
    child = os.fork()
    if child == 0:
        try:
            world.sync(control=Mortal(writes))
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return -os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("writes", [0, 1, 2, 7, 60, 100, 162])
def test_a_run_that_was_killed_is_completed_by_the_next_one(world, writes):
    world.fill(files=10)
    expected = 165
    world.leaves("bo")
    world.joins("new")
    assert killed_after(world, writes) == signal.SIGKILL
    if writes:
        assert not world.can("bo", "ls .")
    assert world.sync().changed == expected - writes
    assert world.sync().changed == 0
    assert "53002" not in world.tree()
    assert world.can("new", "cat raw/d10/e/f; echo 2 >> share/d10/e/f; ls .")


def test_what_is_too_much_goes_before_anything_is_given(world):
    world.fill(files=10)
    world.joins("new")
    last = world.area("share") / "d1" / "e" / "f"
    subprocess.run(["setfacl", "-m", "u:53004:rw", str(last)], check=True)
    assert killed_after(world, 1) == signal.SIGKILL
    assert "53004" not in world.tree()
    lists = subprocess.run(["getfacl", "-Rpn", str(world.layout.root)], capture_output=True, text=True, check=True)
    assert lists.stdout.count("\nuser:53005:") == 1, "only the file that lost something is in line already"


def test_a_command_that_is_killed_with_signal_nine_leaves_nothing_that_the_next_does_not_mend(world):
    world.fill(files=400)
    world.leaves("bo")
    script = "import sys; from beamtorch_identity.commands.beamtime import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", script, *world.words("sync-access")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        attribute = "system.posix_acl_access"
        before = os.getxattr(world.area("processed"), attribute)
        while os.getxattr(world.area("processed"), attribute) == before:
            assert process.poll() is None
        process.kill()
    share = os.getxattr(world.area("share") / "d1" / "f", attribute)
    assert (53002).to_bytes(4, "little") in share, "it was killed before its end"
    assert not world.can("bo", "ls .")
    assert world.sync().changed > 0
    assert world.sync().changed == 0
    assert "53002" not in world.tree()


def test_a_link_that_takes_a_folders_place_during_the_walk_leads_nowhere(world):
    world.fill(files=2)
    outside = world.root / "outside"
    (outside / "e").mkdir(parents=True)
    (outside / "e" / "secret").touch(mode=0o600)
    noted, visited = [], []
    descriptor = os.open(world.area("scratch"), os.O_RDONLY)
    for one in walk(descriptor, "scratch", lambda place, why: noted.append((place, why))):
        visited.append(one.place)
        if len(visited) == 2:
            # One of two folders is open; the name of the other one is known by now.
            other = "d1" if one.place.endswith("d2") else "d2"
            (world.area("scratch") / other).rename(world.area("scratch") / "moved")
            (world.area("scratch") / other).symlink_to(outside)
    os.close(descriptor)
    assert noted == [(f"scratch/{other}", Left.VANISHED)]
    assert not [place for place in visited if "secret" in place]


def test_no_link_that_is_swapped_in_while_a_run_goes_on_ever_leads_outside(world):
    world.create()
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "secret").touch(mode=0o600)
    (outside / "secret").chmod(0o600)
    before = [(path.stat().st_ctime_ns, path.stat().st_mode) for path in (outside, outside / "secret")]
    swapping = (
        "import os, sys\n"
        "os.chdir(sys.argv[1]); os.umask(0)\n"
        "os.mkdir('d'); open('f', 'w').close()\n"
        "os.symlink(sys.argv[2], 'ld'); os.symlink(sys.argv[2] + '/secret', 'lf')\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for real, link in (('d', 'ld'), ('f', 'lf')):\n"
        "        os.rename(real, 'x'); os.rename(link, real); os.rename('x', link)\n"
    )
    words = [sys.executable, "-c", swapping, str(world.area("scratch")), str(outside)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        runs = vanished = 0
        while vanished < 20 or runs < 100:
            world.joins("new") if runs % 2 else world.leaves("new")
            vanished += world.sync().left[Left.VANISHED]
            runs += 1
            assert runs < 10_000, "nothing is ever swapped at the right moment"
        assert process.poll() is None
        process.kill()
    assert [(path.stat().st_ctime_ns, path.stat().st_mode) for path in (outside, outside / "secret")] == before


def test_a_file_with_a_name_elsewhere_is_left_alone_and_one_with_all_names_inside_is_not(world, capsys):
    world.create()
    outside = world.root / "private"
    outside.touch(mode=0o600)
    outside.chmod(0o600)
    os.link(outside, world.area("scratch") / "borrowed")
    assert world.can("ada", "echo 1 > scratch/a; mkdir scratch/d; ln scratch/a scratch/d/b; ln scratch/a scratch/d/c")
    os.link(world.area("scratch") / "a", world.area("scratch") / "again")
    world.joins("new")
    assert beamtime.main(world.words("sync-access")) == beamtime.SOME_LEFT
    told = capsys.readouterr().err
    assert "left alone (has names elsewhere): " + str(world.area("scratch") / "borrowed") in told
    assert "  1 left alone; look at them" in told
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert world.can("new", "echo 2 >> scratch/d/c")


def test_what_is_mounted_below_is_not_entered(world):
    world.create()
    elsewhere, mounted = world.root / "elsewhere", world.area("scratch") / "mounted"
    elsewhere.mkdir()
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (mounted / "file").touch(mode=0o600)
        report = world.sync()
        assert report.left == {Left.MOUNT: 1}
        assert report.left_places == [(str(mounted), Left.MOUNT)]
        assert stat.S_IMODE((mounted / "file").stat().st_mode) == 0o600
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_tree_deeper_than_descriptors_reach_is_named_and_the_rest_is_done(world):
    world.create()
    here = os.open(world.area("scratch"), os.O_RDONLY)
    for _ in range(MOST_LEVELS + 5):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    report = world.sync()
    assert report.left == {Left.TOO_DEEP: 1}
    assert report.entries == 5 + MOST_LEVELS - 1
    subprocess.run(["rm", "-rf", str(world.area("scratch") / "d")], check=True)


def test_names_of_any_bytes_are_set_and_printed(world, capsys):
    world.create()
    os.close(os.open(os.fsencode(world.area("scratch")) + b"/a\xff\nb", os.O_CREAT, 0o600))
    assert beamtime.main(world.words("sync-access", "--dry-run")) == 0
    told = capsys.readouterr().out
    assert r"a\xff\nb: " in told
    assert world.sync().changed == 1


def test_an_immutable_file_is_named_and_the_rest_is_done(world):
    world.fill(files=3)
    file = world.area("processed") / "d2" / "f"
    if subprocess.run(["chattr", "+i", str(file)], capture_output=True, check=False).returncode:
        pytest.skip("the file system knows no immutable files")
    try:
        world.joins("new")
        report = world.sync()
    finally:
        subprocess.run(["chattr", "-i", str(file)], check=True)
    assert report.left == {Left.REFUSED: 1}
    assert report.left_places == [(str(file), Left.REFUSED)]
    assert world.sync().changed == 1


def test_a_long_run_says_how_far_it_is():
    told: list[str] = []
    pace, report = Pace(tell=told.append), SyncReport("BL-B7/BT-26-0417")
    pace._told -= 2
    for _ in range(2 * EVERY):
        pace.step(report)
    assert len(told) == 1
    assert told[0].startswith("BL-B7/BT-26-0417: 1,024 looked at, 0 not in line, ")
