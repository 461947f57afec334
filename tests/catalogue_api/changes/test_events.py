"""The event stream: committed changes that the listener may know of, in order, across every break."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice

import httpx
import pytest
from sqlalchemy import delete

from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError
from beamtorch_catalogue.services import events
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Change
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import ChangeEvent
from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_service import caller
from beamtorch_service.open_streams import MOST_STREAMS


def newest(world: World) -> int:
    page = world.client("admin").changes(newest_first=True, limit=1)
    return page.changes[0].id if page.changes else 0


def hears(world: World, role: str, after: int, count: int) -> list[ChangeEvent]:
    """Return the next changes that somebody hears."""
    with CatalogueClient(world.url, world.tokens[role]) as client:
        listening: Iterator[ChangeEvent] = client.follow(after)
        return list(islice(listening, count))


def test_everybody_hears_of_what_they_may_read_and_of_nothing_else(world: World, mine: str, theirs: str, tell):
    start = newest(world)
    tell("dataset", mine, "edited", beamtime="BT-1")
    tell("dataset", theirs, "edited", beamtime="BT-2")
    tell("sample", "molar", "renamed", beamtime="BT-1")
    tell("key", "7", "created")
    for name in (mine, theirs):
        tell("dataset", name, "seen")
    heard = {
        role: [(e.subject, e.subject_id, e.action) for e in hears(world, role, start, count)]
        for role, count in (("team", 3), ("staff", 3), ("other team", 2), ("admin", 6), ("ingest", 3))
    }
    of_mine, of_theirs = [("dataset", name, "edited") for name in (mine, theirs)]
    renamed = ("sample", "molar", "renamed")
    assert heard["team"] == heard["staff"] == [of_mine, renamed, ("dataset", mine, "seen")]
    assert heard["other team"] == [of_theirs, ("dataset", theirs, "seen")]
    assert heard["admin"][:4] == [of_mine, of_theirs, renamed, ("key", "7", "created")]
    assert heard["ingest"] == [of_mine, of_theirs, renamed]


def test_an_event_names_what_changed_and_keeps_its_values_to_itself(world: World, mine: str, tell):
    start = newest(world)
    tell("dataset", mine, "edited", version=4, before={"name": "secret-old"}, after={"name": "secret-new"})
    with stream(world, "team", start) as lines:
        told = list(islice(lines, 6))
    assert told[:2] == [f"id: {start}", ""]
    assert told[2:4] == [f"id: {start + 1}", "event: edited"]
    assert told[4].startswith('data: {"id":')
    assert '"version":4' in told[4]
    assert "secret" not in told[4]


def test_what_was_rolled_back_is_never_told(world: World, mine: str, store: Database, tell):
    start = newest(world)

    def fail() -> None:
        with store.writing() as session:
            noted = Noted(subject="dataset", subject_id=mine, action="never")
            note(session, [noted], by="ada", at=datetime.now(UTC))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    tell("dataset", mine, "edited")
    assert [event.action for event in hears(world, "team", start, 1)] == ["edited"]


def test_nothing_is_missed_or_doubled_by_a_connection_that_breaks_again_and_again(world: World, mine: str, tell):
    start, chance = newest(world), random.Random(3)
    writer = threading.Thread(target=lambda: [tell("dataset", mine, "edited", version=n) for n in range(60)])
    writer.start()
    heard: list[ChangeEvent] = []
    while len(heard) < 60:
        place = heard[-1].id if heard else start
        heard += hears(world, "team", place, min(chance.randint(1, 9), 60 - len(heard)))
    writer.join()
    assert [event.version for event in heard] == list(range(60))


def test_who_heard_nothing_yet_knows_where_to_go_on(world: World, mine: str, tell):
    with stream(world, "team") as lines:
        place = int(next(lines).removeprefix("id: "))
    tell("dataset", mine, "edited")
    assert [event.action for event in hears(world, "team", place, 1)] == ["edited"]


def test_a_listener_who_reads_nothing_for_a_while_still_gets_everything(world: World, mine: str, tell):
    start = newest(world)
    with stream(world, "team", start) as lines:
        for number in range(40):
            tell("dataset", mine, "edited", version=number)
        ids = [line for line in islice(lines, 2 + 4 * 40) if line.startswith("id: ")]
    assert ids == [f"id: {number}" for number in range(start, start + 41)]


def test_a_withdrawn_token_ends_the_stream(world: World, mine: str, tell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(caller, "REMEMBER_SECONDS", 0.0)
    token = world.hub.user("ada")
    headers = {"Authorization": f"token {token}"}
    with httpx.stream("GET", f"{world.url}events", headers=headers, timeout=20) as answer:
        lines = answer.iter_lines()
        next(lines)
        world.hub.withdraw(token)
        tell("dataset", mine, "edited")
        list(lines)
    with (
        CatalogueClient(world.url, token) as client,
        pytest.raises(CatalogueRefusedError) as refused,
    ):
        next(client.follow())
    assert refused.value.code == "not-signed-in"


def test_a_database_that_was_put_back_ends_the_streams(world: World, mine: str, store: Database, tell):
    start = newest(world)
    with stream(world, "team", start) as lines:
        tell("dataset", mine, "edited")
        told = list(islice(lines, 6))
        with store.writing() as session:
            session.execute(delete(Change))
        list(lines)
    assert told[3] == "event: edited"
    headers = {"Authorization": f"token {world.tokens['team']}", "Last-Event-ID": str(start + 1)}
    answer = httpx.get(f"{world.url}events", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:beamtorch:problem:bad-page")


def test_so_it_does_for_one_who_had_heard_more_than_the_last_look_for_news(
    world: World, mine: str, store: Database, tell, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events, "LOOK_SECONDS", 1.5)
    start = newest(world)
    with stream(world, "team", start) as first:
        next(first)
        time.sleep(0.5)  # the first look is over, and the next one is a second away
        tell("dataset", mine, "edited")
        with stream(world, "admin", start) as second:
            assert "event: edited" in islice(second, 6)
            with store.writing() as session:
                session.execute(delete(Change).where(Change.number > start))
            list(second)


def test_somebody_who_leaves_the_team_hears_no_more(world: World, mine: str, tell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "CHECK_SECONDS", 0.0)
    start = newest(world)
    with stream(world, "team", start) as lines:
        people = [
            person.model_copy(update={"groups": ("proposal-P2",)}) if person.username == "ada" else person
            for person in YamlDirectory(world.directory).people()
        ]
        world.directory.write_text(dump_people(people), encoding="utf-8")
        tell("proposal", "P0", "edited")
        list(islice(lines, 2))
        other = world.client("ingest").ingest([world.record("b", "BT-2")])[0].dataset
        _wait_for_news()
        tell("dataset", mine, "edited")
        tell("dataset", other, "marked")
        told = []
        for line in lines:
            told.append(line)
            if line == "event: marked":
                break
    assert "event: edited" not in told


def test_streams_are_counted_and_given_back(world: World):
    with ExitStack() as open_ones:
        listening = [open_ones.enter_context(stream(world, "team")) for _ in range(MOST_STREAMS)]
        for lines in listening:
            next(lines)
        headers = {"Authorization": f"token {world.tokens['team']}"}
        assert httpx.get(f"{world.url}events", headers=headers).status_code == 429
        with stream(world, "staff") as lines:
            next(lines)


def test_room_is_back_once_listeners_are_gone(world: World, eventually):
    for _ in range(2):
        with ExitStack() as open_ones:
            for _ in range(MOST_STREAMS):
                eventually(lambda: _opened(world, open_ones))


@pytest.mark.parametrize("place", ["9007199254740992", "-1", "next", "1e3", "99999999999999999999"])
def test_a_place_that_was_never_given_out_is_refused(world: World, place: str):
    headers = {"Authorization": f"token {world.tokens['team']}", "Last-Event-ID": place}
    answer = httpx.get(f"{world.url}events", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def _opened(world: World, open_ones: ExitStack) -> bool:
    answer = open_ones.enter_context(
        httpx.stream("GET", f"{world.url}events", headers={"Authorization": f"token {world.tokens['team']}"})
    )
    return answer.status_code == 200


def _wait_for_news() -> None:
    """Let the listener be asked for their rights again."""
    threading.Event().wait(1.5)


class stream:  # noqa: N801 - reads as a function
    """The lines of an event stream."""

    def __init__(self, world: World, role: str, after: int | None = None) -> None:
        headers = {"Authorization": f"token {world.tokens[role]}"}
        headers |= {} if after is None else {"Last-Event-ID": str(after)}
        self._opened = httpx.stream("GET", f"{world.url}events", headers=headers, timeout=20)

    def __enter__(self) -> Iterator[str]:
        answer = self._opened.__enter__()
        assert answer.status_code == 200
        return answer.iter_lines()

    def __exit__(self, *error: object) -> None:
        self._opened.__exit__(*error)  # type: ignore[arg-type]
