"""Webhooks: told in order, signed, tried again, and never a way to where nobody may knock."""

import asyncio
import logging
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.services.deliveries import Deliveries
from beamtorch_catalogue.services.outbox import Outbox
from beamtorch_catalogue.services.readers import Readers
from beamtorch_catalogue.services.targets import Targets
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Webhook
from beamtorch_catalogue.testing.receiver import LOOPBACK, Receiver
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.webhooks import verify
from beamtorch_catalogue.wire import WebhookEdit
from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_spawner.testing.set_clock import SetClock


def deliverer(world: World, store: Database, clock: SetClock) -> Deliveries:
    """Return what delivers, beside the running catalogue, by a clock of the test's own."""
    delivers = Deliveries(
        database=store,
        outbox=Outbox(database=store, clock=clock),
        readers=Readers(directory=YamlDirectory(world.directory), clock=clock),
        targets=Targets(LOOPBACK),
        clock=clock,
        settings=LOOPBACK,
        chance=lambda: 1.0,
    )
    AWAKE.append(delivers)
    return delivers


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running catalogue delivers nothing, so that a test can, by its own clock."""
    really = Deliveries.look

    async def look(delivers: Deliveries) -> None:
        if delivers in AWAKE:
            await really(delivers)

    monkeypatch.setattr(Deliveries, "look", look)


AWAKE: list[Deliveries] = []


def rounds(delivers: Deliveries, count: int = 1) -> None:
    async def deliver() -> None:
        for _ in range(count):
            await delivers.look()
            await delivers.rest()

    asyncio.run(deliver())


def test_committed_changes_come_in_order_signed_and_of_what_the_owner_may_know(
    world: World, mine: str, theirs: str, *, told: Receiver, tell, eventually
):
    hook = world.client("staff").make_webhook(told.url)
    for number in range(130):
        tell("dataset", mine if number % 2 else theirs, "edited", version=number)
    eventually(lambda: len(told.heard) == 65)
    assert [event.version for event in told.heard] == list(range(1, 130, 2))
    assert {event.subject_id for event in told.heard} == {mine}
    ids = [event.id for request in told.requests for event in request.delivery.events]
    assert ids == sorted(set(ids))
    for request in told.requests:
        assert verify(request.body, request.signature, hook.secret) == request.delivery
        assert request.headers["content-type"] == "application/json"
    eventually(lambda: world.client("staff").webhook(hook.number).delivered >= ids[-1])


def test_only_the_wanted_actions_come(world: World, mine: str, told: Receiver, tell, eventually):
    world.client("admin").make_webhook(told.url, actions=["released", "renamed"])
    for action in ("edited", "released", "edited", "renamed"):
        tell("dataset", mine, action)
    eventually(lambda: len(told.heard) == 2)
    assert [event.action for event in told.heard] == ["released", "renamed"]


def test_a_webhook_can_be_sent_back_to_an_earlier_change(world: World, mine: str, told: Receiver, tell, eventually):
    staff = world.client("staff")
    hook = staff.make_webhook(told.url, actions=["edited"])
    tell("dataset", mine, "edited")
    eventually(lambda: len(told.requests) == 1)
    staff.change_webhook(hook.number, WebhookEdit(after=told.heard[0].id - 1))
    eventually(lambda: len(told.requests) == 2)
    assert told.requests[0].delivery == told.requests[1].delivery
    with pytest.raises(CatalogueRefusedError) as refused:
        staff.change_webhook(hook.number, WebhookEdit(after=2**40))
    assert refused.value.status == 422


@pytest.mark.usefixtures("asleep")
def test_a_receiver_that_fails_is_tried_again_later_and_later_and_then_given_up(
    world: World, store: Database, mine: str, told: Receiver, tell
):
    admin, clock = world.client("admin"), SetClock()
    hook = admin.make_webhook(told.url, actions=["edited"])
    for number in range(40):
        tell("dataset", mine, "edited", version=number)
    told.status = 503
    delivers = deliverer(world, store, clock)
    pauses = []
    for _ in range(14):
        rounds(delivers)
        seen = admin.webhook(hook.number)
        assert seen.next_try_at is not None
        pauses.append((seen.next_try_at - clock.now()).total_seconds())
        tries = len(told.requests)
        rounds(delivers)
        assert len(told.requests) == tries
        clock.go(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    assert [len(request.delivery.events) for request in told.requests[:8]] == [40, 40, 25, 12, 6, 3, 1, 1]
    assert "503" in (admin.webhook(hook.number).problem or told).en  # type: ignore[union-attr]
    clock.go(timedelta(days=4).total_seconds())
    rounds(delivers, 3)
    seen = admin.webhook(hook.number)
    assert (seen.is_active, seen.next_try_at is not None) == (False, True)
    (given_up,) = admin.changes(subject="webhook", action="given-up").changes
    assert (given_up.by, given_up.subject_id) == ("catalogue", str(hook.number))
    told.status = 200
    admin.change_webhook(hook.number, WebhookEdit(is_active=True))
    rounds(delivers)
    assert [event.version for event in told.heard] == list(range(40))


@pytest.mark.usefixtures("asleep")
def test_a_receiver_that_comes_back_gets_what_it_missed_in_order(
    world: World, store: Database, mine: str, told: Receiver, tell
):
    world.client("admin").make_webhook(told.url, actions=["edited"])
    clock = SetClock()
    delivers = deliverer(world, store, clock)
    told.answers = [500, 200, 404, 200, 429, 200]
    for number in range(6):
        tell("dataset", mine, "edited", version=number)
        rounds(delivers)
        clock.go(10)
    rounds(delivers)
    assert [event.version for event in told.heard] == list(range(6))


@pytest.mark.usefixtures("asleep")
def test_a_receiver_that_is_gone_for_good_is_not_tried_again(
    world: World, store: Database, mine: str, told: Receiver, tell
):
    hook = world.client("admin").make_webhook(told.url, actions=["edited"])
    tell("dataset", mine, "edited")
    told.status = 410
    rounds(deliverer(world, store, SetClock()), 2)
    assert len(told.requests) == 1
    assert not world.client("admin").webhook(hook.number).is_active


@pytest.mark.usefixtures("asleep")
@pytest.mark.parametrize("groups", [("proposal-P1",), None])
def test_an_owner_who_looks_after_nothing_any_more_is_told_nothing(
    world: World, store: Database, mine: str, *, told: Receiver, tell, groups: tuple[str, ...] | None
):
    hook = world.client("staff").make_webhook(told.url)
    people = [
        person if person.username != "sam" else person.model_copy(update={"groups": groups})
        for person in YamlDirectory(world.directory).people()
        if person.username != "sam" or groups is not None
    ]
    world.directory.write_text(dump_people(people), encoding="utf-8")
    tell("dataset", mine, "edited")
    rounds(deliverer(world, store, SetClock()), 2)
    assert told.requests == []
    seen = world.client("admin").webhook(hook.number)
    assert not seen.is_active
    assert "sam" in (seen.problem or told).en  # type: ignore[union-attr]


@pytest.mark.usefixtures("asleep")
def test_two_processes_never_deliver_the_same_twice(world: World, store: Database, mine: str, told: Receiver, tell):
    world.client("admin").make_webhook(told.url, actions=["edited"])
    clock = SetClock()
    both = [deliverer(world, store, clock), deliverer(world, store, clock)]
    told.seconds = 0.05

    async def race() -> None:
        for number in range(5):
            await asyncio.to_thread(tell, "dataset", mine, "edited", version=number)
            await asyncio.gather(*(one.look() for one in both))
            await asyncio.gather(*(one.rest() for one in both))

    asyncio.run(race())
    rounds(both[0])
    assert [event.version for request in told.requests for event in request.delivery.events] == list(range(5))


@pytest.mark.usefixtures("asleep")
def test_a_lease_of_a_process_that_died_runs_out(world: World, store: Database, mine: str, told: Receiver, tell):
    hook = world.client("admin").make_webhook(told.url, actions=["edited"])
    tell("dataset", mine, "edited")
    clock = SetClock()
    with store.writing() as session:
        row = session.scalars(select(Webhook).where(Webhook.number == hook.number)).one()
        row.leased_until = clock.now() + timedelta(seconds=4)
    delivers = deliverer(world, store, clock)
    rounds(delivers)
    assert told.requests == []
    clock.go(4)
    rounds(delivers)
    assert len(told.heard) == 1


def test_a_test_event_is_signed_and_says_how_it_went(world: World, told: Receiver):
    staff = world.client("staff")
    hook = staff.make_webhook(told.url)
    assert staff.test_webhook(hook.number).is_delivered
    delivery = verify(told.requests[0].body, told.requests[0].signature, hook.secret)
    assert (delivery.is_test, delivery.events[0].id, delivery.events[0].action) == (True, 0, "test")
    told.status = 302
    told.headers = {"Location": "/elsewhere"}
    outcome = staff.test_webhook(hook.number)
    assert not outcome.is_delivered
    assert "redirects are not followed" in (outcome.problem or told).en  # type: ignore[union-attr]
    assert {request.path for request in told.requests} == {"/hook"}


def test_secrets_are_shown_once_and_written_nowhere_else(
    world: World, told: Receiver, mine: str, *, tell, eventually, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    admin = world.client("admin")
    made = admin.make_webhook(told.url.replace("/hook", "/private-path?key=private-key"))
    told.answers = [500]
    tell("dataset", mine, "edited")
    eventually(lambda: len(told.requests) >= 2)
    headers = {"Authorization": f"token {world.tokens['admin']}"}
    with httpx.Client(timeout=60, base_url=world.url, headers=headers) as http:
        for path in ("webhooks", f"webhooks/{made.number}", "changes"):
            assert made.secret not in http.get(path).text
        assert "private" not in http.get("changes").text
    assert made.secret.startswith("btw_")
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("beamtorch", "uvicorn"))
    )
    assert f"webhook {made.number} failed" in logged
    for secret in (made.secret, "private-path", "private-key"):
        assert secret not in logged


ROLES = {"admin": 200, "staff": 200, "team": 403, "other team": 403, "stranger": 403, "ingest": 403, "nobody": 401}


@pytest.mark.parametrize("role", [*ROLES, "unlisted", "without scope", "other service"])
def test_webhooks_are_for_staff_and_admins_and_each_sees_their_own(world: World, told: Receiver, role: str):
    theirs = world.client("admin").make_webhook(told.url)
    expected = ROLES.get(role, 403)
    with httpx.Client(timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens[role]}"}) as http:
        made = http.post("webhooks", json={"url": told.url})
        assert made.status_code == (201 if expected == 200 else expected)
        assert http.get("webhooks").status_code == expected
        number = made.json()["number"] if expected == 200 else theirs.number
        of_others = {200: 200 if role == "admin" else 404}.get(expected, expected)
        for path in (str(number), str(theirs.number)):
            right = expected if path == str(number) else of_others
            assert http.get(f"webhooks/{path}").status_code == right
            assert http.patch(f"webhooks/{path}", json={"actions": ["edited"]}).status_code == right
            assert http.post(f"webhooks/{path}/test").status_code == right
        assert http.delete(f"webhooks/{number}").status_code == (204 if expected == 200 else expected)
        assert http.delete(f"webhooks/{number}").status_code == (404 if expected == 200 else expected)


def test_one_owner_has_a_bounded_number(world: World, told: Receiver):
    staff = world.client("staff")
    for _ in range(20):
        staff.make_webhook(told.url)
    with pytest.raises(CatalogueRefusedError) as refused:
        staff.make_webhook(told.url)
    assert refused.value.code == "too-many-webhooks"
