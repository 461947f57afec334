"""`beamtorch up --cluster` before anything starts: what is chosen, what is refused and in which words."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from traitlets.config import Config

from beamtorch_hub.cluster.address import choose_address, own_addresses
from beamtorch_hub.cluster.configuring import configure_labs
from beamtorch_hub.cluster.resolving import find_kubeconfig, platform_name
from beamtorch_hub.cluster.settings import ClusterChoices, ClusterSettings, ClusterWish
from beamtorch_hub.command import main
from beamtorch_hub.commands.up import main as up
from beamtorch_hub.configure import configure
from beamtorch_hub.errors import ClusterNotUsableError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.roster import roster
from beamtorch_hub.settings import prepare


@pytest.fixture
def cluster(home) -> ClusterSettings:
    return ClusterSettings(
        namespace="labs",
        platform=platform_name(home),
        server="https://198.51.100.7:6443",
        kubeconfig=Path("/somewhere/kubeconfig"),
        address="127.0.0.2",
        lab_image="registry.example.org/lab:1",
    )


# -- what is said when there is no cluster to go to -----------------------------------------------------------------


def test_without_a_kubeconfig_somebody_learns_what_to_set(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    status = main(["up", "--cluster", "--home", str(tmp_path / "home"), "--port", "18412"])
    said = capsys.readouterr().err
    assert status == 21
    assert "KUBECONFIG is not set" in said
    assert "leave --cluster away" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("kubeconfig", "words"),
    [
        ("not a kubeconfig", "does not say how to reach a cluster"),
        ('{"apiVersion": "v1"}', "does not say how to reach a cluster"),
        (
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
                    "users": [{"name": "c", "user": {"token": "made-up"}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
                }
            ),
            "does not answer",
        ),
    ],
)
def test_a_file_that_leads_nowhere_is_named(monkeypatch, capsys, tmp_path, kubeconfig, words):
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig)
    monkeypatch.setenv("KUBECONFIG", str(path))
    status = main(["up", "--cluster", "--home", str(tmp_path / "home"), "--port", "18412"])
    said = capsys.readouterr().err
    assert status == 21
    assert f"{path}" in said
    assert words in said
    assert "made-up" not in said


def test_two_files_are_one_too_many(tmp_path):
    with pytest.raises(ClusterNotUsableError, match="names 2 files"):
        find_kubeconfig({"KUBECONFIG": f"{tmp_path}/a:{tmp_path}/b"})


def test_options_of_the_cluster_want_the_cluster(capsys):
    with pytest.raises(SystemExit) as ended:
        up(["--namespace", "labs"])
    assert ended.value.code == 2
    assert "with --cluster" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Labs", "a_b", "a-", "a" * 64, ""])
def test_a_namespace_that_cannot_be_one_is_refused_at_once(name, capsys):
    with pytest.raises(SystemExit):
        up(["--cluster", "--namespace", name])
    assert "is no name of a namespace" in capsys.readouterr().err


# -- the address ------------------------------------------------------------------------------------------------------


def test_an_address_of_somebody_else_is_refused_with_our_own():
    with pytest.raises(ClusterNotUsableError) as refused:
        choose_address("https://127.0.0.1:6443", "192.0.2.254")
    assert "192.0.2.254 is no address of this machine" in refused.value.detail.en


def test_a_cluster_behind_loopback_wants_the_address_named():
    with pytest.raises(ClusterNotUsableError, match="Name it with --address"):
        choose_address("https://127.0.0.1:6443", None)


def test_every_own_address_but_loopback_can_be_named():
    for address in own_addresses():
        if address.startswith("127."):
            with pytest.raises(ClusterNotUsableError):
                choose_address("https://127.0.0.1:6443", address)
        else:
            assert choose_address("https://127.0.0.1:6443", address) == address


# -- what is chosen stays chosen --------------------------------------------------------------------------------------


def test_a_wish_counts_before_what_was_chosen_and_the_rest_stays():
    before = ClusterChoices(namespace="labs", lab_image="lab:1")
    assert before.with_wish(ClusterWish()) == before
    after = before.with_wish(ClusterWish(lab_image="lab:2"))
    assert (after.namespace, after.lab_image) == ("labs", "lab:2")


def test_one_claim_alone_is_refused():
    with pytest.raises(ValidationError, match="together or not at all"):
        ClusterChoices(data_claim="data")


def test_a_home_has_one_name_among_platforms_and_another_home_another(tmp_path):
    first, second = PlatformHome(tmp_path / "a"), PlatformHome(tmp_path / "b")
    assert platform_name(first) == platform_name(PlatformHome(tmp_path / "a"))
    assert platform_name(first) != platform_name(second)


def test_a_start_without_the_cluster_is_without_it(home, cluster):
    assert prepare(home, 8000, cluster).cluster == cluster
    assert prepare(home, 8000).cluster is None


# -- who listens where ------------------------------------------------------------------------------------------------


def test_only_what_pods_need_leaves_loopback(home, cluster):
    specs = {spec.name: spec for spec in roster(prepare(home, 8000, cluster), {"PATH": "/usr/bin"})}
    proxy = specs["proxy"].command
    assert proxy[proxy.index("--ip") + 1] == "127.0.0.1"
    assert proxy[proxy.index("--api-ip") + 1] == "127.0.0.1"
    for name in ("spawner", "catalogue"):
        environment = specs[name].environment
        assert environment["JUPYTERHUB_SERVICE_URL"].startswith("http://127.0.0.2:")
        assert environment["JUPYTERHUB_API_URL"].startswith("http://127.0.0.2:")
        assert environment["BEAMTORCH_PUBLIC_URL"] == "http://127.0.0.1:8000/"
    assert specs["spawner"].environment["BEAMTORCH_NAMESPACE"] == "labs"
    assert specs["spawner"].environment["BEAMTORCH_PLATFORM"] == cluster.platform
    assert specs["hub"].environment["KUBECONFIG"] == "/somewhere/kubeconfig"
    assert {"127.0.0.2", "198.51.100.7"} <= set(specs["hub"].environment["NO_PROXY"].split(","))


def test_without_a_cluster_nothing_leaves_loopback(home):
    specs = roster(prepare(home, 8000), {"PATH": "/usr/bin"})
    assert all(spec.health_url.startswith(("http://127.0.0.1:", "unix:/")) for spec in specs)
    assert not any("BEAMTORCH_NAMESPACE" in spec.environment for spec in specs)


def test_labs_get_addresses_that_they_reach_and_paths_that_mean_the_same(home, cluster):
    settings = prepare(home, 8000, cluster)
    c = Config()
    configure(c, settings)
    assert c.JupyterHub.spawner_class == "torch"
    assert c.JupyterHub.bind_url == "http://127.0.0.1:8000"
    assert c.JupyterHub.hub_bind_url == f"http://127.0.0.2:{settings.ports.hub}"
    spawner = c.TorchSpawner
    assert (spawner.namespace, spawner.image) == ("labs", "registry.example.org/lab:1")
    catalogue = spawner.environment["BEAMTORCH_CATALOGUE_URL"]
    assert catalogue == f"http://127.0.0.2:{settings.ports.catalogue}/services/catalogue/"
    assert [volume["hostPath"]["path"] for volume in spawner.volumes] == [str(home.data), str(home.homes)]
    assert [mount["mountPath"] for mount in spawner.volume_mounts] == [str(home.data), str(home.homes)]


def test_claims_take_the_place_of_folders(home, cluster):
    c = Config()
    claimed = cluster.model_copy(update={"data_claim": "data", "homes_claim": "people"})
    configure_labs(c, cluster=claimed, places=home, ports=prepare(home, 8000, claimed).ports)
    assert [volume["persistentVolumeClaim"]["claimName"] for volume in c.TorchSpawner.volumes] == ["data", "people"]
    assert "pre_spawn_hook" not in c.TorchSpawner


def test_the_choices_file_can_be_written_by_hand(home):
    home.cluster_choices.write_text(yaml.safe_dump({"namespace": "labs", "data_claim": "d", "homes_claim": "h"}))
    assert ClusterChoices.model_validate(yaml.safe_load(home.cluster_choices.read_text())).data_claim == "d"
