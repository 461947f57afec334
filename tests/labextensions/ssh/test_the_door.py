"""The door /beamtorch/ssh by itself, and what the client says when it does not open."""

import inspect
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from jupyter_server.auth.decorator import ws_authenticated
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from beamtorch_hub.ssh.errors import SshError
from beamtorch_labextensions.ssh.handler import ROUTES

SPAWNER = "access:services!service=spawner"


def door(stand, **headers: str):
    """Knock straight at the lab."""
    url = f"ws://127.0.0.1:{stand.ports['lab']}/user/okafor/beamtorch/ssh"
    return connect(url, additional_headers=headers, compression=None, proxy=None)


def refusal(stand, **headers: str):
    with pytest.raises(InvalidStatus) as refused, door(stand, **headers):
        pass
    return refused.value.response


def token(stand):
    return {"Authorization": f"token {stand.tokens['person']}"}


def test_the_door_opens_to_the_lab_s_token_and_sshd_speaks_first(stand):
    with door(stand, **token(stand)) as connection:
        assert connection.recv(timeout=20).startswith(b"SSH-2.0-OpenSSH")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}, {"Cookie": "token=wrong"}])
def test_without_a_token_there_is_a_refusal_and_no_sshd(stand, headers):
    assert refusal(stand, **headers).status_code == 403
    assert not stand.sshds()


def test_no_page_of_a_browser_gets_in_not_even_one_of_the_hub_with_a_good_token(stand):
    for origin in (f"http://127.0.0.1:{stand.ports['lab']}", "https://evil.example", "null"):
        assert refusal(stand, Origin=origin, **token(stand)).status_code == 403
    assert not stand.sshds()


def test_a_plain_request_is_no_connection_and_starts_nothing(stand):
    url = f"http://127.0.0.1:{stand.ports['lab']}/user/okafor/beamtorch/ssh"
    assert httpx.get(url, headers=token(stand), trust_env=False).status_code == 400
    assert httpx.post(url, headers=token(stand), trust_env=False).status_code in {403, 405}
    assert httpx.get(url, trust_env=False).status_code == 403
    assert not stand.sshds()


def test_text_ends_a_connection_and_so_does_a_message_without_measure(stand):
    # 1006: the lab ends the connection in the middle of the message, and its word of farewell may be lost with it.
    for message, ends in (("SSH-2.0-evil\r\n", {1003}), (b"x" * (2 << 20), {1009, 1006})):
        with door(stand, **token(stand)) as connection:
            with suppress(ConnectionClosed):  # the lab may end it while it is sent
                connection.send(message)
            for _ in connection_until_its_end(connection):
                pass
            assert connection.close_code in ends


def connection_until_its_end(connection):
    try:
        while True:
            yield connection.recv(timeout=20)
    except ConnectionClosed:
        return


def test_noise_instead_of_ssh_is_sshd_s_to_refuse_and_the_lab_goes_on(stand):
    with door(stand, **token(stand)) as connection:
        with suppress(ConnectionClosed):
            connection.send(os.urandom(60_000))
        list(connection_until_its_end(connection))
    with door(stand, **token(stand)) as connection:
        assert connection.recv(timeout=20).startswith(b"SSH-2.0-")


def test_every_route_of_ssh_asks_who_is_there():
    marked = ws_authenticated(lambda _: None).__code__
    for _, handler in ROUTES:
        assert handler.get.__code__ is marked
        assert "authorized" in inspect.getsource(handler.get)


# -- the client ------------------------------------------------------------------------------------


def test_the_token_is_never_an_argument_and_the_file_has_to_be_one_s_own(stand):
    file = stand.where / "client" / "beamtorch" / "token"
    file.write_text(stand.tokens["person"] + "\n")
    file.chmod(0o644)
    try:
        open_to_all = stand.beamtorch("ssh-config", BEAMTORCH_TOKEN=None)
        file.chmod(0o600)
        own = stand.beamtorch("ssh-config", BEAMTORCH_TOKEN=None)
    finally:
        file.unlink()

    assert (open_to_all.returncode, b"chmod 600" in open_to_all.stderr) == (4, True)
    assert own.returncode == 0
    assert stand.tokens["person"].encode() not in own.stdout
    assert stand.tokens["person"] not in stand.config.read_text()


@pytest.mark.parametrize(
    ("words", "changes", "code", "said"),
    [
        (("ssh", "default"), {"BEAMTORCH_TOKEN": None}, 4, "No token is known"),
        (("ssh", "default"), {"BEAMTORCH_TOKEN": "two\ntokens"}, 4, "is no token"),
        (("ssh", "default"), {"BEAMTORCH_URL": None}, 4, "--url"),
        (("ssh", "default", "--url", "http://hub.example.org/"), {}, 4, "in the clear"),
        (("ssh", "default", "--url", "ftp://127.0.0.1/"), {}, 4, "no address"),
        (("ssh", "default", "--url", "https://127.0.0.1/\nProxyCommand=x"), {}, 4, "no address"),
        (("ssh", "default"), {"BEAMTORCH_TOKEN": "unknown"}, 5, "does not know your token"),
        (("ssh", "default", "--user", "okafor"), {"BEAMTORCH_TOKEN": "unknown"}, 5, "does not know your token"),
        (("ssh", "ct"), {}, 6, "no running server “ct”"),
        (("ssh", "default", "--user", "zhang"), {}, 6, "zhang has no running server"),
        (("ssh", "default", "--url", "https://127.0.0.1:9/"), {}, 7, "No platform answers"),
        (("ssh", "default"), {"SSL_CERT_FILE": None}, 7, "No platform answers"),
        (("ssh", "-oProxyCommand=x"), {}, 2, "usage"),
        (("ssh", "a;b"), {}, 2, "no name of a server"),
    ],
)
def test_what_stands_in_the_way_is_one_sentence_and_an_exit_code(stand, words, changes, code, said):
    done = stand.beamtorch(*words, **changes)

    assert done.returncode == code, done.stderr
    assert said in done.stderr.decode()
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    for token_of in (*stand.tokens.values(), "two\ntokens"):
        assert token_of.encode() not in done.stderr


@contextmanager
def web_proxy():
    """A site's proxy that only knows CONNECT; gives its address and what was asked of it."""
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            asked.append(self.path)
            host, port = self.path.split(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=pour, args=(there, self.connection), daemon=True)
                back.start()
                pour(self.connection, there)
                back.join(5)

        def log_message(self, *_: object) -> None:
            pass

    def pour(one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_site_s_proxy_is_used_and_left_aside_where_the_site_says_so(stand):
    key = str(stand.where / "client" / "key")
    there = f"127.0.0.1:{stand.ports['public']}"
    with web_proxy() as (address, asked):
        call = ("ssh", "default", "--", "-i", key, "echo through")
        through = stand.beamtorch(*call, HTTPS_PROXY=address, https_proxy=address)
        assert through.stdout == b"through\n", through.stderr
        assert set(asked) == {there}
        asked.clear()
        beside = stand.beamtorch(*call, HTTPS_PROXY=address, https_proxy=address, NO_PROXY="127.0.0.1")
        assert (beside.stdout, asked) == (b"through\n", [])


def test_a_token_that_may_not_open_the_lab_is_told_what_it_lacks(stand):
    weak = stand.hub.issue("okafor", SPAWNER)
    done = stand.beamtorch("ssh", "default", BEAMTORCH_TOKEN=weak)
    assert (done.returncode, b"access:servers!user" in done.stderr) == (5, True)

    weak = stand.hub.issue("okafor", "access:servers!user=okafor")
    done = stand.beamtorch("ssh-config", BEAMTORCH_TOKEN=weak)
    assert (done.returncode, b"access:services" in done.stderr) == (5, True)


def test_a_directory_that_is_away_is_told_through_ssh(stand):
    file = stand.where / "directory.yaml"
    good = file.read_text()
    try:
        file.write_text("people: 7")
        done = stand.ssh("beamtorch-default", "true")
    finally:
        file.write_text(good)
    assert done.returncode == 255
    assert b"beamtorch ssh: " in done.stderr
    assert b"directory" in done.stderr


def test_a_connection_that_breaks_is_told_and_the_next_one_works(stand, begin_proxy):
    call = [sys.executable, "-m", "beamtorch_hub", "ssh", "default", "--user", "okafor"]
    client = subprocess.Popen(
        call, env=stand.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert client.stdout.read(8) == b"SSH-2.0-", client.communicate(timeout=30)
    stand.stop("proxy")
    said = client.communicate(timeout=30)[1]
    begin_proxy(stand)

    assert (client.returncode, b"connection to the server was lost" in said) == (9, True)
    assert stand.ssh("beamtorch-default", "echo again").stdout == b"again\n"


def test_ssh_config_names_every_server_that_may_be_there_and_lets_no_name_into_a_shell(stand):
    printed = stand.beamtorch("ssh-config", "--prefix", "bl").stdout.decode()

    hosts = [line.split()[1] for line in printed.splitlines() if line.startswith("Host ")]
    assert hosts == ["bl-default", "bl-ct"]
    assert "%n" not in printed
    assert "%h" not in printed
    for wanted in ("ForwardAgent no", "StrictHostKeyChecking yes", "User okafor", "ServerAliveInterval 30"):
        assert printed.count(wanted) == 2
    shown = stand.beamtorch("ssh-config", "--write").stdout.decode()
    assert 'Include "' in shown
    seen = subprocess.run(["ssh", "-G", "-F", str(stand.config), "beamtorch-default"], capture_output=True, check=True)
    assert b"stricthostkeychecking true" in seen.stdout


def test_a_person_s_command_is_one_call_away(stand):
    key = str(stand.where / "client" / "key")
    done = stand.beamtorch("ssh", "default", "--", "-i", key, "echo from the lab; exit 7")
    assert (done.returncode, done.stdout) == (7, b"from the lab\n"), done.stderr


def test_the_errors_of_the_client_have_codes_that_the_page_of_exit_codes_names():
    page = (Path(__file__).parents[3] / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    for error in SshError.__subclasses__():
        assert f"{error.exit_code} (`{error.code}`)" in page
