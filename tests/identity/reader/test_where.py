"""Paths: nothing leads out of the data, whatever is put in the place of a file, and whenever."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from beamtorch_facility.identity import Username
from beamtorch_identity.reader.beneath import PathBelow, open_beneath, openat2, walk
from beamtorch_identity.reader.errors import (
    FileGoneError,
    FileRefusedError,
    NotAFileError,
    PathRefusedError,
    ReaderError,
)
from beamtorch_identity.reader.testing import ADA, Site, as_somebody
from beamtorch_identity.reader.wire import OpenQuestion

ROUNDS = 10_000 if os.environ.get("BEAMTORCH_DEEP") else 1_000
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.mark.parametrize(
    "path",
    [
        "x" * 5000,
        "",
        "/etc/passwd",
        "..",
        "../outside",
        "BL1/../../outside",
        "BL1/./a.h5",
        "BL1//a.h5",
        "BL1/a.h5/",
        "a\0b",
        ".",
    ],
)
async def test_a_path_that_is_not_plainly_below_the_data_is_refused_by_the_reader_too(site: Site, path: str):
    site.file("BL1/a.h5", mode=0o644)
    (site.place / "outside").write_text("outside")
    with pytest.raises(PathRefusedError):
        PathBelow.parse(path)
    asker = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asker:
        asker.connect(str(site.socket))
        asker.send(OpenQuestion(person=Username("ada"), path=path).packet())
        answer, descriptors, _, _ = socket.recv_fds(asker, 4096, 4)
    assert b"path-not-allowed" in answer
    assert descriptors == []


def make_link(site: Site) -> None:
    (site.root / "bad").symlink_to(site.place / "outside")


def make_inner_link(site: Site) -> None:
    (site.root / "bad").symlink_to("good.h5")


def make_folder_link(site: Site) -> None:
    (site.root / "bad").symlink_to(site.root / "BL1")


def make_magic_link(site: Site) -> None:
    (site.root / "bad").symlink_to("/proc/self/root/etc/passwd")


@pytest.mark.parametrize("opener", [openat2, walk])
@pytest.mark.parametrize("make", [make_link, make_inner_link, make_folder_link, make_magic_link])
async def test_no_link_is_followed_not_even_to_a_good_file(site: Site, make, opener):
    site.file("good.h5", mode=0o644)
    site.file("BL1/a.h5", mode=0o644)
    (site.place / "outside").write_text("outside")
    make(site)
    for name in ("bad", "bad/a.h5"):
        path = PathBelow.parse(name)
        with pytest.raises(ReaderError) as error:
            open_beneath(site.root, path, opener)
        assert error.value.code in {"path-not-allowed", "file-not-there"}
        with pytest.raises(ReaderError) as error:
            await site.reads(name)
        assert error.value.code in {"path-not-allowed", "file-not-there"}
    os.close(open_beneath(site.root, PathBelow.parse("BL1/a.h5"), opener))


@pytest.mark.parametrize("opener", [openat2, walk])
def test_both_ways_of_opening_say_the_same(site: Site, opener):
    site.file("BL1/a.h5", b"12")
    descriptor = open_beneath(site.root, PathBelow.parse("BL1/a.h5"), opener)
    assert os.pread(descriptor, 10, 0) == b"12"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name, kind in {
        "BL1/b.h5": FileGoneError,
        "BL1/a.h5/c": FileGoneError,
        "x" * 300: FileGoneError,
        "BL1": NotAFileError,
    }.items():
        with pytest.raises(kind):
            open_beneath(site.root, PathBelow.parse(name), opener)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_what_is_no_plain_file_is_told_and_nothing_hangs(site: Site):
    os.mkfifo(site.root / "pipe", 0o666)
    (site.root / "pipe").chmod(0o666)
    (site.root / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(site.root / "socket"))
        (site.root / "socket").chmod(0o666)
        names = ["pipe", "folder", "socket"]
        if os.geteuid() == 0:
            os.mknod(site.root / "device", 0o20666, os.makedev(1, 5))
            (site.root / "device").chmod(0o666)
            names.append("device")
        for name in names:
            assert await site.refusal(name) is NotAFileError
    assert await site.refusal("nothing") is FileGoneError


def mounting(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0


@as_root
async def test_a_mounted_file_system_below_the_root_is_read(site: Site, eventually: Callable[..., None]):
    (site.root / "BL9").mkdir()
    assert mounting("mount", "-t", "tmpfs", "tmpfs", str(site.root / "BL9"))
    try:
        site.file("BL9/a.h5", b"elsewhere", mode=0o644)
        assert await site.reads("BL9/a.h5") == b"elsewhere"
    finally:
        # The child that opened the file ends a moment after its answer; until then the mount is busy.
        eventually(lambda: mounting("umount", str(site.root / "BL9")))


@as_root
async def test_data_below_a_closed_folder_are_shown_to_children_alone(start: Callable[..., Site]):
    site = start(before=lambda site: site.place.chmod(0o700))
    path = site.file("BL1/a.h5", b"of ada", acl=f"u:{ADA}:r")
    assert await site.reads("BL1/a.h5") == b"of ada"
    assert await site.refusal("BL1/a.h5", "chen") is FileRefusedError
    assert as_somebody(ADA, lambda: path.read_bytes().decode()).startswith("PermissionError")


async def swapped(site: Site, name: str, turn: Callable[[], None], rounds: int) -> set[str]:
    """Ask for one name, again and again, while a thread turns it back and forth; return all that was said."""
    seen: set[str] = set()
    ended = threading.Event()

    def turning() -> None:
        while not ended.is_set():
            turn()

    thread = threading.Thread(target=turning)
    thread.start()
    try:
        for _ in range(rounds // 4):
            answers = await asyncio.gather(*(site.reads(name) for _ in range(4)), return_exceptions=True)
            seen |= {said.code if isinstance(said, ReaderError) else bytes(said).decode() for said in answers}
    finally:
        ended.set()
        thread.join()
    return seen


@as_root
async def test_a_link_swapped_during_the_request_leaks_nothing(site: Site, keep_result):
    """Ada may read both files; the one outside of the data must not come out all the same."""
    outside = site.place / "outside.h5"
    outside.write_text("FORBIDDEN")
    outside.chmod(0o644)
    site.file("BL1/good.h5", b"good", mode=0o644)
    os.link(site.root / "BL1/good.h5", site.root / "BL1/a.h5")
    (site.root / "BL1/link").symlink_to(outside)

    def turn() -> None:
        swap(site.root / "BL1/a.h5", site.root / "BL1/link")

    seen = await swapped(site, "BL1/a.h5", turn, ROUNDS)
    assert "FORBIDDEN" not in seen
    assert seen == {"good", "path-not-allowed"}
    keep_result("links-swapped-while-reading", rounds=ROUNDS, answers=sorted(seen))


@as_root
async def test_a_folder_swapped_for_a_link_during_the_request_leaks_nothing(site: Site):
    outside = site.place / "outside folder"
    outside.mkdir(exist_ok=True)
    (outside / "a.h5").write_text("FORBIDDEN")
    site.file("BL1/a.h5", b"good", mode=0o644)
    (site.root / "link").symlink_to(outside)
    seen = await swapped(site, "BL1/a.h5", lambda: swap(site.root / "BL1", site.root / "link"), ROUNDS // 5)
    assert seen == {"good", "path-not-allowed"}


def swap(one: Path, other: Path) -> None:
    """Exchange two names at once (renameat2(2), RENAME_EXCHANGE)."""
    from ctypes import CDLL, c_char_p, c_int, c_uint  # noqa: PLC0415

    done = CDLL(None).renameat2(c_int(-100), c_char_p(bytes(one)), c_int(-100), c_char_p(bytes(other)), c_uint(2))
    assert done == 0
