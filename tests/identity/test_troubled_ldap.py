"""A server with very many people, and one that is slow: what is asked of it takes bounded time and memory."""

import socket
import threading
import time
from contextlib import closing

import pytest

from beamtorch_facility.identity import Username
from beamtorch_identity.errors import LdapUnreachableError
from beamtorch_identity.ldap_directory import LdapDirectory
from beamtorch_identity.ldap_settings import LdapSettings
from beamtorch_identity.testing.slapd import SUFFIX

MANY = 100_000


def person(number: int) -> str:
    name = f"p{number:06d}"
    return (
        f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\ncn: {name}\n"
        f"sn: {name}\nuid: {name}\nuidNumber: {20_000 + number}\ngidNumber: {20_000 + number}\n"
        f"homeDirectory: /home/{name}\n"
    )


def group(number: int) -> str:
    members = "".join(f"memberUid: p{(number * 7 + k) % MANY:06d}\n" for k in range(8))
    return (
        f"dn: cn=proposal-{number},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: proposal-{number}\n"
        f"gidNumber: {500_000 + number}\n{members}"
    )


@pytest.fixture(scope="module")
def crowded(make_slapd):
    return make_slapd("\n".join([*map(person, range(MANY)), *map(group, range(MANY // 20))]))


def test_a_hundred_thousand_people_are_listed_whole_although_the_server_gives_500_at_once(crowded):
    directory = LdapDirectory(LdapSettings.model_validate(crowded.settings(seconds=30)))
    uids = {one.uid for one in directory.people()}
    assert len(uids) == MANY
    assert directory.person(Username("p000007")).supplementary_gids == (500_000, 500_001)


@pytest.fixture
def slow(make_slapd):
    """A way to a real server on which every answer takes 10 s."""
    server = make_slapd(person(1))
    door = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = [door]

    def carry(source: socket.socket, target: socket.socket, seconds: float) -> None:
        while True:
            try:
                data = source.recv(65536)
                time.sleep(seconds)
                target.sendall(data)
            except OSError:
                return
            if not data:
                return

    def answer() -> None:
        while True:
            try:
                asked, _ = door.accept()
            except OSError:
                return
            inner = socket.create_connection(("127.0.0.1", server.port))
            ends.extend((asked, inner))
            threading.Thread(target=carry, args=(asked, inner, 0), daemon=True).start()
            threading.Thread(target=carry, args=(inner, asked, 10), daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    yield server.settings(url=f"ldaps://127.0.0.1:{door.getsockname()[1]}", seconds=1)
    for one in ends:
        with closing(one):
            pass


def test_a_server_that_takes_ten_seconds_for_each_answer_is_given_up_with_the_reason(slow):
    directory = LdapDirectory(LdapSettings.model_validate(slow))
    began = time.monotonic()
    with pytest.raises(LdapUnreachableError, match="does not answer as it should"):
        directory.person(Username("p000001"))
    assert time.monotonic() - began < 9
