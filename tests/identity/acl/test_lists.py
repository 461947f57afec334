"""Lists as the kernel keeps them, judged by Debian's getfacl and setfacl."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from beamtorch_identity.acl import attributes
from beamtorch_identity.acl.errors import (
    AclReadOnlyError,
    AclTooLongError,
    AclUnsupportedError,
    DamagedAclError,
    VanishedError,
)
from beamtorch_identity.acl.model import NONE, RW, RWX, RX, Acl, Permissions, R
from beamtorch_identity.acl.wire import decode, encode

SMALL = Acl(RW, R, NONE, users={1203: RX}, groups={60988: RWX}, mask=RX)
SMALL_BYTES = bytes.fromhex(
    "0200000001000600ffffffff02000500b304000004000400ffffffff080007003cee000010000500ffffffff20000000ffffffff"
)
"""As `getfattr -e hex` shows it of a file made by setfacl."""


def random_list(chance: random.Random) -> Acl:
    def some() -> Permissions:
        return Permissions(chance.randrange(8))

    users = {chance.randrange(2**32 - 1): some() for _ in range(chance.randrange(6))}
    groups = {chance.randrange(2**32 - 1): some() for _ in range(chance.randrange(6))}
    mask = some() if users or groups or chance.random() < 0.3 else None
    return Acl(some(), some(), some(), users, groups, mask)


@pytest.fixture(params=["disk", "memory"])
def somewhere(request: pytest.FixtureRequest, place: Path) -> Iterator[Path]:
    """Two file systems that keep lists differently."""
    if request.param == "disk":
        yield place
        return
    folder = Path(tempfile.mkdtemp(prefix="acl-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Path]:
    """A file system without lists."""
    if subprocess.run(["mount", "-t", "ramfs", "none", str(tmp_path)], capture_output=True, check=False).returncode:
        pytest.skip("a file system without ACLs cannot be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_the_bytes_of_a_list_are_those_of_setfacl(place):
    path = place / "file"
    path.touch(mode=0o640)
    subprocess.run(["setfacl", "-m", "u::rw,u:1203:rx,g::r,g:60988:rwx,m::rx,o::-", str(path)], check=True)

    assert os.getxattr(path, attributes.ACCESS) == SMALL_BYTES == encode(SMALL)
    assert decode(SMALL_BYTES) == SMALL


def test_what_is_written_is_what_getfacl_reads_and_the_other_way_round(somewhere, getfacl):
    chance = random.Random(41)
    for number in range(60):
        acl, default = random_list(chance), random_list(chance)
        folder = somewhere / f"d{number}"
        folder.mkdir()
        descriptor = os.open(folder, os.O_PATH)
        attributes.write_access(descriptor, acl)
        attributes.write_default(descriptor, default)
        assert getfacl(folder, "--access") == acl.lines()
        assert getfacl(folder, "--default") == default.lines()
        assert folder.stat().st_mode & 0o777 == acl.mode

        other = somewhere / f"f{number}"
        other.touch()
        rules = "\n".join(acl.lines()) + "\n"
        subprocess.run(["setfacl", "--set-file=-", str(other)], input=rules, text=True, check=True)
        file = os.open(other, os.O_PATH)
        assert attributes.read_access(file) == acl
        assert attributes.read_default(descriptor) == default
        attributes.write_default(descriptor, None)
        attributes.write_default(descriptor, None)
        assert attributes.read_default(descriptor) is None
        assert getfacl(folder, "--default") == []
        os.close(file)
        os.close(descriptor)


def test_a_list_without_named_entries_leaves_only_the_mode(place, getfacl):
    path = place / "file"
    path.touch()
    subprocess.run(["setfacl", "-m", "u:1203:rwx", str(path)], check=True)
    descriptor = os.open(path, os.O_PATH)
    attributes.write_access(descriptor, Acl.of_mode(0o751))
    os.close(descriptor)

    assert getfacl(path) == ["user::rwx", "group::r-x", "other::--x"]
    with pytest.raises(OSError, match="No data"):
        os.getxattr(path, attributes.ACCESS)


def test_a_name_that_becomes_a_link_is_of_no_matter_to_what_is_open(place, getfacl):
    inside, outside = place / "inside", place / "outside"
    inside.touch()
    outside.touch(mode=0o600)
    before = getfacl(outside)
    descriptor = os.open(inside, os.O_PATH | os.O_NOFOLLOW)
    inside.rename(place / "moved")
    inside.symlink_to(outside)
    attributes.write_access(descriptor, SMALL)
    os.close(descriptor)

    assert getfacl(outside) == before
    assert getfacl(place / "moved") == SMALL.lines()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"", "0 bytes"),
        (SMALL_BYTES[:-1], "51 bytes"),
        (b"\x03" + SMALL_BYTES[1:], "version 3"),
        (SMALL_BYTES + SMALL_BYTES[-8:], "two entries"),
        (SMALL_BYTES[:12] + SMALL_BYTES[12:20] * 2 + SMALL_BYTES[20:], "two entries"),
        (SMALL_BYTES[:-8], "all others"),
        (SMALL_BYTES.replace(bytes.fromhex("10000500"), bytes.fromhex("40000500")), "64"),
        (SMALL_BYTES.replace(bytes.fromhex("10000500"), bytes.fromhex("10000800")), "0o10"),
        (SMALL_BYTES[:-16] + SMALL_BYTES[-8:], "needs a mask"),
    ],
)
def test_bytes_that_are_no_list_are_refused_with_the_reason(broken, said):
    with pytest.raises(ValueError, match=said):
        decode(broken)
    with pytest.raises(DamagedAclError, match=said), attributes.translated("x"):
        decode(broken)


@pytest.mark.parametrize("text", ["r--x", "rx", "xwr", "r w", ""])
def test_letters_in_another_order_are_no_permissions(text):
    with pytest.raises(ValueError, match="no permission"):
        Permissions.parse(text)


def test_a_file_system_without_lists_says_so(foreign):
    path = foreign / "file"
    path.touch(mode=0o640)
    descriptor = os.open(path, os.O_PATH)
    assert attributes.read_access(descriptor) == Acl.of_mode(0o640)
    with pytest.raises(AclUnsupportedError, match="Mount it with"), attributes.translated(path):
        attributes.write_access(descriptor, SMALL)
    os.close(descriptor)


def test_a_read_only_file_system_says_so(place, tmp_path):
    (place / "file").touch()
    if subprocess.run(["mount", "--bind", str(place), str(tmp_path)], capture_output=True, check=False).returncode:
        pytest.skip("a read-only file system cannot be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(tmp_path)], check=True)
        descriptor = os.open(tmp_path / "file", os.O_PATH)
        with pytest.raises(AclReadOnlyError, match="read-only"), attributes.translated(tmp_path):
            attributes.write_access(descriptor, SMALL)
        os.close(descriptor)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_more_entries_than_fit_are_named(place):
    path = place / "file"
    path.touch()
    descriptor = os.open(path, os.O_PATH)
    many = Acl.masked(RW, NONE, NONE, users=dict.fromkeys(range(1000, 12_000), R), groups={})
    with pytest.raises(AclTooLongError, match="entries: groups"), attributes.translated(path):
        attributes.write_access(descriptor, many)
    os.close(descriptor)


def test_a_missing_file_is_not_there():
    with pytest.raises(VanishedError, match="not there"), attributes.translated("/nowhere"):
        os.open("/nowhere", os.O_PATH)


@pytest.mark.parametrize(
    ("before", "after", "takes"),
    [
        (Acl.of_mode(0o750), Acl.of_mode(0o750), False),
        (Acl.of_mode(0o750), Acl.of_mode(0o755), False),
        (Acl.of_mode(0o751), Acl.of_mode(0o750), True),
        (Acl.of_mode(0o750), Acl.of_mode(0o740), True),
        (SMALL, Acl.masked(RW, R, NONE, users={1203: RX}, groups={60988: RWX}), False),
        (Acl.masked(RW, R, NONE, users={1203: RX}, groups={60988: RWX}), SMALL, True),
        (Acl(RW, RW, NONE, {1203: R}, mask=R), Acl(RW, R, NONE, {1203: R}, mask=R), False),
        (Acl(RW, RW, NONE, {1203: R}, mask=RW), Acl(RW, R, NONE, {1203: R}, mask=RW), True),
        (SMALL, SMALL.without(list(SMALL.entries())[1]), True),
        (SMALL, Acl(RW, R, NONE, users={1203: RX, 1204: RX}, groups={60988: RX}, mask=RX), False),
        (SMALL, Acl(RW, R, NONE, users={1203: RX, 1204: RWX}, groups={60988: NONE}, mask=RX), True),
    ],
)
def test_a_list_tells_whether_it_takes_anything_away(before, after, takes):
    assert after.takes_from(before) is takes
