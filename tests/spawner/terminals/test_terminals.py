"""One terminal, several people: every way in which somebody's lab could wrongly end, and the one in which it may."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

EDGE, EDGE_HERE, LAB, VPN = "10.9.0.2", "127.0.0.9", "10.244.3.5", "198.51.100.20"


def soon(**what):
    return (datetime.now(UTC) + timedelta(**what)).isoformat()


# -- the release as it should be -------------------------------------------------------------------------------------


def test_the_second_person_at_a_terminal_gets_it_and_the_first_ones_lab_ends(either_stand):
    stand = either_stand
    terminal = stand.register(name="Hutch 2", grace_seconds=1)
    first, second, elsewhere = stand.person(), stand.person(), stand.person()
    hers = stand.lab_at(terminal, first, session="a" * 64)
    bystander = stand.lab_at(stand.register(), elsewhere)
    at_home = stand.lab_at("203.0.113.5", first, server="ct")
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert answer.status_code == 202
    assert stand.runs(first), "it has its grace"
    stand.wait(lambda: stand.runs(second))
    assert not stand.runs(first)
    assert stand.lease(hers)["state"] == "ended"
    assert stand.lease(bystander)["state"] == "running"
    assert stand.lease(at_home)["state"] == "running", "it was not started from the terminal"
    assert stand.runs(elsewhere)
    assert stand.runs(first, "ct")


def test_the_new_server_starts_only_when_the_old_one_is_gone(either_stand):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    stand.lab_at(terminal, first)
    stand.hub.stop_seconds = 1.5
    try:
        stand.hub.click(second, peer=stand.at(terminal), environment="lab")
        stand.wait(lambda: stand.hub.labs[first, ""].pending == "stop")
        while (first, "") in stand.hub.labs:
            assert not stand.runs(second)
    finally:
        stand.hub.stop_seconds = 0.0
    stand.wait(lambda: stand.runs(second))


def test_the_displaced_person_is_told_at_once_and_again_at_the_end(stand):
    terminal = stand.register(grace_seconds=2)
    first, second = stand.person(), stand.person()
    stand.lab_at(terminal, first)
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    said = [text for text in stand.told(first) if second in text]
    assert len(said) == 1
    assert "ends in 2 s" in said[0]
    stand.wait(lambda: stand.runs(second))
    said = [text for text in stand.told(first) if second in text]
    assert any("ends now" in text for text in said)


def test_the_audit_says_who_displaced_whom_from_where_and_why(either_stand):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    stand.lab_at(terminal, second)
    (row,) = [row for row in stand.audit(terminal=terminal) if row["action"] == "released"]
    assert (row["lease"], row["username"], row["actor"]) == (hers, first, second)
    for language in ("en", "zh"):
        assert first in row["detail"][language]
        assert second in row["detail"][language]
        assert terminal in row["detail"][language]
    assert "ID09" in row["detail"]["en"]


def test_two_clicks_are_one_start(stand):
    terminal = stand.register()
    person = stand.person()
    hers = stand.lab_at(terminal, person)
    assert stand.hub.click(person, peer=stand.at(terminal), environment="lab").status_code == 400
    assert stand.lease(hers)["state"] == "running"
    ordered = stand.api(person, "POST", "userpod/", json={"username": person, "environment": "lab"})
    assert (ordered.status_code, ordered.json()["lease"]) == (200, hers)


def test_a_lab_that_is_still_starting_is_displaced_like_one_that_runs(stand):
    terminal = stand.register()
    first, second, third = stand.person(), stand.person(), stand.person()
    stand.lab_at(terminal, first)
    stand.hub.stop_seconds = 1.0
    try:
        stand.hub.click(second, peer=stand.at(terminal), environment="lab")
        refused = stand.hub.click(third, peer=stand.at(terminal), environment="lab")
    finally:
        stand.hub.stop_seconds = 0.0
    assert refused.status_code == 409
    assert f"{second} is just taking over this terminal" in refused.json()["message"]
    stand.wait(lambda: stand.runs(second))
    stand.lab_at(terminal, third)
    assert stand.hub.running().count((second, "")) == 0


def test_whoever_gives_up_waiting_leaves_the_other_ones_lab_alone(either_stand):
    stand = either_stand
    terminal = stand.register(grace_seconds=60)
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    (waiting,) = stand.leases(username=second)
    assert stand.api(second, "DELETE", f"leases/{waiting['id']}").status_code == 202
    stand.wait(lambda: any("goes on" in text for text in stand.told(first)))
    assert stand.lease(hers)["state"] == "running"
    assert "release-cancelled" in {row["action"] for row in stand.audit(lease=hers)}


def test_a_start_that_nobody_waits_for_any_more_displaces_nobody(stand):
    terminal = stand.register(grace_seconds=1)
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    # The Hub dies with the start in its memory, so that nobody comes back for the lease.
    asked = {"username": second, "user_options": {"environment": "lab"}, "peer": stand.at(terminal)}
    stand.hub.names.add(second)
    waiting = stand.api("torch", "POST", "admissions", json=asked).json()["lease"]
    stand.wait(lambda: stand.lease(waiting)["state"] == "failed")
    assert stand.lease(hers)["state"] == "running"
    assert stand.runs(first)


def test_staff_who_lock_the_terminal_stop_a_release_that_is_under_way(stand):
    terminal = stand.register(grace_seconds=1)
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    locked = {"ip": terminal, "beamline": "ID09", "protection": "locked"}
    assert stand.api("marsh", "PUT", "uniqueipinfo/", json=locked).status_code == 200
    stand.wait(lambda: (second, "") not in stand.hub.labs)
    assert stand.lease(hers)["state"] == "running"
    (refused,) = stand.leases(username=second)
    assert (refused["state"], "locked" in refused["reason"]["en"]) == ("failed", True)


def test_a_long_wait_is_not_taken_for_a_start_that_came_to_nothing(stand):
    terminal = stand.register(grace_seconds=2)
    first, second = stand.person(), stand.person()
    stand.lab_at(terminal, first)
    before = datetime.now(UTC)
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    stand.wait(lambda: not stand.leases(username=first)[0]["state"] == "running")
    stand.wait(lambda: stand.runs(second))
    admitted = [row for row in stand.audit(username=second) if row["action"] == "admitted"]
    assert datetime.fromisoformat(admitted[0]["at"]) < before + timedelta(seconds=1)


# -- forged addresses: X-Real-IP, X-Forwarded-For, the hub's port from inside a lab ---------------------------------


@pytest.fixture
def occupied(stand):
    """A terminal with somebody's lab."""
    terminal = stand.register()
    victim = stand.person()
    lease = stand.lab_at(terminal, victim, session="0" * 64)
    return stand, terminal, victim, lease


def unharmed(stand, victim, lease):
    """Tell whether a lab runs and nobody even thinks of ending it."""
    return (
        stand.runs(victim)
        and stand.lease(lease)["state"] == "running"
        and not stand.audit(action="released", lease=lease)
    )


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        pytest.param("203.0.113.9", ("{terminal}",), id="a client without any proxy"),
        pytest.param(LAB, ("{terminal}",), id="a lab that calls the hub's port directly"),
        pytest.param(LAB, ("{terminal}, 10.9.0.2",), id="a lab that pretends to be behind the edge"),
        pytest.param(EDGE, ("{terminal}, 203.0.113.9",), id="a client before the edge, which appends"),
        pytest.param(EDGE, ("{terminal}", "203.0.113.9"), id="a client with a line of its own"),
        pytest.param(EDGE, ("{terminal}, unknown",), id="a hop that hides"),
        pytest.param(EDGE, ("{terminal}, 10.9.0.3, 10.9.0.3, 10.9.0.3, 10.9.0.3",), id="more hops than there are"),
    ],
)
def test_an_address_that_a_client_forges_displaces_nobody(occupied, peer, forwarded):
    stand, terminal, victim, lease = occupied
    attacker = stand.person()
    lines = [line.format(terminal=terminal) for line in forwarded]
    stand.hub.click(attacker, peer=stand.at(peer, *lines), environment="lab")
    stand.wait(lambda: stand.runs(attacker))
    assert stand.leases(username=attacker)[0]["terminal"] is None
    assert unharmed(stand, victim, lease)


def test_through_the_edge_the_same_terminal_is_recognised(stand):
    terminal = stand.register()
    person = stand.person()
    stand.hub.click(person, peer=stand.at(EDGE, terminal), environment="lab")
    stand.wait(lambda: stand.runs(person))
    assert stand.leases(username=person)[0]["terminal"] == terminal


def test_unsigned_headers_of_an_untrusted_peer_count_nothing_at_the_api_itself(occupied):
    stand, terminal, victim, lease = occupied
    attacker = stand.person()
    forged = {"X-Forwarded-For": terminal, "X-Real-IP": terminal, "Forwarded": f"for={terminal}"}
    body = {"username": attacker, "environment": "lab"}
    assert stand.api(attacker, "POST", "userpod/", json=body, headers=forged).status_code == 201
    stand.wait(lambda: stand.runs(attacker))
    assert unharmed(stand, victim, lease)
    assert stand.api(attacker, "GET", "uniqueipinfo/here", headers=forged).json()["terminal"] is None


def test_behind_the_edge_only_what_it_wrote_counts_at_the_api(stand):
    terminal, person = stand.register(), stand.person()
    edge = {"transport": httpx.HTTPTransport(local_address=EDGE_HERE)}
    headers = {"X-Forwarded-For": terminal, "X-Real-IP": "203.0.113.9"}
    here = stand.api(person, "GET", "uniqueipinfo/here", headers=headers, **edge).json()
    assert here["terminal"] == terminal
    edge = {"transport": httpx.HTTPTransport(local_address=EDGE_HERE)}
    headers = {"X-Real-IP": terminal, "Forwarded": f"for={terminal}"}
    assert stand.api(person, "GET", "uniqueipinfo/here", headers=headers, **edge).json()["terminal"] is None


# -- sourceip in a request -----------------------------------------------------------------------------------------


def test_sourceip_of_a_plain_user_is_ignored_and_written_down(occupied):
    stand, terminal, victim, lease = occupied
    attacker = stand.person()
    body = {"username": attacker, "environment": "lab", "sourceip": terminal}
    assert stand.api(attacker, "POST", "userpod/", json=body).status_code == 201
    stand.wait(lambda: stand.runs(attacker))
    assert unharmed(stand, victim, lease)
    (row,) = [row for row in stand.audit(username=attacker) if row["action"] == "source-ignored"]
    assert terminal in row["detail"]["en"]


def test_sourceip_of_an_admin_without_the_scope_is_ignored_too(occupied):
    stand, terminal, victim, lease = occupied
    person = stand.person()
    body = {"username": person, "environment": "lab", "sourceip": terminal}
    assert stand.api("marsh", "POST", "userpod/", json=body).status_code == 201
    stand.wait(lambda: stand.runs(person))
    assert unharmed(stand, victim, lease)


@pytest.mark.parametrize("written", ["{}", "::ffff:{}"])
def test_sourceip_counts_with_the_scope_for_it(either_stand, written):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    body = {"username": second, "environment": "lab", "sourceip": written.format(terminal)}
    answer = stand.api("console", "POST", "userpod/", json=body)
    assert (answer.status_code, answer.json()["state"]) == (201, "admitted")
    stand.wait(lambda: stand.runs(second))
    assert stand.lease(hers)["state"] == "ended"


@pytest.mark.parametrize("forged", ["not-an-address", "10.41.0.7, 10.41.0.8", "fe80::1%" + "x" * 80, "10.41.0.300"])
def test_sourceip_that_is_no_address_is_refused_in_words(stand, forged):
    person = stand.person()
    body = {"username": person, "environment": "lab", "sourceip": forged}
    answer = stand.api("console", "POST", "userpod/", json=body)
    assert answer.status_code == 422
    assert "no IP address" in answer.json()["detail"]


def test_an_admin_at_a_terminal_who_starts_for_somebody_else_takes_no_terminal(occupied):
    stand, terminal, victim, lease = occupied
    person = stand.person()
    edge = {"transport": httpx.HTTPTransport(local_address=EDGE_HERE), "headers": {"X-Forwarded-For": terminal}}
    assert (
        stand.api("marsh", "POST", "userpod/", json={"username": person, "environment": "lab"}, **edge).status_code
        == 201
    )
    stand.wait(lambda: stand.runs(person))
    assert unharmed(stand, victim, lease)


# -- one address, many terminals: SNAT, VPN, a jump host -----------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (EDGE, "10.9.0.0/24"),
        (LAB, "10.244.0.0/16"),
        (VPN, "198.51.100.0/24"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("0.0.0.0", "0.0.0.0/8"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_an_address_that_many_share_is_never_registered(stand, address, network):
    for method in ("POST", "PUT"):
        answer = stand.api("marsh", method, "uniqueipinfo/", json={"ip": address, "beamline": "ID09"})
        assert answer.status_code == 422
        assert network in answer.json()["detail"]


def test_a_registered_address_that_turns_out_to_be_a_gateway_releases_nothing_any_more(stand):
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    stand.write_policy(never_terminals=[f"{terminal}/32"])
    try:
        stand.hub.click(second, peer=stand.at(terminal), environment="lab")
        stand.wait(lambda: stand.runs(second))
        assert unharmed(stand, first, hers)
        assert (
            stand.api(
                "torch", "POST", "uniqueipinfo/here", json={"username": second, "peer": stand.at(terminal)}
            ).json()["terminal"]
            is None
        )
    finally:
        stand.write_policy()


@pytest.mark.filterwarnings("default")
def test_a_crowd_at_one_address_raises_the_alarm_once(either_stand):
    stand = either_stand
    stand.write_policy(terminal_starts_per_minute=100)
    terminal = stand.register(minimum_seconds=600)
    people = [stand.person() for _ in range(6)]
    try:
        for person in people:
            stand.hub.click(person, peer=stand.at(terminal), environment="lab")
    finally:
        stand.write_policy()
    crowds = [row for row in stand.audit(terminal=terminal) if row["action"] == "crowd"]
    assert len(crowds) == 1, "those who were refused count, too, and one alarm is enough"
    assert terminal in crowds[0]["detail"]["en"]
    assert any("gateway" in text and terminal in text for text in stand.told("marsh"))


# -- addresses change hands: DHCP, an old registration -------------------------------------------------------------


@pytest.mark.parametrize(
    "validity",
    [
        {"valid_until": soon(seconds=-60)},
        {"valid_from": soon(hours=1)},
        {"enabled": False},
    ],
    ids=["over", "not yet", "switched off"],
)
def test_an_address_that_does_not_count_now_releases_nothing(stand, validity):
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    changed = {"ip": terminal, "beamline": "ID09", "grace_seconds": 0, "minimum_seconds": 0, **validity}
    assert stand.api("marsh", "PUT", "uniqueipinfo/", json=changed).status_code == 200
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    stand.wait(lambda: stand.runs(second))
    assert unharmed(stand, first, hers)


def test_a_removed_terminal_releases_nothing_and_its_lab_goes_on(stand):
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    assert stand.api("marsh", "DELETE", f"uniqueipinfo/{terminal}").status_code == 204
    assert stand.api("marsh", "DELETE", f"uniqueipinfo/{terminal}").status_code == 404
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    stand.wait(lambda: stand.runs(second))
    assert unharmed(stand, first, hers)


# -- a link that is opened or fetched ahead: GET never ends anything -----------------------------------------------


def test_a_start_whose_click_had_no_peer_is_nobodys_terminal(occupied):
    stand, terminal, victim, lease = occupied
    person = stand.person()
    # What the Hub's spawner sends for a start by GET, by REST or by a restart of the Hub: no peer.
    stand.hub.click(person, environment="lab")
    stand.wait(lambda: stand.runs(person))
    assert stand.leases(username=person)[0]["terminal"] is None
    assert unharmed(stand, victim, lease)


def test_looking_at_a_terminal_changes_nothing(occupied):
    stand, terminal, victim, lease = occupied
    asked = {"username": stand.person(), "peer": stand.at(terminal)}
    here = stand.api("torch", "POST", "uniqueipinfo/here", json=asked).json()
    assert (here["terminal"], here["holder"], here["lease"], here["is_own"]) == (terminal, victim, lease, False)
    assert here["environment"]["en"] == "JupyterLab"
    assert unharmed(stand, victim, lease)


# -- ping-pong -----------------------------------------------------------------------------------------------------


def test_a_lab_that_just_started_is_left_alone_and_says_until_when(either_stand):
    stand = either_stand
    terminal = stand.register(minimum_seconds=600)
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:beamtorch:problem:terminal-busy")
    assert datetime.fromisoformat(answer.json()["free_at"]) > datetime.now(UTC) + timedelta(seconds=500)
    assert unharmed(stand, first, hers)


def test_too_many_starts_at_one_terminal_are_refused(stand):
    terminal = stand.register()
    people = [stand.person() for _ in range(5)]
    for person in people[:4]:
        stand.lab_at(terminal, person)
    answer = stand.hub.click(people[4], peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:beamtorch:problem:terminal-too-busy")
    assert stand.runs(people[3])


def test_a_locked_terminal_starts_nothing_and_ends_nothing(occupied):
    stand, terminal, victim, lease = occupied
    stand.api("marsh", "PUT", "uniqueipinfo/", json={"ip": terminal, "beamline": "ID09", "protection": "locked"})
    answer = stand.hub.click(stand.person(), peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (423, "urn:beamtorch:problem:terminal-locked")
    assert unharmed(stand, victim, lease)


def test_where_a_release_has_to_be_confirmed_the_lease_is_named(either_stand):
    stand = either_stand
    terminal = stand.register(protection="confirm")
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:beamtorch:problem:terminal-occupied")
    assert (answer.json()["holder"], answer.json()["lease"]) == (first, hers)
    assert unharmed(stand, first, hers)
    wrong = stand.hub.click(second, peer=stand.at(terminal), environment="lab", confirm="f" * 32)
    assert wrong.status_code == 409
    stand.hub.click(second, peer=stand.at(terminal), environment="lab", confirm=hers)
    stand.wait(lambda: stand.runs(second))
    assert stand.lease(hers)["state"] == "ended"


# -- two tabs, a double click, several people at once --------------------------------------------------------------


def test_several_people_at_once_at_one_terminal_end_one_lab_once(either_stand):
    stand = either_stand
    stand.write_policy(terminal_starts_per_minute=100)
    terminal = stand.register(grace_seconds=1)
    first, rivals = stand.person(), [stand.person() for _ in range(6)]
    hers = stand.lab_at(terminal, first)
    try:
        with ThreadPoolExecutor(6) as pool:
            answers = list(
                pool.map(lambda who: stand.hub.click(who, peer=stand.at(terminal), environment="lab"), rivals)
            )
    finally:
        stand.write_policy()
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409, 409]
    (winner,) = [who for who, answer in zip(rivals, answers, strict=True) if answer.status_code == 202]
    stand.wait(lambda: stand.runs(winner))
    assert [row["actor"] for row in stand.audit(lease=hers, action="released")] == [winner]
    assert [key for key in stand.hub.running() if key[0] in {first, *rivals}] == [(winner, "")]


def test_a_double_click_on_the_same_order_is_one_start(either_stand):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    stand.lab_at(terminal, first)
    body = {"username": second, "environment": "lab", "sourceip": terminal}

    def order(key):
        return stand.api("console", "POST", "userpod/", json=body, headers={"Idempotency-Key": key} if key else {})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(order, ["same", "same", "same", None, None, "other"]))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.json()["lease"] for answer in answers}) == 1
    stand.wait(lambda: stand.runs(second))
    assert [lab.username for lab in stand.hub.begun].count(second) == 1


# -- the last person's browser -------------------------------------------------------------------------------------


def test_the_displaced_persons_browser_session_ends_and_only_that_one(either_stand):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    known = stand.ended_sessions()
    after = known[-1]["number"] if known else 0
    at_terminal, at_home = f"{stand.used:02}" * 32, "e" * 64
    stand.lab_at("203.0.113.5", first, server="ct", session=at_home)
    stand.lab_at(terminal, first, session=at_terminal)
    stand.lab_at(terminal, second, session="d" * 64)
    (ended,) = stand.ended_sessions(after)
    assert (ended["session"], ended["username"]) == (at_terminal, first)
    assert stand.ended_sessions(ended["number"]) == []


def test_nobody_signs_their_own_browser_out(stand):
    terminal = stand.register()
    person = stand.person()
    before = len(stand.ended_sessions())
    stand.lab_at(terminal, person, session="1" * 64)
    stand.lab_at(terminal, person, server="ct", session="1" * 64)
    assert not stand.runs(person)
    assert len(stand.ended_sessions()) == before


def test_a_session_that_both_share_stays_signed_in_as_the_second_person_works_in_it(stand):
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    before = len(stand.ended_sessions())
    stand.lab_at(terminal, first, session="2" * 64)
    stand.lab_at(terminal, second, session="2" * 64)
    assert len(stand.ended_sessions()) == before


# -- admission comes before any end --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"environment": "matlab"}, {"environment": "lab", "image": "evil"}])
def test_a_start_that_is_refused_ends_nothing(occupied, options):
    stand, terminal, victim, lease = occupied
    answer = stand.hub.click(stand.person(), peer=stand.at(terminal), **options)
    assert answer.status_code == 422
    assert unharmed(stand, victim, lease)
    assert stand.leases(username=victim)[0]["state"] == "running"


def test_a_start_for_which_there_is_no_room_ends_nothing(either_stand):
    stand = either_stand
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    quota = {"scope": "user", "subject": second, "resource": "servers", "limit": 0}
    assert stand.api("marsh", "PUT", "quotas", json=quota).status_code == 200
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert answer.json()["type"] == "urn:beamtorch:problem:quota-exceeded"
    assert unharmed(stand, first, hers)


def test_what_the_release_frees_counts_as_free_and_not_twice(either_stand):
    stand = either_stand
    terminal = stand.register(beamline="B77")
    first, second, third = stand.person(), stand.person(), stand.person()
    stand.lab_at(terminal, first)
    quota = {"scope": "beamline", "subject": "B77", "resource": "servers", "limit": 1}
    assert stand.api("marsh", "PUT", "quotas", json=quota).status_code == 200
    stand.lab_at(terminal, second)
    assert stand.runs(second)
    other = stand.register(beamline="B77")
    answer = stand.hub.click(third, peer=stand.at(other), environment="lab")
    assert answer.json()["type"] == "urn:beamtorch:problem:quota-exceeded"


# -- staff ---------------------------------------------------------------------------------------------------------


def test_every_change_of_a_terminal_is_in_the_audit(stand):
    terminal = stand.register(name="Hutch 9")
    assert stand.api("marsh", "POST", "uniqueipinfo/", json={"ip": terminal, "beamline": "ID09"}).status_code == 409
    changed = {"ip": f"::ffff:{terminal}", "beamline": "ID09", "protection": "confirm"}
    assert stand.api("marsh", "PUT", "uniqueipinfo/", json=changed).json()["ip"] == terminal
    assert stand.api("marsh", "DELETE", f"uniqueipinfo/{terminal}").status_code == 204
    rows = stand.audit(terminal=terminal)
    assert [row["action"] for row in rows] == ["terminal-removed", "terminal-changed", "terminal-registered"]
    assert {row["actor"] for row in rows} == {"marsh"}


def test_the_list_of_terminals_says_what_each_holds(stand):
    terminal = stand.register(name="Hutch 3")
    person = stand.person()
    lease = stand.lab_at(terminal, person)
    (shown,) = [one for one in stand.api("marsh", "GET", "uniqueipinfo/").json() if one["ip"] == terminal]
    assert (shown["name"], shown["holder"], shown["lease"]) == ("Hutch 3", person, lease)


@pytest.mark.parametrize("who", ["guest59", "torch"])
def test_terminals_are_for_admins(stand, who):
    for method in ("POST", "PUT"):
        assert stand.api(who, method, "uniqueipinfo/", json={"ip": "10.41.9.9", "beamline": "ID09"}).status_code == 403
    assert stand.api(who, "DELETE", "uniqueipinfo/10.41.9.9").status_code == 403
    assert stand.api("guest59", "GET", "sessions/ended").status_code == 403
