"""Keys: in their owner's name, never more than the owner may, for a bounded time, and written down nowhere."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from sqlalchemy import select, text

from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError
from beamtorch_catalogue.openapi import document
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import ApiKey
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.running import running_catalogue
from beamtorch_catalogue.testing.world import World, write_people
from beamtorch_catalogue.wire import Scope
from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_spawner.testing.set_clock import SetClock

PREFIX = "/services/catalogue"
SOON = datetime.now(UTC) + timedelta(days=30)
NEVER_WITH_A_KEY = {
    "GET /keys",
    "POST /keys",
    "DELETE /keys/{number}",
    "POST /webhooks",
    "PATCH /webhooks/{number}",
    "DELETE /webhooks/{number}",
    "POST /webhooks/{number}/test",
    "POST /publications",
    "PUT /proposals/{proposal}/release",
    "PUT /datasets/{dataset}/release",
}
SCOPES = {
    "POST /datasets": Scope.REGISTER,
    "POST /datasets:bulk": Scope.INGEST,
    "GET /files": Scope.INGEST,
    "POST /files:state": Scope.INGEST,
    "PUT /facility": Scope.INGEST,
    "GET /changes": Scope.ADMIN,
    "GET /webhooks": Scope.ADMIN,
    "GET /webhooks/{number}": Scope.ADMIN,
}
"""Of routes that need another one than `read` for GET and HEAD, `edit` for the rest."""
OPEN = {"GET /health"}
"""Routes that ask nobody who they are."""


def routes() -> Iterator[tuple[str, str]]:
    for path, methods in document()["paths"].items():
        for method in methods:
            yield method.upper(), path.removeprefix(PREFIX)


@contextmanager
def with_key(world: World, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as http:
        yield http


def needed(route: str) -> Scope:
    if route in SCOPES:
        return SCOPES[route]
    return Scope.READ if route.partition(" ")[0] in {"GET", "HEAD"} else Scope.EDIT


def status_of(http: httpx.Client, method: str, path: str) -> tuple[int, str]:
    """Return how a route answers a key, without waiting for what it streams."""
    for name in ("dataset", "path", "number", "pid", "name", "beamtime"):
        path = path.replace(f"{{{name}}}", "ds-aaaaaaaa" if name != "number" else "1")
    path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
    with http.stream(method, path) as answer:
        problem = answer.headers["content-type"] == "application/problem+json" and method != "HEAD"
        code = str(answer.read() and answer.json()["type"]) if problem else ""
        return answer.status_code, code.rpartition(":")[2]


def test_every_route_refuses_a_key_that_is_not_for_it(light_world: World):
    admin = light_world.client("admin")
    all_but = {s: admin.make_key([o for o in Scope if o is not s], expires_at=SOON).key for s in Scope}
    only = {scope: admin.make_key([scope], expires_at=SOON).key for scope in Scope}
    seen = 0
    for method, path in routes():
        route, refusal = f"{method} {path}", (403, "key-too-narrow" if method != "HEAD" else "")
        if route in OPEN:
            continue
        scope = needed(route)
        with with_key(light_world, all_but[scope]) as http:
            if route in NEVER_WITH_A_KEY:
                assert status_of(http, method, path) == (403, "not-with-a-key"), route
                continue
            assert status_of(http, method, path) == refusal, route
        with with_key(light_world, only[scope]) as http:
            assert status_of(http, method, path)[1] not in {"key-too-narrow", "not-with-a-key"}, route
        seen += 1
    assert seen > 15


def test_a_key_reads_what_its_owner_reads_and_no_more(world: World, mine: str, theirs: str):
    key = world.client("team").make_key(["read"], expires_at=SOON, note="notebook").key
    with CatalogueClient(world.url, key) as client:
        assert [d.id for d in client.search().datasets] == [mine]
        with pytest.raises(CatalogueRefusedError) as refused:
            client.dataset(theirs)
        assert refused.value.status == 404
        with pytest.raises(CatalogueRefusedError) as refused:
            client.record_attachment(mine, "~/datasets/tooth")
        assert (refused.value.code, refused.value.facts) == ("key-too-narrow", {"scope": "edit"})


def test_a_key_to_register_registers(world: World):
    key = world.client("team").make_key(["register", "read"], expires_at=SOON).key
    with CatalogueClient(world.url, key) as client:
        assert client.register(world.result("volume")).name == "volume"
        with pytest.raises(CatalogueRefusedError):
            client.ingest([world.record("raw")])


def test_a_key_follows_its_owner_through_the_directory(world: World, mine: str):
    made = world.client("team").make_key(["read"], expires_at=SOON)
    people = list(YamlDirectory(world.directory).people())
    with CatalogueClient(world.url, made.key) as client:
        assert client.search().total == 1
        outside = [p.model_copy(update={"groups": ()}) if p.username == "ada" else p for p in people]
        world.directory.write_text(dump_people(outside), encoding="utf-8")
        assert client.search().total == 0
        locked = yaml.safe_load(dump_people(people)) | {"locked": ["ada"]}
        world.directory.write_text(yaml.safe_dump(locked), encoding="utf-8")
        with pytest.raises(CatalogueRefusedError) as refused:
            client.search()
        assert (refused.value.status, refused.value.code) == (403, "account-locked")
        gone = [p for p in people if p.username != "ada"]
        world.directory.write_text(dump_people(gone), encoding="utf-8")
        with pytest.raises(CatalogueRefusedError) as refused:
            client.search()
        assert refused.value.status == 403
    assert mine


def test_an_admin_who_is_one_no_more_ingests_nothing_with_an_old_key(world: World):
    key = world.client("admin").make_key(["ingest"], expires_at=SOON).key
    with CatalogueClient(world.url, key) as client:
        assert client.ingest([world.record("one")])[0].outcome == "created"
        people = [
            p.model_copy(update={"groups": ()}) if p.username == "root" else p
            for p in YamlDirectory(world.directory).people()
        ]
        world.directory.write_text(dump_people(people), encoding="utf-8")
        with pytest.raises(CatalogueRefusedError) as refused:
            client.ingest([world.record("two")])
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("role", "scope", "may"),
    [
        *[(role, scope, True) for role in ("stranger", "team", "staff") for scope in ("read", "register", "edit")],
        *[(role, "ingest", False) for role in ("stranger", "team", "staff")],
        *[(role, "admin", role == "staff") for role in ("stranger", "team", "staff")],
        *[("admin", scope.value, True) for scope in Scope],
    ],
)
def test_nobody_gets_a_key_for_more_than_they_may(light_world: World, role: str, scope: str, *, may: bool):
    headers = {"Authorization": f"token {light_world.tokens[role]}"}
    wish = {"scopes": [scope], "expires_at": SOON.isoformat()}
    answer = httpx.post(f"{light_world.url}keys", headers=headers, json=wish)
    assert answer.status_code == (201 if may else 422)
    assert may or answer.json()["type"].endswith("key-refused")


@pytest.mark.parametrize("role", ["nobody", "unlisted", "without scope", "other service", "ingest"])
def test_who_is_no_person_here_gets_no_key(light_world: World, role: str):
    headers = {"Authorization": f"token {light_world.tokens[role]}"}
    wish = {"scopes": ["read"], "expires_at": SOON.isoformat()}
    expected = 401 if role == "nobody" else 403
    assert httpx.post(f"{light_world.url}keys", headers=headers, json=wish).status_code == expected
    assert httpx.get(f"{light_world.url}keys", headers=headers).status_code == expected
    assert httpx.delete(f"{light_world.url}keys/1", headers=headers).status_code == expected


@pytest.mark.parametrize(
    "wish",
    [
        {"scopes": ["read"]},
        {"scopes": [], "expires_at": SOON.isoformat()},
        {"scopes": ["root"], "expires_at": SOON.isoformat()},
        {"scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"scopes": ["read"], "expires_at": (SOON + timedelta(days=366)).isoformat()},
        {"scopes": ["read"], "expires_at": SOON.replace(tzinfo=None).isoformat()},
        {"scopes": ["read"], "expires_at": SOON.isoformat(), "owner": "root"},
        {"scopes": ["read"], "expires_at": SOON.isoformat(), "note": "a\u0000b"},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(light_world: World, wish: dict[str, object]):
    headers = {"Authorization": f"token {light_world.tokens['admin']}"}
    assert httpx.post(f"{light_world.url}keys", headers=headers, json=wish).status_code == 422


def test_of_a_key_only_its_hash_is_kept_and_it_is_shown_once(world: World):
    store = Database(world.database)
    made = world.client("team").make_key(["read"], expires_at=SOON, note="for a script")
    asked = world.hub.asked
    with CatalogueClient(world.url, made.key) as client:
        client.search()
    assert made.key.startswith("btk_")
    assert world.hub.asked == asked
    with store.reading() as session:
        row = session.scalars(select(ApiKey)).one()
        assert row.digest == hashlib.sha256(made.key.encode()).hexdigest()
        everything = str([list(session.execute(text(f"SELECT * FROM {t}"))) for t in ("api_key", "change")])
        assert made.key not in everything
    store.close()
    for role in ("team", "admin"):
        with httpx.Client(timeout=60, headers={"Authorization": f"token {world.tokens[role]}"}) as http:
            listed = http.get(f"{world.url}keys")
        assert made.key not in listed.text
        assert row.digest not in listed.text
        assert [(k["owner"], k["note"]) for k in listed.json()] == [("ada", "for a script")]
    noted = world.client("admin").changes(subject="key").changes
    assert [(c.by, c.action) for c in noted] == [("ada", "created")]
    assert row.digest not in noted[0].model_dump_json()


def test_keys_are_their_owners_business_and_the_admins(world: World):
    made = world.client("team").make_key(["read"], expires_at=SOON)
    assert world.client("other team").keys() == []
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("other team").withdraw_key(made.number)
    assert refused.value.status == 404
    world.client("admin").withdraw_key(made.number)
    world.client("team").withdraw_key(made.number)
    with CatalogueClient(world.url, made.key) as client, pytest.raises(CatalogueRefusedError) as refused:
        client.search()
    assert (refused.value.status, refused.value.code) == (401, "key-revoked")
    assert [c.action for c in world.client("admin").changes(subject="key").changes] == ["created", "withdrawn"]


@pytest.mark.parametrize("key", ["btk_", "btk_" + "a" * 43, "btk_\x01"])
def test_a_key_that_nobody_was_given_is_refused_without_asking_the_hub(light_world: World, key: str):
    asked = light_world.hub.asked
    answer = httpx.get(f"{light_world.url}datasets", headers={"Authorization": f"token {key}".encode()})
    assert answer.status_code in {400, 401}
    assert light_world.hub.asked == asked
    assert key not in answer.text


def test_a_key_ends_at_its_moment_and_its_use_is_noted_once_a_minute(database: str, tmp_path: Path):
    clock, directory = SetClock(), tmp_path / "directory.yaml"
    write_people(directory)
    with fake_hub() as hub:
        places = {"directory": directory, "data_root": tmp_path / "data", "cache": tmp_path / "cache"}
        with (
            running_catalogue(hub_api_url=hub.api_url, database=database, clock=clock, **places) as url,
            CatalogueClient(url, hub.user("ada")) as ada,
        ):
            made = ada.make_key(["read"], expires_at=clock.now() + timedelta(minutes=10))
            with CatalogueClient(url, made.key) as client:
                used = []
                for _ in range(5):
                    client.search()
                    used.append(ada.keys()[0].used_at)
                    clock.go(25)
                started = clock.now() - timedelta(seconds=125)
                assert used == [started + timedelta(seconds=s) for s in (0, 0, 0, 75, 75)]
                clock.go(600 - 125 - 1)
                client.search()
                clock.go(1)
                with pytest.raises(CatalogueRefusedError) as refused:
                    client.search()
                assert (refused.value.status, refused.value.code) == (401, "key-expired")


def test_one_owner_has_a_bounded_number_of_keys(world: World):
    team = world.client("team")
    numbers = [team.make_key(["read"], expires_at=SOON).number for _ in range(50)]
    with pytest.raises(CatalogueRefusedError) as refused:
        team.make_key(["read"], expires_at=SOON)
    assert refused.value.code == "key-refused"
    team.withdraw_key(numbers[0])
    team.make_key(["read"], expires_at=SOON)
