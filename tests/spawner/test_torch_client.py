"""The Hub's side of admissions and reports, against the real service."""

import asyncio
import logging

import pytest

from beamtorch_spawner.errors import SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.refusals import refusal
from beamtorch_spawner.torch_client import LeaseReports, TorchClient
from beamtorch_spawner.wire import AdmissionRequest, LeaseState

START = AdmissionRequest(username="okafor", user_options={"environment": "lab"})


async def test_a_token_that_the_hub_does_not_know_is_no_reproach_to_the_person(hub):
    with pytest.raises(SpawnerUnreachableError, match=r"cannot decide on a start now \(HTTP 401\)") as error:
        await TorchClient(hub.spawner_url, "made-up").admit(START)
    assert "made-up" not in str(error.value.problem())


async def test_options_that_json_cannot_say_are_refused_by_name(hub):
    upload = AdmissionRequest(username="okafor", user_options={"environment": "lab", "key_file": [{"body": b"\xff"}]})
    with pytest.raises(SpawnerRefusedError) as refused:
        await TorchClient(hub.spawner_url, hub.tokens["torch"]).admit(upload)
    assert (refused.value.code, refused.value.facts["option"]) == ("unknown-option", "key_file")


async def test_a_refusal_reaches_the_hub_in_both_languages_and_escaped(hub):
    odd = AdmissionRequest(username="okafor", user_options={"environment": "<b>x</b>"})
    with pytest.raises(SpawnerRefusedError) as refused:
        await TorchClient(hub.spawner_url, hub.tokens["torch"]).admit(odd)
    shown = refusal(refused.value)
    assert (shown.status_code, shown.reason) == (422, "unknown-environment")
    assert "&lt;b&gt;" in shown.message_html
    assert "<b>" not in shown.message_html
    assert 'data-zh="没有环境' in shown.message_html


async def test_reports_wait_for_a_service_that_is_away_and_come_in_order(hub):
    client = TorchClient(hub.spawner_url, hub.tokens["torch"])
    lease = (await client.admit(START)).lease
    reports = LeaseReports(client, logging.getLogger(__name__))
    hub.kill("spawner")
    reports.tell(lease, LeaseState.STARTING)
    reports.tell(lease, LeaseState.RUNNING)
    reports.tell(lease, LeaseState.ENDED)
    await asyncio.to_thread(hub.start_spawner)
    await reports.all_told()
    assert hub.leases("okafor")[0]["state"] == "ended"


async def test_a_report_that_is_refused_is_logged_and_harms_nobody(hub, caplog):
    reports = LeaseReports(TorchClient(hub.spawner_url, hub.tokens["torch"]), logging.getLogger(__name__))
    reports.tell("nonsense", LeaseState.RUNNING)
    await reports.all_told()
    assert "was refused" in caplog.text
