"""Servers and people by the routes of an existing console: one order, one admission, one server."""

import base64
from datetime import datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

GIB = 1024**3


def order(stand, who, username, *, key=None, **asked: object):
    headers = {"Idempotency-Key": key} if key else {}
    body = {"username": username, "environment": "lab", **asked}
    return stand.api(who, "POST", "userpod/", json=body, headers=headers)


def servers(stand, username):
    return {one["podname"]: one for one in stand.api(username, "GET", f"userpod/{username}").json()}


# -- starting ------------------------------------------------------------------------------------------------------


def test_an_order_starts_a_server_through_the_hub(stand):
    person = stand.person()
    answer = order(stand, person, person, description="Fast scan", expireruntime=3600)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/services/spawner/userpod/{person}"
    stand.wait(lambda: stand.runs(person))
    server = stand.wait(lambda: [one for one in servers(stand, person).values() if one["state"] == "running"])[0]
    assert (server["podname"], server["server"], server["description"]) == ("default", "", "Fast scan")
    assert server["url"].endswith(f"/user/{person}/")
    assert server["lease"] == answer.json()["lease"]
    lasts = datetime.fromisoformat(server["expires_at"]) - datetime.fromisoformat(server["running_at"])
    assert lasts.total_seconds() == 3600


def test_the_ticket_of_an_order_is_good_for_one_start(stand):
    person = stand.person()
    lease = order(stand, person, person).json()["lease"]
    stand.wait(lambda: stand.runs(person))
    options = dict(stand.hub.labs[person, ""].user_options)
    assert stand.hub.labs[person, ""].lease == lease
    stand.hub.click(person)
    assert stand.api(person, "DELETE", "userpod/", json={"username": person}).status_code == 204
    stand.wait(lambda: (person, "") not in stand.hub.labs)
    # The Hub keeps the options of the last start, and with them the used ticket.
    stand.hub.click(person, **options)
    stand.wait(lambda: stand.runs(person))
    assert stand.hub.labs[person, ""].lease != lease
    stolen = stand.person()
    stand.hub.click(stolen, **options)
    stand.wait(lambda: stand.runs(stolen))
    assert stand.hub.labs[stolen, ""].lease != lease


def test_the_same_key_is_the_same_server_and_another_order_needs_another_key(stand):
    person = stand.person()
    first = order(stand, person, person, key="k-1")
    second = order(stand, person, person, key="k-1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["lease"] == second.json()["lease"]
    other = order(stand, person, person, key="k-1", podname="second")
    assert (other.status_code, other.json()["type"]) == (409, "urn:beamtorch:problem:key-reused")
    neighbour = stand.person()
    assert order(stand, neighbour, neighbour, key="k-1").status_code == 201
    stand.wait(lambda: stand.runs(person))
    stand.wait(lambda: stand.runs(neighbour))
    assert [lab.username for lab in stand.hub.begun].count(person) == 1


@pytest.mark.parametrize(("podname", "server"), [(None, ""), ("default", ""), ("extra-1", "extra-1")])
def test_a_pods_name_is_the_hubs_server_name(stand, podname, server):
    person = stand.person()
    assert order(stand, person, person, podname=podname).json()["podname"] == (podname or "default")
    stand.wait(lambda: stand.runs(person, server))
    assert stand.api(person, "DELETE", f"userpod/?username={person}&podname={podname or ''}").status_code == 204
    stand.wait(lambda: (person, server) not in stand.hub.labs)


def test_a_console_starts_for_anybody_and_a_person_only_for_themselves(stand):
    person, other = stand.person(), stand.person()
    assert order(stand, person, other).status_code == 403
    assert stand.api(person, "PATCH", "userpod/", json={"username": other, "description": "x"}).status_code == 403
    assert stand.api(person, "DELETE", "userpod/", json={"username": other}).status_code == 403
    assert order(stand, "console", other).status_code == 201
    stand.wait(lambda: stand.runs(other))
    assert {row["actor"] for row in stand.audit(username=other, action="admitted")} == {"console"}


def test_somebody_whom_the_directory_does_not_know_gets_nothing(stand):
    answer = order(stand, "console", "stranger")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:beamtorch:problem:unknown-person")
    assert "stranger" not in stand.hub.names


def test_what_the_hub_itself_refuses_is_told_and_holds_nothing(stand):
    person = stand.person()
    stand.hub.refusal = (400, "User already has the maximum of 1 named servers.")
    try:
        lease = order(stand, person, person).json()["lease"]
        stand.wait(lambda: stand.lease(lease)["state"] == "failed")
    finally:
        stand.hub.refusal = None
    assert "maximum of 1 named servers" in stand.lease(lease)["reason"]["en"]
    assert any("maximum of 1 named servers" in text for text in stand.told(person))
    assert order(stand, person, person).status_code == 201
    stand.wait(lambda: stand.runs(person))


@pytest.mark.parametrize("busy", [(429, "Too many users trying to log in right now."), (503, "fault")])
def test_a_hub_that_cannot_begin_now_is_asked_again(stand, busy):
    person = stand.person()
    stand.hub.refusal = busy
    asked = stand.hub.starts_asked
    lease = order(stand, person, person).json()["lease"]
    stand.wait(lambda: stand.hub.starts_asked > asked + 1)
    assert stand.lease(lease)["state"] == "admitted"
    stand.hub.refusal = None
    stand.wait(lambda: stand.runs(person))
    assert stand.hub.labs[person, ""].lease == lease


def test_a_server_that_the_hub_runs_without_a_lease_is_not_started_twice(stand):
    person = stand.person()
    stand.hub.click(person, environment="lab")
    stand.wait(lambda: stand.runs(person))
    stray = stand.hub.labs[person, ""]
    stand.api("torch", "PATCH", f"leases/{stray.lease}", json={"state": "ended"})
    lease = order(stand, person, person).json()["lease"]
    stand.wait(lambda: stand.lease(lease)["state"] == "failed")
    assert "Stop it on the hub's page" in stand.lease(lease)["reason"]["en"]
    assert stand.hub.labs[person, ""] is stray


# -- what goes along -----------------------------------------------------------------------------------------------


@cache
def ssh_key(kind, bits=None):
    curves = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
    match kind:
        case "rsa":
            made = rsa.generate_private_key(65537, bits)
        case "ecdsa":
            made = ec.generate_private_key(curves[bits])
        case _:
            made = ed25519.Ed25519PrivateKey.generate()
    line = made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{line.decode()} me at home"


@pytest.mark.parametrize(
    ("kind", "bits"), [("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)]
)
def test_the_keys_of_ssh_keygen_are_taken(stand, kind, bits):
    person = stand.person()
    assert order(stand, person, person, sshpubkeys=ssh_key(kind, bits)).status_code == 201
    stand.wait(lambda: stand.runs(person))


def mangled(key):
    kind, blob, comment = key.split(" ", 2)
    short = base64.b64encode(base64.b64decode(blob)[:-1]).decode()
    return {
        "options": f'command="evil" {key}',
        "another type": f"ecdsa-sha2-nistp256 {blob}",
        "cut off": f"{kind} {short}",
        "more after it": f"{kind} {base64.b64encode(base64.b64decode(blob) + b'x').decode()}",
        "type alone": f"{kind} {base64.b64encode(base64.b64decode(blob)[:15]).decode()}",
        "no base64": f"{kind} {blob[:-4]}$$$$",
        "nothing": kind,
        "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "an old type": f"ssh-dss {blob} {comment}",
        "a NUL": f"{key}\0",
    }


@pytest.mark.parametrize("fault", list(mangled("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== c")))
def test_a_line_that_is_no_public_key_is_refused_by_its_number(stand, fault):
    person = stand.person()
    good = ssh_key("ed25519")
    answer = order(stand, person, person, sshpubkeys=[good, mangled(good)[fault]])
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:beamtorch:problem:wish-refused")
    assert "ssh key 2" in answer.json()["detail"]


def test_two_lines_in_one_key_are_refused(stand):
    person, good = stand.person(), ssh_key("ed25519")
    assert order(stand, person, person, sshpubkeys=[f"{good}\n{good}"]).status_code == 422


def test_a_short_rsa_key_is_refused(stand):
    person = stand.person()
    assert order(stand, person, person, sshpubkeys=ssh_key("rsa", 1984)).status_code == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1A", "x"),
        ("A-B", "x"),
        ("", "x"),
        ("A", "a\0b"),
        ("JUPYTERHUB_API_TOKEN", "x"),
        ("LD_PRELOAD", "x"),
        ("PATH", "x"),
    ],
)
def test_variables_that_cannot_be_set_are_refused(stand, name, value):
    person = stand.person()
    answer = order(stand, person, person, scriptenv={name: value})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:beamtorch:problem:wish-refused")


def test_texts_of_the_old_console_are_read_as_lists(stand):
    person = stand.person()
    order(stand, person, person, scriptenv="A=1;B=x=y", single_cmd="/bin/echo", single_cmd_args="one; two words")
    stand.wait(lambda: stand.runs(person))
    lease = stand.hub.labs[person, ""].lease
    grant = stand.api("torch", "GET", f"admissions/{lease}").json()["grant"]
    assert (grant["env"]["A"], grant["env"]["B"]) == ("1", "x=y")
    assert grant["single_command"] == ["/bin/echo", "one", "two words"]


# -- changing and stopping -----------------------------------------------------------------------------------------


def test_a_server_gets_a_longer_and_a_shorter_life_and_another_description(stand):
    person = stand.person()
    order(stand, person, person, expireruntime=3600)
    stand.wait(lambda: stand.runs(person))

    def change(**what: object):
        answer = stand.api(person, "PATCH", "userpod/", json={"username": person, **what})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        until = datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["running_at"])
        return until.total_seconds(), body["description"]

    assert change(expireruntime=7200)[0] == 7200
    assert change(expireruntime=1800, description="Shorter") == (1800, "Shorter")


def test_other_resources_come_at_the_next_start_and_not_before(stand):
    person = stand.person()
    order(stand, person, person)
    stand.wait(lambda: stand.runs(person))
    before = servers(stand, person)["default"]
    changed = stand.api(person, "PATCH", "userpod/", json={"username": person, "memory": "1G"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["memory"] == before["memory"], "it runs on as it is"
    assert changed.json()["next_start"]["memory"] == GIB
    stand.api(person, "DELETE", f"userpod/?username={person}")
    stand.wait(lambda: (person, "") not in stand.hub.labs)
    stand.hub.click(person, environment="lab")
    stand.wait(lambda: stand.runs(person))
    assert servers(stand, person)["default"]["memory"] == GIB
    assert servers(stand, person)["default"]["ncores"] == before["ncores"]


def test_more_than_the_environment_gives_is_refused_and_not_kept(stand):
    person = stand.person()
    order(stand, person, person)
    stand.wait(lambda: stand.runs(person))
    answer = stand.api(person, "PATCH", "userpod/", json={"username": person, "memory": "900G"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:beamtorch:problem:not-offered")
    assert servers(stand, person)["default"]["next_start"] is None


def test_where_nothing_runs_nothing_changes_or_stops_and_words_say_so(stand):
    person = stand.person()
    for method in ("PATCH", "DELETE"):
        answer = stand.api(person, method, "userpod/", json={"username": person, "podname": "none"})
        assert answer.status_code == 404
        assert f"{person} has no server “none” now" in answer.json()["detail"]


# -- people --------------------------------------------------------------------------------------------------------


def test_somebody_of_the_directory_becomes_known_at_the_hub(stand):
    person = stand.person()
    assert stand.api(person, "GET", f"users/{person}").json()["at_hub"] is False
    assert stand.api("marsh", "POST", "users/", json={"username": person}).status_code == 201
    again = stand.api("marsh", "POST", "users/", json={"username": person})
    assert (again.status_code, again.json()["at_hub"]) == (200, True)
    assert person in stand.hub.names
    assert stand.api("marsh", "POST", "users/", json={"username": "stranger"}).status_code == 404


def test_people_are_listed_by_pages_and_counted(stand):
    names, offset = [], 0
    while offset is not None:
        page = stand.api("marsh", "GET", "users/", params={"offset": offset, "limit": 40}).json()
        names += [user["username"] for user in page["users"]]
        offset = page["next_offset"]
    assert names == sorted(set(names))
    count = stand.api("marsh", "GET", "users/count").json()
    assert count["count"] == page["total"] == len(names)
    assert count["active"] == len({row["username"] for row in stand.leases(active="true", limit="500")})


def test_people_look_at_themselves_alone(stand):
    person = stand.person()
    assert stand.api(person, "GET", f"users/{person}").json()["groups"] == ["proposal-2026-0001"]
    assert stand.api(person, "GET", "users/marsh").status_code == 403
    for path in ("users/", "users/count"):
        assert stand.api(person, "GET", path).status_code == 403
    assert stand.api(person, "POST", "users/", json={"username": person}).status_code == 403
