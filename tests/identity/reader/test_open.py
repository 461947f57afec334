"""Opening in a person's name: the kernel of this machine decides."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Username
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.errors import (
    DirectoryAwayError,
    FileRefusedError,
    NobodyToReadError,
    ReaderError,
)
from beamtorch_identity.reader.testing import ADA, CHEN, PEOPLE, SERVICE, TEAM, Site, as_somebody, person

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def set_rights(path: Path, *options: str) -> None:
    subprocess.run(["setfacl", *options, str(path)], check=True)


# -- the kernel decides -------------------------------------------------------------------------------------------


@as_root
async def test_the_access_list_of_the_file_decides(site: Site):
    site.file("BL1/raw/a.h5", b"of ada", acl=f"u:{ADA}:r")
    site.file("BL1/raw/team.h5", b"of the team", acl=f"g:{TEAM}:r")
    assert await site.reads("BL1/raw/a.h5") == b"of ada"
    assert await site.reads("BL1/raw/team.h5") == b"of the team"
    assert await site.refusal("BL1/raw/a.h5", "chen") is FileRefusedError
    assert await site.refusal("BL1/raw/team.h5", "chen") is FileRefusedError
    set_rights(site.root / "BL1/raw/a.h5", "-x", f"u:{ADA}")
    assert await site.refusal("BL1/raw/a.h5") is FileRefusedError


@as_root
async def test_a_closed_folder_closes_what_is_in_it(site: Site):
    path = site.file("BL1/raw/a.h5", mode=0o644)
    assert await site.reads("BL1/raw/a.h5") == b"counts"
    path.parent.chmod(0o700)
    assert await site.refusal("BL1/raw/a.h5") is FileRefusedError
    set_rights(path.parent, "-m", f"u:{ADA}:x")
    assert await site.reads("BL1/raw/a.h5") == b"counts"
    assert await site.refusal("BL1/raw/a.h5", "chen") is FileRefusedError


@as_root
async def test_a_root_that_the_person_cannot_enter_opens_nothing(site: Site):
    site.file("a.h5", mode=0o644)
    site.root.chmod(0o700)
    assert await site.refusal("a.h5") is FileRefusedError


@as_root
def test_a_service_that_asks_can_open_nothing_itself(start: Callable[..., Site]):
    site = start(f"--service-uid={SERVICE}")
    path = site.file("a.h5", b"of ada", acl=f"u:{ADA}:r")

    def as_service() -> str:
        with pytest.raises(PermissionError):
            path.read_bytes()

        async def download() -> str:
            with await site.client.open(Username("ada"), PathBelow(("a.h5",))) as file:
                # The descriptor reads this file and is no way to open it, or another, anew.
                with pytest.raises(PermissionError):
                    os.open(f"/proc/self/fd/{file.descriptor}", os.O_RDONLY)
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.write(file.descriptor, b"x")
                return os.pread(file.descriptor, file.size, 0).decode()

        return asyncio.run(download())

    assert as_somebody(SERVICE, as_service) == "of ada"


@as_root
def test_nobody_but_the_service_is_answered(start: Callable[..., Site]):
    site = start(f"--service-uid={SERVICE}")
    site.file("a.h5", acl=f"u:{ADA}:r")

    def ask() -> str:
        try:
            return asyncio.run(site.reads("a.h5")).decode()
        except ReaderError as error:
            return error.code

    assert as_somebody(SERVICE, ask) == "counts"
    assert as_somebody(CHEN, ask) == "reader-away"
    assert as_somebody(ADA, ask) == "reader-away"
    assert ask() == "reader-away"
    # Even with the rights of the files opened, the kernel's note of the caller counts.
    site.socket.parent.chmod(0o755)
    site.socket.chmod(0o666)
    assert as_somebody(ADA, ask) == "reader-away"
    assert f"uid {ADA} is not the service's" in site.log.read_text()


# -- who ----------------------------------------------------------------------------------------------------------


async def test_somebody_who_left_the_directory_is_refused_at_once(site: Site):
    site.file("a.h5", mode=0o644)
    assert await site.reads("a.h5") == b"counts"
    site.directory.write_text(dump_people(PEOPLE[1:]), encoding="utf-8")
    assert await site.refusal("a.h5") is NobodyToReadError
    assert await site.refusal("a.h5", "ghost") is NobodyToReadError


@as_root
async def test_a_new_group_counts_with_the_next_file(site: Site):
    site.file("a.h5", b"of the team", acl=f"g:{TEAM}:r")
    assert await site.refusal("a.h5", "chen") is FileRefusedError
    site.directory.write_text(dump_people([PEOPLE[0], person("chen", CHEN, team=TEAM)]), encoding="utf-8")
    assert await site.reads("a.h5", "chen") == b"of the team"


async def test_a_directory_that_cannot_be_read_says_so(site: Site):
    site.file("a.h5", mode=0o644)
    site.directory.write_text("people: [")
    assert await site.refusal("a.h5") is DirectoryAwayError


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"nonsense",
        b'{"do": "open", "person": "ada", "path": "a.h5", "uid": 0}',
        b'{"do": "open", "person": "ada", "path": "a.h5"}\n{"uid": 0}',
        b'[0, 0, []]\n{"do": "open", "person": "ada", "path": "a.h5"}',
        b'{"do": "open", "person": {"username": "ada", "uid": 0}, "path": "a.h5"}',
        b'{"do": "open", "person": "../ada", "path": "a.h5"}',
        b'{"do": "stat", "person": "ada", "path": "a.h5"}',
        b"{" * 120_000,
    ],
)
async def test_what_is_no_question_gets_no_file_and_numbers_cannot_be_named(site: Site, packet: bytes):
    site.file("a.h5", b"of root")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asker:
        asker.connect(str(site.socket))
        asker.settimeout(20)
        asker.send(packet)
        answer, descriptors, _, _ = socket.recv_fds(asker, 4096, 4)
    assert descriptors == []
    assert b'"refused":null' not in answer
    assert isinstance(await site.client.work(Username("ada"), "whoami", {}), bytes), "it lives on"
