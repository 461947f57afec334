"""Four people, five places, six ways to a file: the kernel decides, and every way says what the kernel says."""

import hashlib
import os
import re
import subprocess
from itertools import count, product

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.platform]

DENIED, HIDDEN = "Permission denied", "not in the catalogue"
ON_DISK = {
    "own raw": {"ito", "lund", "haas"},
    "own processed": {"ito", "lund", "haas"},
    "colleague's share": {"ito", "lund", "reyes", "haas"},
    "other group's": {"ito", "lund", "reyes", "haas"},
    "embargoed": {"reyes", "haas"},
}
"""Who reads what by the rules of beamtimes: haas looks after a beamline, the other group's data are released."""
IN_CATALOGUE = {**ON_DISK, "colleague's share": {"lund"}, "other group's": {"reyes"}}
"""To whom the catalogue shows it: the team, and the beamline's staff. On the web the stricter of the two counts."""
NUMBERS = count(1)
WAYS = ("kernel", "terminal", "app", "ssh", "web", "transfer")


def by_the_kernel(place):
    """Ask the kernel itself, in a process that has nothing of the platform; for the web keep the catalogue's rule."""
    cells = {}
    for (user, person), (name, path) in product(place.people.items(), place.paths.items()):
        done = person.run("cat", str(path))
        assert not done.returncode or DENIED.encode() in done.stderr
        got = DENIED if done.returncode else hashlib.sha256(done.stdout).hexdigest()
        for way in WAYS:
            is_shown = way != "web" or user in IN_CATALOGUE[name]
            cells[user, name, way] = got if is_shown else HIDDEN
    return cells


def by_the_ways(place, ways):
    return {
        (user, name, way): ways[user][way].read(path)
        for (user, way), (name, path) in product(product(place.people, WAYS), place.paths.items())
    }


def test_all_120_cells_are_as_the_access_lists_say(place, ways):
    expected = by_the_kernel(place)
    readers = {name: {user for user in place.people if expected[user, name, "ssh"] != DENIED} for name in place.paths}
    assert readers == ON_DISK
    assert len(expected) == 120

    assert by_the_ways(place, ways) == expected


@pytest.mark.parametrize(
    "entry",
    [("ito", "own raw", 0), ("lund", "own processed", 1), ("haas", "embargoed", 2)],
    ids=["of the file", "of the dataset's folder", "of the area's folder"],
)
def test_an_entry_taken_out_flips_the_cells_that_the_kernel_says_and_no_others(place, ways, entry):
    user, name, up = entry
    path = place.paths[name]
    carrier = str([path, *path.parents][up])
    before = by_the_kernel(place)
    kept = subprocess.run(["getfacl", "-p", "-n", carrier], check=True, capture_output=True).stdout

    subprocess.run(["setfacl", "-x", f"u:{place.people[user].uid}", carrier], check=True)
    try:
        expected, after = by_the_kernel(place), by_the_ways(place, ways)
    finally:
        subprocess.run(["setfacl", "--restore=-"], input=kept, check=True)

    assert after == expected
    assert {cell for cell in after if after[cell] != before[cell]} == {(user, name, way) for way in WAYS}
    assert by_the_ways(place, ways) == before


def rights(path):
    """Return owner, group, mode and access list of a file, all as numbers."""
    seen = path.stat()
    listed = subprocess.run(["getfacl", "-n", "-c", "-E", "-p", str(path)], check=True, capture_output=True, text=True)
    return {"uid": seen.st_uid, "gid": seen.st_gid, "mode": f"{seen.st_mode & 0o7777:o}", "acl": listed.stdout.split()}


@pytest.fixture
def source(tmp_path):
    """A file on the person's own machine."""
    path = tmp_path / "source"
    path.write_bytes(b"result")
    return path


@pytest.fixture
def made(place):
    """A folder of our own beamtime's processed data, and the rights of what is made there without any platform."""
    person = place.people["ito"]
    folder = place.folder("BT-26-3101") / "processed" / f"made-{next(NUMBERS)}"
    plain = folder / "plain"
    done = person.run("sh", "-c", f'umask 0007; mkdir "{folder}" && echo result > "{plain}"')
    assert done.returncode == 0, done.stderr
    return folder, rights(plain)


def test_files_written_by_every_way_have_the_same_owner_group_mode_and_list(place, ways, made, source):
    folder, as_made_there = made
    source.chmod(0o664)
    paths = {way: folder / way for way in WAYS if way != "web"}

    for way, path in paths.items():
        ways["ito"][way].write(path, source)

    assert {way: path.read_bytes() for way, path in paths.items()} == dict.fromkeys(paths, b"result")
    assert {way: rights(path) for way, path in paths.items()} == dict.fromkeys(paths, as_made_there)
    team = {place.people[user].uid for user in ON_DISK["own processed"]}
    assert as_made_there["uid"] == place.people["ito"].uid
    assert {f"user:{uid}:rwx" for uid in team} == {one for one in as_made_there["acl"] if re.match(r"user:\d", one)}
    assert "mask::rw-" in as_made_there["acl"]


def copies(ways, folder, source):
    """Copy a file by every client that sends its mode along; return what came of it."""
    ssh, transfer = ways["ito"]["ssh"], ways["ito"]["transfer"]
    for name, words in (("scp", ["scp"]), ("scp-O", ["scp", "-O"])):
        ssh.run(*words, *ssh.options, str(source), f"{ssh.host}:{folder / name}", check=True)
    ssh.run("sftp", *ssh.options, "-b", "-", ssh.host, given=f'put "{source}" "{folder / "sftp"}"\n', check=True)
    assert transfer.rsync(str(source), f"{ssh.host}:{folder / 'rsync'}").returncode == 0
    return [folder / name for name in ("scp", "scp-O", "sftp", "rsync")]


@pytest.mark.parametrize("mode", [0o664, 0o644, 0o600], ids=oct)
def test_a_copy_gives_others_what_its_source_gave_its_group_until_rights_are_synced(place, ways, made, source, mode):
    mask = {0o664: "rw-", 0o644: "r--", 0o600: "---"}[mode]
    folder, as_made_there = made
    source.chmod(mode)
    narrowed = [f"mask::{mask}" if one.startswith("mask") else one for one in as_made_there["acl"]]

    for path in copies(ways, folder, source):
        assert rights(path) == {**as_made_there, "mode": f"{mode & 0o660:o}", "acl": narrowed}, path.name
    by_the_folder = folder / "by-the-folder"
    done = ways["ito"]["transfer"].rsync("--chmod=ugo=rwX", str(source), f"beamtorch-default:{by_the_folder}")
    assert done.returncode == 0, done.stderr
    assert rights(by_the_folder) == as_made_there

    place.operate("beamtime", "sync-access", "BT-26-3101")
    assert {str(rights(path)) for path in folder.iterdir()} == {str(as_made_there)}


def test_a_copy_that_keeps_its_mode_is_still_closed_to_other_groups_by_the_folder_above(place, ways, made, source):
    folder, _ = made
    source.chmod(0o644)
    ssh, transfer = ways["ito"]["ssh"], ways["ito"]["transfer"]
    ssh.run("scp", "-p", *ssh.options, str(source), f"{ssh.host}:{folder / 'scp'}", check=True)
    assert transfer.rsync("-a", str(source), f"{ssh.host}:{folder / 'rsync'}").returncode == 0

    for path in (folder / "scp", folder / "rsync"):
        assert rights(path)["mode"] == "644"
        readers = {user for user, person in place.people.items() if person.run("cat", str(path)).returncode == 0}
        assert readers == ON_DISK["own processed"]


def test_every_way_has_the_groups_too_that_no_name_is_known_for(place, ways):
    person = place.people["lund"]
    apart = (set(person.groups) - set(place.people["ito"].groups)).pop()
    assert subprocess.run(["getent", "group", str(apart)], check=False, capture_output=True).returncode == 2
    path = place.paths["colleague's share"].with_name("of one group")
    path.write_bytes(b"for the group")
    subprocess.run(["setfacl", "-b", str(path)], check=True)
    os.chown(path, 0, apart)
    path.chmod(0o040)

    on_foot = [way for way in WAYS if way != "web"]
    right = hashlib.sha256(b"for the group").hexdigest()
    assert {way: ways["lund"][way].read(path) for way in on_foot} == dict.fromkeys(on_foot, right)
    assert {way: ways["ito"][way].read(path) for way in on_foot} == dict.fromkeys(on_foot, DENIED)
    for user, expected in (("lund", b"for the group"), ("ito", None)):
        ssh = ways[user]["ssh"]
        here = ssh.machine / "by scp"
        ssh.run("scp", *ssh.options, f"{ssh.host}:{path}", str(here))
        assert (here.read_bytes() if here.exists() else None) == expected


@pytest.mark.parametrize("way", ["kernel", "terminal", "app", "ssh"])
def test_each_process_has_all_numbers_of_its_person_and_no_privilege(place, ways, way):
    for user, person in place.people.items():
        said = ways[user][way].status()
        told = {name: re.search(rf"^{name}:\s*(.*)$", said, re.MULTILINE)[1].split() for name in STATUS}
        assert told["Uid"] == [str(person.uid)] * 4
        assert told["Gid"] == [str(person.gid)] * 4
        assert {person.gid, *map(int, told["Groups"])} == {person.gid, *person.groups}
        assert told["NoNewPrivs"] == ["1"]
        assert {int(told[name][0], 16) for name in STATUS if name.startswith("Cap")} == {0}


STATUS = ("Uid", "Gid", "Groups", "NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
"""Lines of ``/proc/self/status`` (proc(5))."""


@pytest.mark.parametrize("way", ["kernel", "terminal", "ssh"])
def test_id_lists_every_group_although_none_has_a_name_here(place, ways, way):
    for user, person in place.people.items():
        said = ways[user][way].shell("id -G")
        assert {int(one) for one in said.split()} == {person.gid, *person.groups}
        for number in person.groups:
            assert subprocess.run(["getent", "group", str(number)], check=False, capture_output=True).returncode == 2
