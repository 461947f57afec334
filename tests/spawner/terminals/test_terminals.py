"""Every way in which a start at one address could wrongly end somebody's lab, and what stands before it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

EDGE, EDGE_HERE, LAB, VPN = "10.9.0.2", "127.0.0.9", "10.244.3.5", "198.51.100.20"


def at(shift):
    return (datetime.now(UTC) + timedelta(seconds=shift)).isoformat()


# -- forged addresses: X-Real-IP, X-Forwarded-For, the hub's port from inside a lab ---------------------------------


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
    assert stand.unharmed(victim, lease)


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
    assert stand.unharmed(victim, lease)
    assert stand.api(attacker, "GET", "uniqueipinfo/here", headers=forged).json()["terminal"] is None


def test_behind_the_edge_only_what_it_wrote_counts_at_the_api(stand):
    terminal, person = stand.register(), stand.person()
    headers = {"X-Forwarded-For": terminal, "X-Real-IP": "203.0.113.9"}
    here = stand.api(person, "GET", "uniqueipinfo/here", headers=headers, via=EDGE_HERE).json()
    assert here["terminal"] == terminal
    headers = {"X-Real-IP": terminal, "Forwarded": f"for={terminal}"}
    assert stand.api(person, "GET", "uniqueipinfo/here", headers=headers, via=EDGE_HERE).json()["terminal"] is None


# -- sourceip in a request -----------------------------------------------------------------------------------------


def test_sourceip_of_a_plain_user_is_ignored_and_written_down(occupied):
    stand, terminal, victim, lease = occupied
    attacker = stand.person()
    body = {"username": attacker, "environment": "lab", "sourceip": terminal}
    assert stand.api(attacker, "POST", "userpod/", json=body).status_code == 201
    stand.wait(lambda: stand.runs(attacker))
    assert stand.unharmed(victim, lease)
    (row,) = [row for row in stand.audit(username=attacker) if row["action"] == "source-ignored"]
    assert terminal in row["detail"]["en"]


def test_sourceip_of_an_admin_without_the_scope_is_ignored_too(occupied):
    stand, terminal, victim, lease = occupied
    person = stand.person()
    body = {"username": person, "environment": "lab", "sourceip": terminal}
    assert stand.api("marsh", "POST", "userpod/", json=body).status_code == 201
    stand.wait(lambda: stand.runs(person))
    assert stand.unharmed(victim, lease)


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
    edge = {"via": EDGE_HERE, "headers": {"X-Forwarded-For": terminal}}
    assert (
        stand.api("marsh", "POST", "userpod/", json={"username": person, "environment": "lab"}, **edge).status_code
        == 201
    )
    stand.wait(lambda: stand.runs(person))
    assert stand.unharmed(victim, lease)


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
        assert stand.unharmed(first, hers)
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
        {"valid_until": at(-60)},
        {"valid_from": at(3600)},
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
    assert stand.unharmed(first, hers)


def test_a_removed_terminal_releases_nothing_and_its_lab_goes_on(stand):
    terminal = stand.register()
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    assert stand.api("marsh", "DELETE", f"uniqueipinfo/{terminal}").status_code == 204
    assert stand.api("marsh", "DELETE", f"uniqueipinfo/{terminal}").status_code == 404
    stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    stand.wait(lambda: stand.runs(second))
    assert stand.unharmed(first, hers)


# -- a link that is opened or fetched ahead: GET never ends anything -----------------------------------------------


def test_a_start_whose_click_had_no_peer_is_nobodys_terminal(occupied):
    stand, _, victim, lease = occupied
    person = stand.person()
    # What the Hub's spawner sends for a start by GET, by REST or by a restart of the Hub: no peer.
    stand.hub.click(person, environment="lab")
    stand.wait(lambda: stand.runs(person))
    assert stand.leases(username=person)[0]["terminal"] is None
    assert stand.unharmed(victim, lease)


def test_looking_at_a_terminal_changes_nothing(occupied):
    stand, terminal, victim, lease = occupied
    asked = {"username": stand.person(), "peer": stand.at(terminal)}
    here = stand.api("torch", "POST", "uniqueipinfo/here", json=asked).json()
    assert (here["terminal"], here["holder"], here["lease"], here["is_own"]) == (terminal, victim, lease, False)
    assert here["environment"]["en"] == "JupyterLab"
    assert stand.unharmed(victim, lease)


# -- ping-pong -----------------------------------------------------------------------------------------------------


def test_a_lab_that_just_started_is_left_alone_and_says_until_when(either_stand):
    stand = either_stand
    terminal = stand.register(minimum_seconds=600)
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:beamtorch:problem:terminal-busy")
    assert datetime.fromisoformat(answer.json()["free_at"]) > datetime.now(UTC) + timedelta(seconds=500)
    assert stand.unharmed(first, hers)


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
    assert stand.unharmed(victim, lease)


def test_where_a_release_has_to_be_confirmed_the_lease_is_named(either_stand):
    stand = either_stand
    terminal = stand.register(protection="confirm")
    first, second = stand.person(), stand.person()
    hers = stand.lab_at(terminal, first)
    answer = stand.hub.click(second, peer=stand.at(terminal), environment="lab")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:beamtorch:problem:terminal-occupied")
    assert (answer.json()["holder"], answer.json()["lease"]) == (first, hers)
    assert stand.unharmed(first, hers)
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
    at_terminal, at_home = f"{stand.people_used:064x}", "e" * 64
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
