"""Signing in: names and passwords, groups and rights of the directory, patience with wrong passwords."""

import json
import logging

import pytest
from tornado.web import HTTPError

from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_hub.sign_in.demo import DemoAuthenticator
from beamtorch_hub.sign_in.wrong_logins import FORGET_SECONDS, NAMES, WrongLogins


def person(name: str, *groups: str) -> Identity:
    number = 4000 + sum(name.encode())
    return Identity(
        username=Username(name), full_name=Words(en=name.title(), zh=name), uid=number, gid=number, groups=groups
    )


@pytest.fixture
def authenticator(home) -> DemoAuthenticator:
    people = [person("marsh", "proposal-2026-1417"), person("novak", "facility-admin")]
    home.directory.write_text(dump_people(people), encoding="utf-8")
    home.passwords.write_text(json.dumps({"marsh": "k7mq w3xh ", "novak": "pä", "gone": "secret"}), encoding="utf-8")
    return DemoAuthenticator(directory_file=str(home.directory), password_file=str(home.passwords))


async def sign_in(authenticator, name, password):
    return await authenticator.get_authenticated_user(None, {"username": name, "password": password})


async def test_a_person_signs_in_with_the_groups_of_the_directory(authenticator):
    model = await sign_in(authenticator, "marsh", "k7mq w3xh ")
    assert model["name"] == "marsh"
    assert model["groups"] == ["proposal-2026-1417"]
    assert model["admin"] is False


async def test_who_runs_the_facility_is_an_admin(authenticator):
    model = await sign_in(authenticator, "novak", "pä")
    assert model["admin"] is True


@pytest.mark.parametrize(
    ("name", "password"),
    [("marsh", "k7mq w3xh"), ("marsh", ""), ("nobody", "k7mq w3xh "), ("", ""), ("gone", "secret"), ("Marsh", "x")],
)
async def test_anything_else_signs_nobody_in(authenticator, name, password):
    assert await sign_in(authenticator, name, password) is None


async def test_a_change_of_the_directory_counts_at_the_next_look(authenticator, home):
    class User:
        name = "marsh"

    home.directory.write_text(dump_people([person("marsh", "staff-BL-B7", "facility-admin")]), encoding="utf-8")
    model = await authenticator.refresh_user(User())
    assert model["groups"] == ["staff-BL-B7", "facility-admin"]
    assert model["admin"] is True
    home.directory.write_text(dump_people([person("novak")]), encoding="utf-8")
    assert await authenticator.refresh_user(User()) is False


async def test_a_directory_that_cannot_be_read_throws_nobody_out_and_lets_nobody_in(authenticator, home):
    class User:
        name = "marsh"

    home.directory.write_text("people: [", encoding="utf-8")
    assert await authenticator.refresh_user(User()) is True
    with pytest.raises(HTTPError) as refused:
        await sign_in(authenticator, "marsh", "k7mq w3xh ")
    assert refused.value.status_code == 503
    assert "无法登录" in refused.value.__cause__.detail.zh
    assert str(home.root) not in str(refused.value)


async def test_a_broken_file_of_passwords_is_told_without_its_content(authenticator, home, caplog):
    home.passwords.write_text('{"marsh": "k7mq-w3xh" oops', encoding="utf-8")
    authenticator.log = logging.getLogger("authenticator")
    with pytest.raises(HTTPError):
        await sign_in(authenticator, "marsh", "typed-by-marsh")
    assert "no JSON" in caplog.text
    assert "k7mq" not in caplog.text
    assert "typed-by-marsh" not in caplog.text


def test_the_sixth_wrong_try_in_a_row_waits_and_each_further_one_longer():
    wrong = WrongLogins(clock=lambda: 0)
    assert [wrong.begin("marsh") for _ in range(12)] == [0, 0, 0, 0, 0, 0.5, 1, 2, 4, 8, 8, 8]
    assert wrong.begin("qiao") == 0


def test_who_knew_the_password_or_waited_begins_anew():
    now = [0.0]
    wrong = WrongLogins(clock=lambda: now[0])
    for _ in range(7):
        wrong.begin("marsh")
        wrong.begin("qiao")
    wrong.forgive("marsh")
    assert wrong.begin("marsh") == 0
    now[0] = FORGET_SECONDS + 1
    assert wrong.begin("qiao") == 0


def test_invented_names_fill_no_memory():
    wrong = WrongLogins(clock=lambda: 0)
    for number in range(NAMES * 3):
        wrong.begin(f"n{number}")
    assert len(wrong._tries) == NAMES
