"""Tasks in a person's name: what they are to the kernel, and where they end."""

import json
import os
from pathlib import Path

import pytest

from beamtorch_facility.identity import Username
from beamtorch_identity.reader.errors import FileRefusedError, TaskFailedError
from beamtorch_identity.reader.testing import ADA, TEAM, Site

NAME = Username("ada")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@as_root
async def test_a_task_is_the_person_with_nothing_left_of_root(shared_site: Site):
    told = json.loads(await shared_site.client.work(NAME, "whoami", {"colour": "grey"}))
    assert told["Uid"] == [str(ADA)] * 4
    assert told["Gid"] == [str(ADA)] * 4
    assert told["Groups"] == [str(TEAM)]
    assert {told[name][0] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert told["NoNewPrivs"] == ["1"]
    assert told["given"] == {"colour": "grey"}
    assert told["open"] == 5, "the standard three, the connection, and the one that looks"


@as_root
async def test_a_task_opens_and_writes_as_the_person(shared_site: Site):
    shared_site.file("mine.h5", b"of ada", acl=f"u:{ADA}:r")
    shared_site.file("closed.h5", b"of root")
    assert await shared_site.client.work(NAME, "names", {"path": "mine.h5"}) == b"of ada"
    with pytest.raises(FileRefusedError):
        await shared_site.client.work(NAME, "names", {"path": "closed.h5"})
    for path in (shared_site.root / "closed.h5", Path("/etc/shadow")):
        with pytest.raises(TaskFailedError):
            await shared_site.client.work(NAME, "look", {"path": str(path)})
    with pytest.raises(TaskFailedError):
        await shared_site.client.work(NAME, "write", {"path": str(shared_site.root / "new")})
    assert not (shared_site.root / "new").exists()


async def test_only_named_tasks_are_done(shared_site: Site):
    for name in ("", "os:system", "tasks:whoami", "unknown"):
        with pytest.raises(TaskFailedError):
            await shared_site.client.work(NAME, name, {})


async def test_results_come_whole_up_to_their_limit(start):
    site = start("--result-mib=2")
    assert await site.client.work(NAME, "grow", {"bytes": 2 * 1024**2}) == bytes(2 * 1024**2)
    assert await site.client.work(NAME, "grow", {"bytes": 0}) == b""
    with pytest.raises(TaskFailedError):
        await site.client.work(NAME, "grow", {"bytes": 2 * 1024**2 + 1})


async def test_a_task_that_takes_too_much_ends_and_the_next_is_well(start):
    site = start("--memory-mib=512", "--cpu-seconds=1", "--work-seconds=2")
    for task, given in (
        ("grow", {"bytes": 1 << 30}),
        ("loop", {}),
        ("loop", {"sleeps": True}),
        ("fall", {}),
        ("look", {"path": "/nowhere"}),
    ):
        with pytest.raises(TaskFailedError):
            await site.client.work(NAME, task, given)
    assert json.loads(await site.client.work(NAME, "whoami", {}))["NoNewPrivs"] == ["1" if os.geteuid() == 0 else "0"]


async def test_without_root_or_by_wish_files_are_read_as_whoever_it_is(start):
    site = start("--own-rights")
    site.file("closed.h5", b"of mine")
    assert await site.reads("closed.h5", "chen") == b"of mine"
    assert json.loads(await site.client.work(NAME, "whoami", {}))["Uid"] == [str(os.geteuid())] * 4
    assert f"as uid {os.geteuid()}, whoever asks" in site.log.read_text()
