"""Beamtimes from their making to their end: records, commands, and what is refused before anything is changed."""

import fcntl
import json
import os
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest

from beamtorch_facility.data_layout import Area
from beamtorch_facility.directory import DirectoryError
from beamtorch_facility.proposal import ProposalId
from beamtorch_identity.acl.errors import AclUnsupportedError
from beamtorch_identity.beamtimes.errors import (
    BeamtimeExistsError,
    BusyError,
    GroupUnnumberedError,
    NobodyError,
    NoSuchBeamtimeError,
    NotRootError,
    RecordUnreadableError,
)
from beamtorch_identity.beamtimes.finding import find, record_at, recorded
from beamtorch_identity.beamtimes.founding import found_beamtime
from beamtorch_identity.beamtimes.record import NAME, EntriesBy
from beamtorch_identity.beamtimes.syncing import held
from beamtorch_identity.commands import access, beamtime
from beamtorch_identity.credentials import Credentials


def test_a_directory_without_people_takes_nothing_from_anybody(world, capsys):
    world.fill(files=1)
    before = world.tree()
    world.directory.write_text("people: []\n")
    with pytest.raises(NobodyError, match="no people at all"):
        beamtime.main(world.words("sync-access"))
    world.directory.unlink()
    with pytest.raises(DirectoryError):
        beamtime.main(world.words("sync-access"))
    world.people = {name: world.people[name] for name in ("sam", "out")}
    world.write_people()
    assert beamtime.main(world.words("sync-access")) == beamtime.SOME_LEFT
    assert "nobody in the team of proposal 2026-0988" in capsys.readouterr().err
    with pytest.raises(NobodyError):
        world.create()
    assert world.tree() == before

    assert beamtime.main(world.words("sync-access", "--empty-team")) == 0
    assert "53001" not in world.tree().replace(":53001:53001", "")
    assert beamtime.main(world.words("sync-access")) == 0, "there is nobody left whose rights it could take"


def test_one_beamtime_that_cannot_be_set_does_not_keep_others_from_being_set(world, capsys):
    world.create()
    first = world.folder
    other = world.record.model_copy(update={"beamtime": type(world.record.beamtime)("BT-26-0500")})
    world.beamtimes().create(other, world.people.values())
    (first.path / NAME).write_text("beamline: BL-B7\nsurprise: 1\n")
    world.joins("new")
    assert beamtime.main(world.words("sync-access")) == beamtime.SOME_LEFT
    told = capsys.readouterr()
    assert "BL-B7/BT-26-0417: " in told.err
    assert "surprise" in told.err
    assert "BL-B7/BT-26-0500: 5 entries, 5 changed" in told.out


def test_two_runs_at_once_are_one_too_many(world):
    world.create()
    with held(world.folder.path), pytest.raises(BusyError, match="Wait"):
        world.sync()
    descriptor = os.open(world.folder.path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    world.sync()


def test_the_record_is_roots_alone_and_says_what_was_said(world):
    world.create()
    path = world.folder.path / NAME
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o600, 0)
    assert record_at(world.folder.path) == world.record
    assert [folder.path for folder in recorded(world.layout)] == [world.folder.path]
    assert find(world.layout, "BL-B7/BT-26-0417") == find(world.layout, "BT-26-0417") == world.folder
    for name in ("BT-26-0418", "BL-B8/BT-26-0417"):
        with pytest.raises(NoSuchBeamtimeError):
            find(world.layout, name)


def test_a_record_that_somebody_else_could_have_written_counts_for_nothing(world):
    world.create()
    path = world.folder.path / NAME
    path.chmod(0o660)
    with pytest.raises(RecordUnreadableError, match="others than its owner"):
        world.sync()
    path.chmod(0o600)
    os.chown(path, 53001, 53001)
    with pytest.raises(RecordUnreadableError, match="others than its owner"):
        world.sync()
    os.chown(path, 0, 0)
    path.rename(world.root / "elsewhere")
    path.symlink_to(world.root / "elsewhere")
    with pytest.raises(RecordUnreadableError):
        world.sync()
    path.unlink()
    with pytest.raises(RecordUnreadableError, match="not there"):
        world.sync()


def test_the_record_of_another_beamtime_counts_for_nothing(world):
    world.create()
    moved = world.folder.path.with_name("BT-26-9999")
    world.folder.path.rename(moved)
    with pytest.raises(RecordUnreadableError, match="BL-B7/BT-26-0417"):
        world.beamtimes().sync(find(world.layout, "BT-26-9999"), world.people.values())


def test_creating_again_is_the_same_and_creating_otherwise_is_refused(world):
    world.fill(files=1)
    report = world.beamtimes().create(world.record, iter(world.people.values()))
    assert report is not None
    assert report.changed == 0
    with pytest.raises(BeamtimeExistsError, match="another proposal, embargo_until"):
        world.create(proposal=ProposalId("2026-1417"), embargo_until=None)
    assert record_at(world.folder.path).proposal == "2026-0988"


def test_a_folder_with_data_is_taken_over(world):
    for name in ("raw", "processed"):
        world.area(name).mkdir(parents=True)
        (world.area(name) / "old.h5").write_text("1")
        (world.area(name) / "old.h5").chmod(0o777)
    os.chown(world.area("raw") / "old.h5", 53001, 53001)
    world.layout.root.chmod(0o700)
    world.create()
    assert world.can("ada", "cat raw/old.h5 processed/old.h5; echo 2 >> processed/old.h5")
    assert not world.can("ada", "echo 2 >> raw/old.h5")
    assert not world.can("ada", "chmod 777 raw/old.h5")
    assert not world.can("out", "cat processed/old.h5")


def test_an_embargo_whose_day_was_before_the_beamtime_is_over_at_once(world):
    report = world.create(embargo_until=date(2020, 1, 1))
    assert report is not None
    assert record_at(world.folder.path).released == world.today
    assert world.can("out", "ls raw")


def test_the_command_makes_a_beamtime_and_shows_it(world, capsys):
    words = ["create", "BL-B7", "BT-26-0417", "--proposal", "2026-0988", "--start", "2026-11-21"]
    words += ["--owner", "53009:63009", "--embargo-until", "2029-11-21"]
    assert beamtime.main(world.words(*words, "--dry-run")) == 0
    assert "Would make" in capsys.readouterr().out
    assert not world.layout.root.exists()
    assert beamtime.main(world.words(*words)) == 0
    assert "is for 2 of the team and 1 of the staff" in capsys.readouterr().out
    assert record_at(world.folder.path) == world.record
    assert beamtime.main(world.words("show")) == 0
    told = capsys.readouterr().out
    assert "open, under embargo until 2029-11-21" in told
    assert "team: ada, bo" in told
    assert beamtime.main(world.words("close", "BT-26-0417")) == 0
    assert beamtime.main(world.words("release", "BT-26-0417")) == 0
    capsys.readouterr()
    assert beamtime.main(world.words("show", "BT-26-0417", "--json")) == 0
    shown = json.loads(capsys.readouterr().out)[0]
    assert (shown["embargoed"], shown["team"], shown["staff"]) == (False, ["ada", "bo"], ["sam"])
    assert shown["closed"] == shown["released"]


@pytest.mark.parametrize(
    "wrong",
    [("--start", "yesterday"), ("--owner", "root:root"), ("--owner", "1"), ("--entries", "everybody")],
)
def test_words_that_mean_nothing_are_refused(world, wrong, capsys):
    words = ["create", "BL-B7", "BT-26-0417", "--proposal", "2026-0988", "--start", "2026-11-21", *wrong]
    with pytest.raises(SystemExit):
        beamtime.main(world.words(*words))
    assert wrong[1] in capsys.readouterr().err


def test_the_command_explains_who_reads_and_what_would_help(world, capsys):
    world.create()
    world.can(Credentials(53009, 63009), "echo 1 > raw/scan.h5")
    scan, directory = str(world.area("raw") / "scan.h5"), ["--directory", str(world.directory)]
    assert access.main(["explain", "ada", scan, *directory]) == 0
    assert "named user entry user:53001:r-x, limited by mask::r-- to r--" in capsys.readouterr().out
    assert access.main(["explain", "out", scan, *directory]) == 1
    told = capsys.readouterr().out
    assert f"{world.area('raw')}  STOPS: the entry of all others other::---" in told
    assert "neither in the team of proposal 2026-0988" in told
    assert "under embargo until 2029-11-21" in told
    world.joins("new")
    assert access.main(["explain", "new", scan, "--json", *directory]) == 1
    document = json.loads(capsys.readouterr().out)
    assert "beamtorch beamtime sync-access BL-B7/BT-26-0417" in document["hints"][0]["en"]
    assert document["at"] == str(world.area("raw"))
    world.sync()
    assert access.main(["explain", "new", scan, *directory]) == 0


def test_groups_without_one_number_can_have_no_entries(world):
    world.people["bo"] = world.people["bo"].model_copy(update={"gids": {"proposal-2026-0988": 60989}})
    with pytest.raises(GroupUnnumberedError, match="proposal-2026-0988"):
        world.create(entries=EntriesBy.GROUPS)
    assert not world.folder.path.exists()


def test_a_file_system_without_lists_is_named(world):
    world.layout.root.mkdir()
    mount = ["mount", "-t", "ramfs", "none", str(world.layout.root)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system without ACLs cannot be mounted here")
    try:
        with pytest.raises(AclUnsupportedError, match="acl"):
            world.create()
        assert not world.can("out", "ls .")
    finally:
        subprocess.run(["umount", str(world.layout.root)], check=True)


def test_without_root_there_are_plain_folders_and_no_commands(world):
    world.root.chmod(0o777)
    child = os.fork()
    if child == 0:
        Credentials(53001, 53001).take_on()
        try:
            made = found_beamtime(world.layout, world.record, world.people.values())
            good = all(path.is_dir() for path in map(made.area, Area))
            try:
                world.sync()
            except NotRootError:
                os._exit(7 if good else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert world.area("raw").stat().st_uid == 53001


def test_a_demo_makes_its_beamtimes_with_one_call(world):
    made = found_beamtime(world.layout, world.record, world.people.values())
    assert made == world.folder
    assert world.can("ada", "echo 1 > processed/a")
    assert not world.can("out", "ls raw")
    assert isinstance(made.path, Path)
