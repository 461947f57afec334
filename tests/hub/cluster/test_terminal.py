"""A registered terminal whose labs are pods: one person after another, and what nobody in a pod can do about it."""

import json

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.platform]

TERMINAL = "10.77.0.9"
FORGERIES = """
import json, urllib.error, urllib.request

def send(method, url, body=None, **headers):
    data = json.dumps(body).encode() if body is not None else None
    headers = {{"Authorization": "token {token}", "Content-Type": "application/json", **headers}}
    asked = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            # A list of one's own things is no success of a forgery.
            return 404 if method == "GET" and b"chen" not in answer.read() else answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code

hub, api, terminal = "{hub}", "{api}", "{terminal}"
claims = {{"X-Real-IP": terminal, "X-Forwarded-For": terminal, "Forwarded": f"for={{terminal}}",
          "X-Forwarded-For-Original": terminal, "True-Client-IP": terminal}}
options = {{"user_options": {{"environment": "ct", "sourceip": terminal, "source_ip": terminal}}}}
plain = {{"user_options": {{"environment": "ct"}}}}
asking = {{"username": "qiao", "server": "ct", "user_options": {{}}}}
order = {{"username": "qiao", "environment": "ct", "server": "ct", "sourceip": terminal}}
print(json.dumps({{
    "start with forged headers": send("POST", f"{{hub}}users/qiao/servers/ct", plain, **claims),
    "start with an address among the options": send("POST", f"{{hub}}users/qiao/servers/ct", options, **claims),
    "order with an address": send("POST", f"{{api}}userpod/", order, **claims),
    "order for the holder": send("POST", f"{{api}}userpod/", {{**order, "username": "chen"}}, **claims),
    "admission": send("POST", f"{{api}}admissions", asking, **claims),
    "stop the holder": send("DELETE", f"{{hub}}users/chen/server", **claims),
    "end the holder": send("DELETE", f"{{api}}userpod/chen", **claims),
    "end the lease": send("PATCH", f"{{api}}leases/{lease}", {{"state": "ended"}}, **claims),
    "look as the holder": send("GET", f"{{api}}leases?username=chen", **claims),
    "act for the holder": send("GET", f"{{api}}leases?username=chen", **{{**claims, "Beamtorch-Acting-For": "chen"}}),
    "register": send("POST", f"{{api}}uniqueipinfo/", {{"ip": "10.77.0.10", "beamline": "BL-B7"}}, **claims),
}}))
"""


@pytest.fixture
def terminal(cluster_platform):
    """A terminal that gives two seconds of grace."""
    platform = cluster_platform
    info = {"ip": TERMINAL, "beamline": "BL-B7", "name": "hutch", "grace_seconds": 2, "minimum_seconds": 0}
    assert platform.spawner("novak", "POST", "uniqueipinfo/", json=info).status_code == 201
    yield TERMINAL
    for user, server in (("chen", ""), ("ruiz", ""), ("qiao", ""), ("qiao", "ct")):
        if platform.model(user, server):
            platform.stop(user, server)
    platform.spawner("novak", "DELETE", f"uniqueipinfo/{TERMINAL}")


def order(platform, username, key):
    """Start somebody's lab at the terminal as the console does; the same key is the same order."""
    body = {"username": username, "environment": "lab", "sourceip": TERMINAL}
    token = platform.run("token", "--console").stdout.strip()
    console = {"Authorization": f"token {token}", "Idempotency-Key": key}
    answer = platform.spawner("novak", "POST", "userpod/", json=body, headers=console)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["lease"]


def test_from_inside_a_pod_nobody_ends_the_lab_at_a_terminal_but_the_next_person_there_does(cluster_platform, terminal):
    platform = cluster_platform
    platform.offer()
    lease = order(platform, "chen", "first")
    assert platform.start("qiao", environment="lab").status_code in {201, 202}
    holder, other = platform.ready("chen"), platform.ready("qiao")
    kernel = holder.kernel()
    holder.execute(kernel, "measured = 6 * 7")
    platform.wait(lambda: platform.newest("chen")["state"] == "running")

    token = platform.http("qiao").headers["Authorization"].removeprefix("token ")
    where = {
        "hub": f"http://{platform.address}:{platform.ports['hub']}/hub/api/",
        "api": f"http://{platform.address}:{platform.ports['spawner']}/services/spawner/",
    }
    code = FORGERIES.format(token=token, terminal=terminal, lease=lease, **where)
    beside = other.kernel()
    other.execute(beside, "kept = 'a bystander'")
    got = json.loads(other.execute(beside, code, 240))

    own = ("start with forged headers", "start with an address among the options", "order with an address")
    assert {name: status for name, status in got.items() if name not in own and status < 400} == {}
    assert holder.execute(kernel, "print(measured)") == "42"
    assert (platform.newest("chen")["id"], platform.newest("chen")["state"]) == (lease, "running")
    assert all(one["terminal"] is None for one in platform.leases("qiao") + platform.leases("qiao", "ct"))

    # The API dies when the one was sent away and the other not yet started; whoever ordered sends it again.
    second = order(platform, "ruiz", "second")
    platform.wait(lambda: platform.newest("chen")["state"] == "stopping")
    platform.kill("spawner")
    assert order(platform, "ruiz", "second") == second
    platform.wait(lambda: platform.newest("chen")["state"] == "ended")
    ended = platform.spawner("novak", "GET", "leases", params={"username": "chen"}).json()[0]
    platform.ready("ruiz")
    assert not platform.model("chen")
    assert platform.kubernetes.pods_of("chen") == []
    assert platform.kubernetes.pod_of("ruiz").metadata.creation_timestamp.isoformat() >= ended["ended_at"][:19]
    assert order(platform, "ruiz", "second") == second
    assert platform.kubernetes.pod_of("ruiz").metadata.labels["beamtorch.org/lease"] == second
    assert [one["id"] for one in platform.leases("ruiz")] == [second]
    assert other.execute(beside, "print(kept)") == "a bystander"

    story = platform.run("admin", "audit", "--terminal", TERMINAL, "--since", "today").stdout
    assert "chen had to give up" in story
    assert "ruiz" in story
