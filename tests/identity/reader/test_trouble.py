"""What may go wrong between those who ask and the reader: nothing stays behind, and nobody else waits."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from beamtorch_facility.identity import Username
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.client import NoReader, ReaderClient
from beamtorch_identity.reader.errors import (
    ReaderAwayError,
    ReaderBusyError,
    ReaderError,
)
from beamtorch_identity.reader.testing import Site
from beamtorch_identity.reader.wire import OpenQuestion


async def test_many_requests_leave_no_descriptor_and_no_process_behind(site: Site, eventually):
    site.file("a.h5", mode=0o644)
    await site.reads("a.h5")
    assert site.process
    places = [Path(f"/proc/{pid}/fd") for pid in (site.process.pid, site.children()[0], os.getpid())]

    def counts() -> list[int]:
        return [len(list(place.iterdir())) for place in places]

    eventually(lambda: len(site.children()) == 1)
    before = counts()
    for _ in range(50):
        names = ["a.h5", "nothing"] * 4
        await asyncio.gather(*map(site.reads, names), return_exceptions=True)
    eventually(lambda: len(site.children()) == 1)
    eventually(lambda: counts() == before)


async def test_a_client_that_goes_away_costs_nothing(site: Site, eventually):
    site.file("a.h5", mode=0o644)
    for packet in (b"", OpenQuestion(person=Username("ada"), path="a.h5").packet()):
        for _ in range(20):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asker:
                asker.connect(str(site.socket))
                if packet:
                    asker.send(packet)
    working = asyncio.create_task(site.client.work(Username("ada"), "loop", {"sleeps": True}))
    await site.has_at_work(1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    eventually(lambda: len(site.children()) == 1)
    assert await site.reads("a.h5") == b"counts"


async def test_a_child_that_is_killed_is_an_error_and_the_reader_lives_on(site: Site):
    site.file("a.h5", mode=0o644)
    working = asyncio.create_task(site.client.work(Username("ada"), "loop", {"sleeps": True}))
    await site.has_at_work(1)
    os.kill(site.children()[1], signal.SIGKILL)
    with pytest.raises(ReaderError) as error:
        await working
    assert error.value.code == "task-failed"
    assert await site.reads("a.h5") == b"counts"


async def test_one_person_cannot_take_all_the_room(start: Callable[..., Site]):
    site = start("--of-one-person=2", "--at-once=3")
    site.file("a.h5", mode=0o644)
    ada = [asyncio.create_task(site.client.work(Username("ada"), "loop", {"sleeps": True})) for _ in range(2)]
    await site.has_at_work(2)
    assert await site.refusal("a.h5") is ReaderBusyError
    assert await site.reads("a.h5", "chen") == b"counts"
    for task in ada:
        task.cancel()
    await asyncio.gather(*ada, return_exceptions=True)


async def test_a_slow_directory_keeps_only_its_own_question_waiting(start: Callable[..., Site]):
    site = start()
    site.directory.unlink()
    os.mkfifo(site.directory)
    asking = asyncio.create_task(site.reads("a.h5"))
    await asyncio.sleep(0.3)
    assert not asking.done()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.connect(str(site.socket))
        other.settimeout(10)
        other.send(b"nonsense")
        assert other.recv(100) == b"", "others are heard meanwhile"
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    site.directory.write_bytes(b"people: []")  # lets the lookup end


async def test_a_reader_that_is_not_there_or_ends_is_told_as_that(
    start: Callable[..., Site], tmp_path: Path, eventually
):
    with pytest.raises(ReaderAwayError):
        await ReaderClient(tmp_path / "nowhere").open(Username("ada"), PathBelow(("a",)))
    with pytest.raises(ReaderAwayError):
        await NoReader().open(Username("ada"), PathBelow(("a",)))
    site = start()
    assert site.process
    os.kill(site.children()[0], signal.SIGKILL)
    eventually(lambda: site.process.poll() is not None)
    assert "the forking process has ended" in site.log.read_text()
    assert not site.socket.exists()


async def test_the_sudden_end_of_the_listener_ends_the_others_and_the_socket_is_taken_over(start, eventually):
    site = start()
    working = asyncio.create_task(site.client.work(Username("ada"), "loop", {"sleeps": True}))
    await site.has_at_work(1)
    below = site.children()
    site.process.kill()
    with pytest.raises(ReaderError):
        await working
    eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() and alive(pid) for pid in below))
    assert site.socket.exists()


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_a_socket_deep_in_a_tree_is_found_all_the_same(start: Callable[..., Site]):
    deep = "/".join(["a-folder-with-a-long-name"] * 6)
    site = start(before=lambda site: (site.place / deep).mkdir(parents=True))
    site.file("a.h5", mode=0o644)
    moved = site.place / deep / "socket"
    site.socket.rename(moved)
    assert len(bytes(moved)) > 107
    with await ReaderClient(moved).open(Username("ada"), PathBelow(("a.h5",))) as file:
        assert file.size == 6
