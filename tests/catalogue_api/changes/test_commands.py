"""History, keys and webhooks from the command line."""

import json

import pytest

from beamtorch_catalogue import command
from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError
from beamtorch_catalogue.testing.receiver import receiver
from beamtorch_catalogue.testing.world import World


@pytest.fixture
def run(light_world: World, capsys: pytest.CaptureFixture[str]):
    light_world.begin_again()

    def run(*arguments: str, role: str = "admin") -> tuple[int, str]:
        code = command.main(["--url", light_world.url, "--token", light_world.tokens[role], *arguments])
        return code, capsys.readouterr().out

    return run


def test_a_key_is_made_listed_used_and_withdrawn(light_world: World, run):
    assert "You have no keys" in run("keys", role="team")[1]
    code, out = run("keys", "make", "read", "edit", "--days", "7", "--note", "脚本", role="team")
    key, said = out.splitlines()
    assert (code, key[:4]) == (0, "btk_")
    assert "not shown again" in said
    with CatalogueClient(light_world.url, key) as client:
        assert client.search().total == 0
    head, row = run("keys", role="team")[1].splitlines()
    assert head.split() == ["KEY", "OWNER", "SCOPES", "EXPIRES", "USED", "STATE", "NOTE"]
    assert "read edit" in row
    assert "good" in row
    (listed,) = json.loads(run("keys", "--json", role="team")[1])
    assert key not in json.dumps(listed)
    assert run("keys", "withdraw", str(listed["number"]), role="team") == (0, f"Key {listed['number']} is withdrawn.\n")
    assert "withdrawn" in run("keys", role="team")[1]
    made = json.loads(run("keys", "make", "read", "--json", role="team")[1])
    assert made["scopes"] == ["read"]


def test_a_webhook_is_made_tested_listed_and_deleted(run):
    with receiver() as told:
        secret, said = run("webhooks", "make", told.url, "--action", "released", role="staff")[1].splitlines()
        number = said.split()[1]
        assert secret.startswith("btw_")
        assert run("webhooks", "test", number, role="staff") == (0, "The receiver confirmed it.\n")
        told.status = 500
        code, out = run("webhooks", "test", number, role="staff")
        assert (code, out) == (8, "It answered 500.\n")
        head, row = run("webhooks", role="staff")[1].splitlines()
        assert head.split() == ["WEBHOOK", "OWNER", "URL", "ACTIONS", "DELIVERED", "STATE", "PROBLEM"]
        assert "released" in row
        assert run("webhooks", "resume", number, role="staff")[0] == 0
        assert json.loads(run("webhooks", "--json", role="staff")[1])[0]["owner"] == "sam"
        assert run("webhooks", "delete", number, role="staff") == (0, f"Webhook {number} is deleted.\n")
    assert "You have no webhooks" in run("webhooks", role="staff")[1]
    with pytest.raises(CatalogueRefusedError):
        run("webhooks", role="team")


def test_history_tells_who_did_what_newest_first(run):
    run("keys", "make", "read", "--note", "first", role="team")
    run("keys", "make", "edit", "--note", "second", role="other team")
    lines = run("history", "--action", "created", "--limit", "2")[1].splitlines()
    assert lines[0].split() == ["CHANGE", "AT", "BY", "WHAT", "ACTION", "VALUES"]
    assert [line.split()[3] for line in lines[1:3]] == ["chen", "ada"]
    assert "note: second" in lines[1]
    assert "ada" not in run("history", "--by", "chen")[1]
    page = json.loads(run("history", "--json", "--limit", "1", "--by", "ada")[1])
    assert page["changes"][0]["after"]["note"] == "first"
    assert run("history", "--since", "2999-01-01T00:00")[1] == "Nothing was changed.\n"
