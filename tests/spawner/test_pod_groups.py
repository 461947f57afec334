"""A cluster that would let images add groups is found out before a pod is made, and who is declared is waited for."""

from types import SimpleNamespace

import pytest
from kubernetes_asyncio import client
from kubernetes_asyncio.client.rest import ApiException

from beamtorch_spawner import pod_groups
from beamtorch_spawner.cluster.admission_policy import NOT_SEEN_YET, NUMBERS
from beamtorch_spawner.pod_groups import GroupsNotStrictError, demand_strict_groups, once_declared


class ApiServer:
    """Says what it would make of a pod, as an API server of some age does."""

    def __init__(self, *, knows_the_word: bool) -> None:
        self.knows_the_word = knows_the_word
        self.asked: list[tuple[str, str | None]] = []
        self.api_client = SimpleNamespace(configuration=SimpleNamespace(host=f"https://{id(self)}"))

    async def create_namespaced_pod(self, _, pod, dry_run=None):
        self.asked.append((pod.metadata.name, dry_run))
        if not self.knows_the_word:
            # A server from before the field drops it, and says nothing.
            pod.spec.security_context.supplemental_groups_policy = None
        return pod


def a_pod():
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name="jupyter-okafor"),
        spec=client.V1PodSpec(
            containers=[client.V1Container(name="notebook")],
            security_context=client.V1PodSecurityContext(run_as_user=50002, supplemental_groups_policy="Strict"),
        ),
    )


def spawner(api):
    return SimpleNamespace(api=api, namespace="labs")


async def test_a_cluster_that_drops_the_word_gets_no_pod():
    api, pod = ApiServer(knows_the_word=False), a_pod()
    with pytest.raises(GroupsNotStrictError, match=r"Kubernetes 1\.33 or later"):
        await demand_strict_groups(spawner(api), pod)
    assert api.asked == [("beamtorch-strict-groups", "All")]
    assert pod.spec.security_context.supplemental_groups_policy == "Strict"


async def test_a_cluster_that_heeds_it_is_asked_once():
    api = ApiServer(knows_the_word=True)
    for _ in range(3):
        await demand_strict_groups(spawner(api), a_pod())
    assert len(api.asked) == 1


def refused(message: str) -> ApiException:
    error = ApiException(status=422, reason="Unprocessable")
    error.body = message
    return error


@pytest.mark.parametrize("early", [NUMBERS, *NOT_SEEN_YET])
async def test_a_policy_that_has_not_seen_yet_who_was_declared_is_asked_again(monkeypatch, early):
    monkeypatch.setattr(pod_groups, "STEP_SECONDS", 0.001)
    answers = [refused(early), refused(early), None]

    async def make() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "made"

    assert await once_declared(make) == "made"
    assert answers == []


async def test_any_other_refusal_and_one_that_stays_are_told(monkeypatch):
    monkeypatch.setattr(pod_groups, "STEP_SECONDS", 0.001)
    monkeypatch.setattr(pod_groups, "DECLARED_SECONDS", 0.05)
    tried = []

    def make_of(message):
        async def make() -> None:
            tried.append(message)
            raise refused(message)

        return make

    with pytest.raises(ApiException):
        await once_declared(make_of("a pod has no folder of its node"))
    assert len(tried) == 1
    with pytest.raises(ApiException):
        await once_declared(make_of(NUMBERS))
    assert tried.count(NUMBERS) > 1
