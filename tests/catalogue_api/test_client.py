"""The client for programs: the one that waits and the one whose answers are awaited, asked the same."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from beamtorch_catalogue.client import (
    AsyncCatalogueClient,
    CatalogueClient,
    CatalogueNotConfiguredError,
    CatalogueRefusedError,
    CatalogueUnreachableError,
)
from beamtorch_catalogue.testing.world import World, energy
from beamtorch_catalogue.wire import Audience, DatasetEdit, Order
from beamtorch_catalogue.wire.publications import Creator, DatasetReleaseRequest, PublicationRequest
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

ROOT = Path(__file__).parents[2]
WAITING = ROOT / "catalogue_api" / "beamtorch_catalogue" / "client" / "_sync"


class Awaited:
    """The client whose answers are awaited, for a test that does not await."""

    def __init__(self, url: str, token: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(AsyncCatalogueClient(url, token).__aenter__())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.__aexit__(None, None, None))
        self._loop.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            answer = getattr(self._client, name)(*given, **named)
            return self._each(answer) if inspect.isasyncgen(answer) else self._loop.run_until_complete(answer)

        return call

    def _each(self, answers: AsyncGenerator[Any, None]) -> Iterator[Any]:
        try:
            while True:
                yield self._loop.run_until_complete(anext(answers))
        except StopAsyncIteration:
            return
        finally:
            self._loop.run_until_complete(answers.aclose())


@pytest.fixture(params=[CatalogueClient, Awaited], ids=["waiting", "awaited"])
def client(request: pytest.FixtureRequest, world: World) -> Iterator[Callable[[str], Any]]:
    """A function that returns the client of a role, once of each kind."""
    with ExitStack() as ends:

        def make(role: str) -> Any:
            made = request.param(world.url, world.tokens[role])
            ends.callback(made.close)
            return made

        yield make


@pytest.fixture
def scans(world: World) -> list[str]:
    """Three scans of the team, by their identifiers."""
    records = [world.record(f"scan{n}", sample="molar", parameters=energy(10.0 + n)) for n in range(3)]
    return [str(result.dataset) for result in world.client("ingest").ingest(records)]


def test_both_find_page_and_count(client, scans: list[str]):
    team = client("team")
    first = team.search("molar", limit=2)
    rest = team.search("molar", limit=2, after=first.next)
    assert sorted(one.id for page in (first, rest) for one in page.datasets) == sorted(scans)
    assert (first.total_is_capped, rest.total, rest.total_is_capped, rest.next) == (True, 3, False, None)
    assert [one.id for one in team.all("molar")] == [one.id for page in (first, rest) for one in page.datasets]
    assert [one.name for one in team.search("energy 11.5..13 keV").datasets] == ["scan2"]
    assert [one.id for one in team.search(sort=Order.OLDEST).datasets] == [one.id for one in team.all()][::-1]
    assert team.count("molar").total == 3
    assert team.count(filters={"beamline": ["BL2"]}).total == 0
    (beamlines,) = (one for one in team.facets("molar").facets if one.name == "beamline")
    assert [(one.value, one.count) for one in beamlines.values] == [("BL1", 3)]
    assert list(client("other team").all()) == []


def test_both_show_and_correct_a_dataset_and_see_who_was_quicker(client, scans: list[str]):
    team, scan = client("team"), scans[0]
    assert team.dataset(scan).name == "scan0"
    assert [Path(file.path).name for file in team.files(scan)] == ["scan0.h5"]
    assert team.edit(scan, DatasetEdit(name="first light")).name == "first light"
    with pytest.raises(CatalogueRefusedError) as refused:
        team.edit(scan, DatasetEdit(name="too late"), version=1)
    assert (refused.value.status, refused.value.facts["version"]) == (409, team.dataset(scan).version)
    assert "edited" in [change.action for change in team.history(scan).changes]
    with pytest.raises(CatalogueRefusedError):
        client("other team").dataset(scan)


def test_both_register_results_and_tell_what_they_were_made_from(client, world: World, scans: list[str]):
    team = client("team")
    made = team.register(world.result("volume", parents=(scans[0],)))
    assert [node.dataset for node in team.provenance(made.id, direction="up").nodes] == [made.id, scans[0]]
    assert '"wasDerivedFrom"' in team.prov(made.id)
    assert team.record_attachment(made.id, "~/datasets/volume").dataset == made.id
    assert [one.path for one in team.attachments()] == ["~/datasets/volume"]
    team.forget_attachment(made.id)
    assert team.attachments() == []


def test_both_keep_searches_and_make_keys(client, world: World, scans: list[str]):
    team = client("team")
    team.save_search("teeth", "molar energy 10..13 keV")
    assert [one.name for one in team.searches()] == ["teeth"]
    team.forget_search("teeth")
    key = team.make_key(["read"], expires_at=datetime.now(UTC) + timedelta(hours=1), note="a script")
    with CatalogueClient(world.url, key.key) as script:
        assert script.count("molar").total == len(scans)
    team.withdraw_key(key.number)
    assert [one.revoked_at is None for one in list(team.keys())] == [False]


def test_both_ask_the_user_office(client):
    team = client("team")
    assert [one.proposal for one in team.proposals()] == ["P1"]
    assert team.proposal("P1").record.title.en == "Old teeth"
    assert [one.beamtime for one in team.beamtimes()] == ["BT-1"]
    assert [one.sample for one in team.samples()] == ["molar"]
    assert {one.beamline for one in team.instruments()} == {"BL1", "BL2"}
    admin = client("admin")
    admin.set_station("BL1", "ES1", Words(en="Hutch 1", zh="一号站"))
    admin.remove_station("BL1", "ES1")
    admin.set_roles("P1", "eve", ["student"])
    assert "eve" in [one.username for one in team.people("eve")]
    admin.remove_roles("P1", "eve")


def test_both_publish_and_cite(client, scans: list[str]):
    team = client("team")
    team.change_dataset_release(scans[0], DatasetReleaseRequest(released_to=Audience.WORLD))
    creator = Creator(name=Words(en="Ada Okafor", zh="阿达·奥卡福"))
    text = Words(en="Teeth", zh="牙齿")
    made = team.publish(
        PublicationRequest(
            title=text, abstract=text, licence="CC-BY-4.0", creators=(creator,), datasets=(DatasetId(scans[0]),)
        )
    )
    assert made.pid in [one.pid for one in team.publications(proposal="P1").publications]
    assert team.publication(made.pid).title.en == "Teeth"
    assert "Okafor" in team.resolve(made.pid)
    assert team.cite(scans[0], "datacite").startswith("<?xml")


def test_both_hear_what_changes(client, world: World, scans: list[str]):
    admin = client("admin")
    start = admin.changes(newest_first=True, limit=1).changes[0].id
    for name in ("one", "two"):
        world.client("team").edit(scans[0], DatasetEdit(name=name))
    heard = list(islice(admin.follow(start), 2))
    assert [(one.subject_id, one.action) for one in heard] == [(scans[0], "edited")] * 2
    assert [one.id for one in heard] == [start + 1, start + 2]


def test_both_say_in_words_that_nobody_answers_and_keep_the_token_to_themselves():
    for kind in (CatalogueClient, Awaited):
        asking = kind("http://127.0.0.1:9/services/catalogue/", "secret-token")
        with pytest.raises(CatalogueUnreachableError) as error:
            asking.count()
        assert "does not answer" in error.value.detail.en
        assert "secret-token" not in str(error.value)
        asking.close()


def test_in_a_lab_both_know_whom_to_ask():
    lab = {"BEAMTORCH_CATALOGUE_URL": "http://127.0.0.1:9/services/catalogue", "JUPYTERHUB_API_TOKEN": "t"}
    for kind in (CatalogueClient, AsyncCatalogueClient):
        assert kind.from_environment(lab).address == "http://127.0.0.1:9/services/catalogue/"
        for name in lab:
            with pytest.raises(CatalogueNotConfiguredError, match=name):
                kind.from_environment({key: value for key, value in lab.items() if key != name})


def test_the_client_that_waits_is_written_from_the_one_that_is_awaited(tmp_path: Path):
    writer = ROOT / "catalogue_api" / "write_sync_client.py"
    subprocess.run([sys.executable, str(writer), str(tmp_path)], check=True)
    committed = {path.name: path.read_text() for path in WAITING.glob("*.py")}
    written = {path.name: path.read_text() for path in tmp_path.glob("*.py")}
    assert written == committed, "run `just client`"


def test_a_command_does_not_wait_for_the_client_that_it_does_not_use():
    code = "import sys, beamtorch_catalogue.client; print('asyncio' in sys.modules, 'fastapi' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
