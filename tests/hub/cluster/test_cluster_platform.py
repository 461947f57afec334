"""`beamtorch up --cluster` on a real cluster: labs and apps are pods under each person's own number."""

import socket

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.platform]


def is_open(address, port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


@pytest.fixture(scope="module")
def lab(cluster_platform):
    """A running lab of marsh."""
    if cluster_platform.model("marsh") is None:
        answer = cluster_platform.start("marsh", environment="lab")
        assert answer.status_code in {201, 202}, answer.text
    return cluster_platform.ready("marsh")


def test_it_says_where_labs_are_and_opens_nothing_more(cluster_platform):
    platform = cluster_platform
    assert f"labs are pods in the namespace {platform.kubernetes.namespace} of https://" in platform.said
    assert f"hub, spawner and catalogue listen on {platform.address} for them" in platform.said
    for name in ("hub", "spawner", "catalogue"):
        assert is_open(platform.address, platform.ports[name])
        assert not is_open("127.0.0.1", platform.ports[name])
    for name in ("public", "proxy_api"):
        assert is_open("127.0.0.1", platform.ports[name])
        assert not is_open(platform.address, platform.ports[name])


def test_somebody_signs_in_with_a_password_and_starts_a_lab_from_the_page(cluster_platform, signed_in):
    browser = signed_in("qiao")
    answer = browser.post(
        "/hub/spawn/qiao", data={"environment": "lab", "_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
    )
    assert answer.status_code == 200, answer.text[-500:]
    cluster_platform.ready("qiao")
    # The sign-in between hub and lab goes round by the browser; the lab asks the hub from within its pod.
    page = browser.get("/user/qiao/lab")
    assert page.status_code == 200
    assert "jupyter-config-data" in page.text
    cluster_platform.stop("qiao")


READABLE = """
import os, pathlib
for path in {paths!r}:
    if os.access(path, os.R_OK) and open(path, "rb").read(1):
        print(path)
"""


def test_a_kernel_runs_under_the_number_of_its_person_and_reads_what_is_theirs(cluster_platform, lab):
    kernel = lab.kernel()
    person = cluster_platform.person("marsh")
    ids = lab.execute(kernel, "import os; print(os.getuid(), os.getgid(), *os.getgroups())").split()
    assert ids[:2] == [str(person["uid"]), str(person["gid"])]
    assert "0" not in ids
    assert lab.execute(kernel, "print(os.environ['BEAMTORCH_DATA_ROOT'])") == str(cluster_platform.home / "data")
    files = sorted(str(path) for path in (cluster_platform.home / "data").rglob("*") if path.is_file())
    theirs = [path for path in files if any(f"/{own}/raw" in path for own in ("BT-26-0417", "BT-26-0398"))]
    processed = [path for path in files if "/BT-26-0398/processed/" in path]
    assert theirs
    assert lab.execute(kernel, READABLE.format(paths=files)).split() == sorted([*theirs, *processed])
    lab.execute(kernel, "pathlib.Path.home().joinpath('mine.txt').write_text('here')")
    mine = cluster_platform.home / "homes" / "marsh" / "mine.txt"
    assert (mine.read_text(), mine.stat().st_uid) == ("here", person["uid"])


@pytest.mark.usefixtures("lab")
def test_a_pod_is_promised_its_share_of_the_cores_and_all_of_its_memory(cluster_platform):
    resources = cluster_platform.kubernetes.pod_of("marsh").spec.containers[0].resources
    assert (resources.requests["cpu"], resources.limits["cpu"]) == ("100m", "200m")
    assert resources.requests["memory"] == resources.limits["memory"]


def test_nothing_in_the_pod_can_become_root_or_speak_to_the_cluster(lab):
    kernel = lab.kernel()
    status = lab.execute(kernel, "print(open('/proc/self/status').read())")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert lab.execute(kernel, "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))") == "False"


def test_a_dataset_is_attached_through_the_catalogue(cluster_platform, lab):
    found = lab.request("GET", "beamtorch/catalogue/datasets", params={"q": "tooth"})
    assert found.status_code == 200, found.text
    dataset = next(one for one in found.json()["datasets"] if one["state"] == "complete")
    attached = lab.request("POST", "beamtorch/attachments", json={"dataset": dataset["id"]})
    assert attached.status_code == 201, attached.text
    said = lab.execute(
        lab.kernel(),
        "import pathlib, h5py; p = next((pathlib.Path.home() / 'datasets').glob('*/*.h5')); "
        "print(p, h5py.File(p).keys() and 'opened')",
    )
    assert said.endswith("opened")
    link = cluster_platform.home / "homes" / "marsh" / "datasets" / dataset["name"]
    assert link.is_symlink()


def test_the_ct_app_answers_by_voila(cluster_platform):
    answer = cluster_platform.start("marsh", "ct", environment="ct")
    assert answer.status_code in {201, 202}, answer.text
    app = cluster_platform.ready("marsh", "ct")
    page = app.request("GET", "voila/render/ct.ipynb", follow_redirects=True)
    assert page.status_code == 200
    assert "CT" in page.text
    cluster_platform.stop("marsh", "ct")


def test_hub_and_spawner_may_die_and_labs_are_found_again(cluster_platform, lab):
    platform = cluster_platform
    kernel = lab.kernel()
    lab.execute(kernel, "kept = 'still here'")
    before = platform.kubernetes.pod_of("marsh").metadata.uid
    lease = platform.newest("marsh")["id"]
    platform.kill("hub", "spawner")
    assert lab.execute(kernel, "print(kept)") == "still here"
    assert platform.kubernetes.pod_of("marsh").metadata.uid == before
    assert platform.model("marsh")["ready"]
    newest = platform.newest("marsh")
    assert (newest["id"], newest["state"]) == (lease, "running")


@pytest.mark.usefixtures("lab")
def test_the_status_lists_the_pods(cluster_platform):
    told = cluster_platform.run("status").stdout
    pod = cluster_platform.kubernetes.pod_of("marsh").metadata.name
    assert f"marsh/default, pod {pod} in {cluster_platform.kubernetes.namespace}, running" in told


def test_labs_may_outlive_the_platform_and_are_found_by_the_next_one(cluster_platform, lab):
    platform = cluster_platform
    kernel = lab.kernel()
    lab.execute(kernel, "kept = 'all night'")
    done = platform.run("down", "--keep-labs")
    assert "1 lab(s) kept" in done.stdout
    assert len(platform.kubernetes.pods()) == 1
    again = platform.run("up", "--detach", "--cluster")
    assert "1 running lab(s) found, left alone" in again.stdout, again.stderr
    platform.wait(lambda: (platform.model("marsh") or {}).get("ready"))
    platform.wait(lambda: lab.execute(kernel, "print(kept)") == "all night")


@pytest.mark.usefixtures("lab")
def test_the_end_of_a_lab_is_the_end_of_its_pod(cluster_platform):
    cluster_platform.stop("marsh")
    cluster_platform.wait(lambda: not cluster_platform.kubernetes.pods())
    cluster_platform.wait(lambda: cluster_platform.newest("marsh")["state"] == "ended")
