"""The orderly release of a terminal: notice, grace, stop, wait until gone, start; and staff, who decide where."""

import pytest


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


# -- admission comes before any end --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"environment": "matlab"}, {"environment": "lab", "image": "evil"}])
def test_a_start_that_is_refused_ends_nothing(occupied, options):
    stand, terminal, victim, lease = occupied
    answer = stand.hub.click(stand.person(), peer=stand.at(terminal), **options)
    assert answer.status_code == 422
    assert stand.unharmed(victim, lease)
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
    assert stand.unharmed(first, hers)


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
