"""The same story with a real Hub and labs that are processes: the service dies in the middle, a bystander works on."""

import pytest

pytestmark = pytest.mark.platform

TERMINAL = "10.41.77.7"


@pytest.fixture
def terminal(hub):
    """A registered address at which nothing delays a release."""
    marsh = hub.token_of("marsh")
    info = {"ip": TERMINAL, "beamline": "ID09", "grace_seconds": 0, "minimum_seconds": 0}
    assert hub.api("POST", "uniqueipinfo/", marsh, json=info).status_code == 201
    yield TERMINAL
    assert hub.api("DELETE", f"uniqueipinfo/{TERMINAL}", marsh).status_code == 204
    for person in ("okafor", "zhang", "marsh"):
        if hub.model(person):
            hub.stop_server(person)


def test_a_release_survives_the_death_of_the_service_and_a_bystanders_variable_with_it(hub, terminal, open_kernel):
    operator = hub.tokens["operator"]

    def order(username, key):
        body = {"username": username, "environment": "lab", "sourceip": terminal}
        headers = {"Authorization": f"token {operator}", "Idempotency-Key": key}
        answer = hub.http.post(f"{hub.spawner_url}userpod/", json=body, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()["lease"]

    first = order("okafor", "first")
    hub.start("zhang", environment="lab")
    hub.wait(lambda: hub.is_ready("zhang") and hub.is_ready("okafor"))
    url = f"http://127.0.0.1:{hub.ports['public']}/user/zhang/"
    kernel = open_kernel(url, hub.token_of("zhang"), hub.where / "homes" / "zhang")
    kernel.says("measured = 6 * 7")
    second = order("marsh", "second")
    hub.wait(lambda: hub.leases("okafor")[0]["state"] == "stopping")
    hub.kill("spawner")
    hub.start_spawner()
    assert order("marsh", "second") == second
    hub.wait(lambda: hub.is_ready("marsh"))
    assert order("marsh", "second") == second
    hub.wait(lambda: hub.leases("okafor")[0]["state"] == "ended")
    assert hub.leases("okafor")[0]["id"] == first
    assert not hub.model("okafor")
    assert [lease["id"] for lease in hub.leases("marsh") if lease["terminal"] == terminal] == [second]
    assert hub.record("marsh")["lease"] == second
    owners = {process.environ()["BEAMTORCH_LEASE"] for process in hub.processes()}
    assert owners == {second, hub.leases("zhang")[0]["id"]}
    assert kernel.says("print(measured)") == "42"


def test_an_address_in_a_header_of_a_lab_ends_nobodys_lab(hub, terminal):
    operator = hub.tokens["operator"]
    body = {"username": "okafor", "environment": "lab", "sourceip": terminal}
    lease = hub.api("POST", "userpod/", operator, json=body).json()["lease"]
    hub.wait(lambda: hub.is_ready("okafor"))
    forged = {"X-Real-IP": terminal, "X-Forwarded-For": terminal, "Authorization": f"token {hub.token_of('zhang')}"}
    # From this machine, as a lab could: through the proxy, and past it to the hub's own port.
    for door in (f"http://127.0.0.1:{hub.ports['public']}", f"http://127.0.0.1:{hub.ports['hub']}"):
        answer = hub.http.post(f"{door}/hub/api/users/zhang/server", headers=forged, json={"environment": "lab"})
        assert answer.status_code in {201, 202}, answer.text
        hub.wait(lambda: hub.is_ready("zhang"))
        newest = hub.leases("zhang")[0]
        assert (newest["state"], newest["terminal"]) == ("running", None)
        hub.stop_server("zhang")
    assert hub.leases("okafor")[0]["id"] == lease
    assert hub.is_ready("okafor")
