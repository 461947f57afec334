"""A hub that somebody runs already takes TorchSpawner by its name and the API's address; nothing else changes for it.

No Beamtorch hub, no directory, no environments: KubeSpawner's own configuration says what runs. On JupyterHub 6 and 5.
"""

import time
from collections.abc import Iterator

import pytest

from beamtorch_hub.testing import OtherHub

pytestmark = [pytest.mark.cluster, pytest.mark.platform]
OLD = "5.5.4"
PROFILES = """
c.KubeSpawner.profile_list = [
    {"display_name": "small", "slug": "small", "default": True},
    {"display_name": "gpu", "slug": "gpu", "kubespawner_override": {
        "extra_resource_limits": {"nvidia.com/gpu": "1"}, "extra_resource_guarantees": {"nvidia.com/gpu": "1"}}},
    {"display_name": "typo", "slug": "typo", "kubespawner_override": {"image": "localhost/no-such-image:1"}},
]
"""


@pytest.fixture(scope="module", params=[None, OLD], ids=["installed", OLD])
def foreign(request: pytest.FixtureRequest, make_other_hub) -> Iterator[OtherHub]:
    """A hub of another facility, on the version that is installed and on the oldest that counts as safe."""
    return make_other_hub(older=request.param, own_lines=PROFILES)


def test_a_lab_starts_as_it_did_with_its_marks_and_its_lease(foreign):
    assert foreign.start("ada").status_code in {201, 202}
    foreign.wait(lambda: foreign.server("ada").get("ready"))
    pod = foreign.namespace.pod_of("ada")
    container = pod.spec.containers[0]
    assert container.image == foreign.image
    assert {"MINE": "kept ada"}.items() <= {one.name: one.value for one in container.env}.items()
    assert pod.metadata.labels["beamtorch.org/lease"] == foreign.leases("ada")[0]["id"]
    lease = foreign.leases("ada")[0]
    assert (lease["state"], lease["environment"], lease["resources"]["memory"]) == ("running", None, 512 * 1024**2)
    assert foreign.stop("ada").status_code in {202, 204}
    foreign.wait(lambda: foreign.leases("ada")[0]["state"] == "ended")


def test_five_refusals_are_sentences_and_the_hub_lives_on(foreign):
    """The hub's limit of five failures in a row is the default of its chart; refusals are none."""
    limit = {"scope": "facility", "subject": "", "resource": "nvidia.com/gpu", "limit": 0}
    assert foreign.api("PUT", "quotas", json=limit).status_code == 200
    for number in range(6):
        said = foreign.refused(f"ben{number}", profile="gpu")
        assert "may hold 0 GPUs at most" in said
    foreign.api("DELETE", "quotas", params={"scope": "facility", "resource": "nvidia.com/gpu"})
    assert foreign.http.get("").status_code == 200
    assert foreign.start("cleo").status_code in {201, 202}
    foreign.wait(lambda: foreign.server("cleo").get("ready"))
    foreign.stop("cleo")
    foreign.wait(lambda: not foreign.server("cleo"))


def test_an_image_that_is_not_there_is_told_long_before_the_hub_s_patience_ends(foreign):
    began = time.monotonic()
    said = foreign.refused("dora", profile="typo")
    assert "no-such-image" in said
    assert "cannot be fetched" in said
    assert time.monotonic() - began < 60
    assert foreign.leases("dora")[0]["state"] == "failed"
