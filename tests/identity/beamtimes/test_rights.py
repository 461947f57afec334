"""Who may do what in a beamtime's folder, tried by processes of each of them."""

import subprocess
from datetime import date

import pytest

from beamtorch_identity.beamtimes.record import EntriesBy

USERS = ["user:53001:{p}", "user:53002:{p}", "user:53003:{p}"]
GROUPS = ["group:60988:{p}", "group:70007:{p}"]


def lists(path):
    command = ["getfacl", "-cEnp", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line]


def whole(entries, *, owner="rwx", named, everybody, users):
    """What getfacl prints of a folder that passes its rights on."""
    told = [one.format(p=named) for one in entries]
    own = [f"user::{owner}", *(told if users else []), f"group::{everybody}", *([] if users else told)]
    lines = [*own, f"mask::{named}", f"other::{everybody}"]
    return [*lines, *(f"default:{line}" for line in lines)]


@pytest.mark.parametrize("by", list(EntriesBy))
def test_each_area_has_the_lists_of_its_rights(world, by):
    world.create(entries=by)
    users = by is EntriesBy.USERS
    entries = USERS if users else GROUPS
    expected = {"raw": ("r-x", "---"), "processed": ("rwx", "---"), "scratch": ("rwx", "---"), "share": ("rwx", "r-x")}
    for name, (named, everybody) in expected.items():
        assert lists(world.area(name)) == whole(entries, named=named, everybody=everybody, users=users), name
        assert world.area(name).stat().st_mode & 0o2000
        assert (world.area(name).stat().st_uid, world.area(name).stat().st_gid) == (53009, 63009)
    assert [line for line in lists(world.folder.path) if line.startswith(("mask", "other", "default"))] == [
        "mask::r-x",
        "other::--x",
    ]
    assert world.folder.path.stat().st_uid == 0
    assert [place.stat().st_mode & 0o777 for place in world.folder.path.parents][:3] == [0o711] * 3


@pytest.mark.parametrize("by", list(EntriesBy))
def test_people_can_do_what_their_part_in_the_beamtime_lets_them(world, acquisition, by):
    world.create(entries=by)
    assert world.can(acquisition, "echo 1 > raw/scan.h5; mkdir raw/more; echo 2 > raw/more/next.h5")
    for name in ("processed", "scratch", "share"):
        assert world.can("ada", f"echo 1 > {name}/result.h5; mkdir {name}/more; echo 2 > {name}/more/next.h5")

    for who in ("ada", "bo", "sam"):
        assert world.can(who, "ls . raw raw/more; cat raw/scan.h5 raw/more/next.h5")
        for script in ("echo 3 >> raw/scan.h5", "echo 3 > raw/own", "rm -f raw/scan.h5", "mv raw/more raw/other"):
            assert not world.can(who, script), (who, script)
        assert not world.can(who, "chmod 777 raw/scan.h5")
        for name in ("processed", "scratch", "share"):
            script = f"ls {name}; cat {name}/more/next.h5; echo 4 >> {name}/result.h5; echo 5 > {name}/more/{who}"
            assert world.can(who, f"{script}; rm {name}/more/{who}"), (who, name)
        for script in ("cat .beamtime.yaml", "rm -f .beamtime.yaml", "mkdir own", "mv raw own"):
            assert not world.can(who, script), (who, script)
    assert world.can("out", "ls share; cat share/result.h5 share/more/next.h5")
    for name in ("raw", "processed", "scratch"):
        assert not world.can("out", f"ls {name}")
        assert not world.can("out", f"cat {name}/more/next.h5")
    for script in ("ls .", "cat .beamtime.yaml", "echo 1 > share/own", "echo 1 >> share/result.h5"):
        assert not world.can("out", script), script


@pytest.mark.parametrize("umask", ["000", "022", "077", "777"])
def test_a_new_file_has_the_rights_of_its_folder_whatever_the_umask_of_its_maker(world, umask):
    world.create()
    script = "cd {}; mkdir -p a/b; echo 1 > a/b/new; dd if=/dev/zero of=a/b/dd bs=1 count=1 2>&1"
    for name in ("processed", "scratch", "share"):
        assert world.run("ada", script.format(name), umask).returncode == 0
        for who in ("bo", "sam"):
            assert world.can(who, f"cd {name}; cat a/b/new; echo 2 >> a/b/new; echo 3 >> a/b/dd; echo 4 > a/b/{who}")
        assert world.can("out", f"cat {name}/a/b/new") is (name == "share")
        assert not world.can("out", f"echo 5 >> {name}/a/b/new")
    assert world.sync().changed == 0


def test_after_the_embargo_everybody_reads_raw_and_processed_and_nothing_else(world, acquisition):
    world.create()
    assert world.can(acquisition, "mkdir raw/d; echo 1 > raw/d/scan.h5")
    assert world.can("ada", "echo 1 > processed/result.h5; echo 1 > scratch/try; mkdir processed/d")
    world.today = date(2029, 11, 20)
    report = world.sync()
    assert (report.changed, report.released) == (0, False)
    assert not world.can("out", "cat raw/d/scan.h5")

    world.today = date(2029, 11, 21)
    report = world.sync()
    assert report.released
    assert report.taken == 0
    assert world.can("out", "ls . raw raw/d; cat raw/d/scan.h5 processed/result.h5")
    assert not world.can("out", "ls scratch")
    assert not world.can("out", "echo 1 >> processed/result.h5")
    assert not world.can("out", "echo 1 > processed/d/own")
    assert world.can(acquisition, "echo 2 > raw/d/later.h5")
    assert world.can("out", "cat raw/d/later.h5")
    # Whoever sets a clock back takes nothing back.
    world.today = date(2026, 11, 21)
    report = world.sync()
    assert (report.changed, report.released) == (0, False)


def test_an_embargo_without_a_day_ends_when_somebody_says_so(world, acquisition):
    world.create(embargo_until=None)
    assert world.can(acquisition, "echo 1 > raw/scan.h5")
    world.today = date(2099, 1, 1)
    assert world.sync().changed == 0
    assert world.beamtimes().release(world.folder, world.people.values()).released
    assert world.can("out", "cat raw/scan.h5")


def test_what_is_closed_is_written_by_nobody_while_analysis_goes_on(world, acquisition):
    world.create()
    assert world.can(acquisition, "mkdir raw/d; echo 1 > raw/d/scan.h5")
    world.beamtimes().close(world.folder, world.people.values())
    assert lists(world.area("raw")) == whole(USERS, owner="r-x", named="r-x", everybody="---", users=True)
    for script in ("echo 2 >> raw/d/scan.h5", "echo 2 > raw/d/more", "chmod 777 raw/d/scan.h5", "rm -rf raw/d"):
        assert not world.can(acquisition, script), script
    assert world.can("ada", "cat raw/d/scan.h5; echo 1 > processed/result.h5; echo 1 > share/result.h5")
    world.joins("new")
    world.sync()
    assert world.can("new", "cat raw/d/scan.h5; echo 1 > processed/other.h5")

    world.beamtimes().reopen(world.folder, world.people.values())
    assert world.can(acquisition, "echo 2 >> raw/d/scan.h5; echo 2 > raw/d/more")


def test_who_joins_gets_everything_and_who_leaves_loses_everything(world, acquisition):
    world.create()
    assert world.can(acquisition, "mkdir -p raw/a/b; echo 1 > raw/a/b/scan.h5")
    assert world.can(
        "bo", "mkdir -p share/a/b; echo 1 > share/a/b/own; mkdir -p processed/a/b; echo 1 > processed/a/b/own"
    )
    assert not world.can("new", "cat raw/a/b/scan.h5")
    world.joins("new")
    world.leaves("bo")
    report = world.sync()

    assert report.taken == report.changed > 10
    assert world.can("new", "cat raw/a/b/scan.h5; echo 2 >> processed/a/b/own; echo 2 >> share/a/b/own")
    for script in ("ls processed", "cat raw/a/b/scan.h5", "echo 3 >> share/a/b/own", "chmod 777 share/a/b/own"):
        assert not world.can("bo", script), script
    assert world.can("bo", "cat share/a/b/own")
    # Everywhere below, so that it would not help to stand inside already.
    assert "53002" not in world.tree()
    assert world.sync().changed == 0


def test_the_x_of_a_file_is_its_owners_and_no_data_file_gets_it(world, acquisition):
    world.create()
    assert world.can(
        "ada", "echo 'echo ran' > processed/run.sh; chmod u+x processed/run.sh; echo 1 > processed/data.h5"
    )
    assert world.can(acquisition, "echo 1 > raw/scan.h5; echo 'echo ran' > raw/tool; chmod 755 raw/tool")
    world.joins("new")
    world.sync()
    assert world.run("new", "processed/run.sh").stdout == "ran\n"
    assert world.run("new", "raw/tool").stdout == "ran\n"
    for path in ("processed/data.h5", "raw/scan.h5"):
        for who in ("ada", "new", "sam"):
            assert not world.can(who, f"test -x {path}"), (path, who)


def test_a_file_whose_mode_somebody_changed_is_open_to_the_team_again_and_its_owner_keeps_their_own_part(world):
    world.create()
    assert world.can("ada", "echo 1 > processed/a; chmod 400 processed/a; mkdir processed/d; chmod 700 processed/d")
    assert not world.can("bo", "cat processed/a")
    world.sync()
    assert world.can("bo", "cat processed/a; echo 2 >> processed/a; ls processed/d; echo 1 > processed/d/new")
    assert not world.can("ada", "echo 2 >> processed/a")


def test_entries_that_were_set_by_hand_are_taken_away(world):
    world.create()
    assert world.can("ada", "echo 1 > processed/a; setfacl -m u:53004:rw processed/a")
    subprocess.run(["setfacl", "-m", "u:53004:x", str(world.area("processed"))], check=True)
    assert world.can("out", "cat processed/a")
    assert world.sync().taken == 2
    assert not world.can("out", "cat processed/a")


def test_a_person_without_the_number_of_the_teams_group_gets_an_entry_of_their_own(world):
    new = world.people["new"]
    world.people["new"] = new.model_copy(update={"groups": ("proposal-2026-0988",)})
    world.create(entries=EntriesBy.GROUPS)
    assert "user:53005:rwx" in lists(world.area("scratch"))
    assert world.can("new", "echo 1 > scratch/own")
