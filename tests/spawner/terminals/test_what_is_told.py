"""What the service tells while it works: the stream of events, the audit by page, metrics, leases to their owners."""

import json
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from beamtorch_facility.words import Words
from beamtorch_service import caller, open_streams
from beamtorch_spawner.services import stream

ROOT = Path(__file__).parents[3]
ACCESS = "access:services!service=spawner"


class Ear:
    """Somebody who listens to the stream, in a thread."""

    def __init__(self, stand, token, *, query="", last=None) -> None:
        self.heard: list[dict] = []
        self.is_open, self.is_over = threading.Event(), threading.Event()
        headers = {"Authorization": f"token {token}", **({"Last-Event-ID": str(last)} if last is not None else {})}
        self._asked = (f"{stand.url}events{query}", headers)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self.is_open.wait(10)

    def _listen(self) -> None:
        url, headers = self._asked
        with httpx.Client(trust_env=False, timeout=30) as http, http.stream("GET", url, headers=headers) as answer:
            self.status = answer.status_code
            self.is_open.set()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    self.heard.append(json.loads(line[5:]))
        self.is_over.set()

    def of(self, username):
        return [event for event in self.heard if event["username"] == username]


@pytest.fixture
def soon(monkeypatch):
    """Tokens are looked at anew at once, and streams ask again after a moment."""
    monkeypatch.setattr(caller, "REMEMBER_SECONDS", 0.0)
    monkeypatch.setattr(stream, "ASK_AGAIN_SECONDS", 0.2)


@contextmanager
def listening(stand, who, **how: Any):
    token = stand.hub.issue(who, ACCESS)
    try:
        yield Ear(stand, token, **how)
    finally:
        # What a sign-out does, and what ends the thread.
        if token in stand.hub.owners:
            stand.hub.withdraw(token)


@pytest.mark.usefixtures("soon")
def test_a_stream_tells_one_s_own_and_an_admin_s_tells_everybody_s(stand):
    mine, other = stand.person(), stand.person()
    with (
        listening(stand, mine) as ear,
        listening(stand, "marsh", query="?all=true") as staff,
        listening(stand, other, query="?all=true") as curious,
    ):
        lease = stand.lab_at(stand.register(), mine)
        stand.wait(lambda: any(event["data"].get("state") == "running" for event in ear.of(mine)))
        assert {event["lease"] for event in ear.heard} == {lease}
        stand.wait(lambda: staff.of(mine))
        assert curious.heard == []


@pytest.mark.usefixtures("soon")
def test_a_stream_goes_on_where_it_broke(stand):
    person = stand.person()
    with listening(stand, person) as ear:
        stand.lab_at(stand.register(), person)
        stand.wait(lambda: len(ear.heard) >= 2)
    last = ear.heard[0]["id"]
    with listening(stand, person, last=last) as again:
        # More may come after the first one broke off, and nothing in between is missing.
        missed = [one["id"] for one in ear.heard[1:]]
        stand.wait(lambda: len(again.heard) >= len(missed))
        assert [one["id"] for one in again.heard][: len(missed)] == missed


@pytest.mark.usefixtures("soon")
def test_a_stream_ends_with_the_token_that_opened_it(stand):
    person = stand.person()
    token = stand.hub.issue(person, ACCESS)
    ear = Ear(stand, token)
    assert not ear.is_over.wait(0.6)
    stand.hub.withdraw(token)
    assert ear.is_over.wait(10)


@pytest.mark.usefixtures("soon")
def test_a_hub_that_is_away_for_a_moment_ends_no_stream(stand, monkeypatch):
    person = stand.person()
    with listening(stand, person) as ear:

        async def silent(*_: object):
            raise caller.HubUnreachableError(Words(en="away", zh="离线"))

        with monkeypatch.context() as away:
            away.setattr(caller.HubDoor, "caller", silent)
            assert not ear.is_over.wait(0.8)
        stand.lab_at(stand.register(), person)
        stand.wait(lambda: ear.of(person))


@pytest.mark.usefixtures("soon")
def test_a_twenty_first_stream_is_refused_in_a_sentence(stand, monkeypatch):
    monkeypatch.setattr(open_streams, "MOST_STREAMS", 1)
    person = stand.person()
    with listening(stand, person):
        answer = stand.api(person, "GET", "events")
        assert answer.status_code == 429
        assert "Close one stream" in answer.json()["detail"]


def test_the_audit_comes_newest_first_page_by_page_and_a_person_s_is_their_own(stand):
    person = stand.person()
    stand.lab_at(stand.register(), person)
    whole = stand.audit(username=person)
    assert len(whole) >= 3
    assert [row["id"] for row in whole] == sorted((row["id"] for row in whole), reverse=True)
    first = stand.audit(username=person, limit="2")
    rest = stand.audit(username=person, before=str(first[-1]["id"]))
    assert first + rest == whole
    assert {row["username"] for row in stand.api(person, "GET", "audit").json()} == {person}
    # Somebody else's name changes nothing.
    nosy = stand.api(person, "GET", "audit", params={"username": "marsh"}).json()
    assert {row["username"] for row in nosy} == {person}


def test_the_metrics_count_what_was_decided_and_what_runs(stand):
    def number(name):
        text = stand.api("marsh", "GET", "metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    before = number('beamtorch_admissions_total{outcome="admitted"}')
    stand.lab_at(stand.register(), stand.person())
    assert number('beamtorch_admissions_total{outcome="admitted"}') == before + 1


def test_every_metric_has_its_line_in_the_reference(stand):
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    told = stand.api("marsh", "GET", "metrics").text
    names = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE")}
    own = {name for name in names if not name.endswith("_created")}
    assert len(own) >= 9
    assert {name for name in own if f"`{name}" not in page} == set()


def test_a_lease_is_extended_by_its_owner_and_by_nobody_else(stand):
    person, other = stand.person(), stand.person()
    lease = stand.lab_at(stand.register(), person)
    before = stand.wait(lambda: stand.lease(lease)["expires_at"])
    assert stand.api(other, "POST", f"leases/{lease}/extend").status_code in {403, 404}
    assert stand.lease(lease)["expires_at"] == before
    answer = stand.api(person, "POST", f"leases/{lease}/extend", json={"seconds": 600})
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_at"] > before
    assert [row["actor"] for row in stand.audit(lease=lease, action="extended")] == [person]


def test_leases_are_found_by_state_server_and_terminal(stand):
    person, terminal = stand.person(), stand.register()
    lease = stand.lab_at(terminal, person)
    assert [one["id"] for one in stand.leases(terminal=terminal)] == [lease]
    assert [one["id"] for one in stand.leases(username=person, active="true")] == [lease]
    assert stand.leases(username=person, state="failed") == []
    assert stand.leases(username=person, server="another") == []
