"""`beamtorch admin`: what staff see and set, on a running platform."""

import json

import pytest

pytestmark = pytest.mark.platform


def admin(platform, *arguments: str):
    return platform.run("admin", *arguments)


def said(platform, *arguments: str) -> str:
    done = admin(platform, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quota_is_set_shown_in_people_s_units_and_lifted(platform):
    assert "facility: memory 512 GiB at most" in said(platform, "quotas", "set", "facility", "", "memory", "512G")
    shown = said(platform, "quotas")
    assert "512 GiB" in shown
    assert json.loads(said(platform, "quotas", "--json"))[0]["limit"] == 512 * 1024**3
    said(platform, "quotas", "lift", "facility", "", "memory")
    assert said(platform, "quotas") == "No quotas are set.\n"


def test_a_terminal_is_registered_locked_and_removed_only_when_somebody_says_so(platform):
    said(
        platform,
        "terminals",
        "add",
        "10.66.0.7",
        "--beamline",
        "BL-B7",
        "--name",
        "hutch",
        "--valid-until",
        "2030-01-01",
    )
    assert "protection locked" in said(platform, "terminals", "lock", "10.66.0.7")
    shown = said(platform, "terminals")
    assert "hutch" in shown
    assert "2030-01-01" in shown
    unasked = admin(platform, "terminals", "remove", "10.66.0.7")
    assert unasked.returncode == 4
    assert "Say --yes" in unasked.stderr
    assert "would: Remove" in said(platform, "terminals", "remove", "10.66.0.7", "--dry-run")
    assert "hutch" in said(platform, "terminals")
    said(platform, "terminals", "remove", "10.66.0.7", "--yes")
    story = said(platform, "audit", "--terminal", "10.66.0.7", "--since", "today")
    assert "10.66.0.7 of BL-B7 is no terminal any more." in story


def test_an_address_of_many_is_refused_in_a_sentence(platform):
    refused = admin(platform, "terminals", "add", "127.0.0.1", "--beamline", "BL-B7")
    assert refused.returncode == 1
    assert "which many share" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("topic", ["users", "pods", "leases", "usage", "audit", "reconcile"])
def test_every_topic_speaks_to_people_and_to_scripts(platform, topic):
    assert said(platform, topic).strip()
    json.loads(said(platform, topic, "--json"))


def test_without_a_platform_the_command_says_what_to_do(platform, tmp_path):
    alone = admin(platform, "--home", str(tmp_path), "pods")
    assert alone.returncode != 0
    assert "beamtorch up" in alone.stderr
