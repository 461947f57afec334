"""ssh, scp, sftp and rsync into a lab through the proxy's HTTPS, with the programs that people have."""

import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

HOST = "beamtorch-default"
FIVE_MB = 5 * 1024 * 1024


def test_a_command_runs_as_the_person_with_every_group_of_the_lab_and_none_of_them_has_a_name(stand):
    done = stand.ssh(HOST, "id -u; id -g; id -G; id -un")

    assert done.stdout.split()[:6] == [b"61234", b"61234", b"61234", b"50011", b"50012", b"61999"]
    assert b"cannot find name for user ID 61234" in done.stderr


def test_a_session_has_the_variables_umask_and_folder_of_the_lab_and_nothing_of_sshd_s_own(stand):
    done = stand.ssh(HOST, "umask; pwd; env -0; false")

    umask, pwd, rest = done.stdout.split(b"\n", 2)
    variables = dict(one.split(b"=", 1) for one in rest.split(b"\0") if one)
    assert (done.returncode, umask, pwd) == (1, b"0007", str(stand.home).encode())
    assert variables[b"BEAMTORCH_LEASE"] == b"the-lease"
    assert variables[b"BEAMTORCH_ODD"] == b'a "quoted" \\ $HOME # end\'s'
    assert (variables[b"USER"], variables[b"HOME"], variables[b"LANG"]) == (b"okafor", pwd, b"C.UTF-8")
    assert not {b"LD_PRELOAD", b"NSS_WRAPPER_PASSWD", b"SSH_AUTH_SOCK", b"SSH_ORIGINAL_COMMAND"} & variables.keys()


def test_the_exit_code_and_both_streams_of_a_command_come_through(stand):
    done = stand.ssh(HOST, "cat; echo wrong >&2; exit 37", given=b"\0\xff\r\n")

    assert (done.returncode, done.stdout, done.stderr) == (37, b"\0\xff\r\n", b"wrong\n")


def test_a_shell_with_a_terminal_reads_the_profile_and_still_finds_the_lab_s_programs(stand):
    (stand.home / ".profile").write_text("echo from the profile; export MINE=1\n")
    done = stand.ssh("-tt", HOST, given=b"tty; echo mine=$MINE; echo path=$PATH; exit 5\n")

    said = done.stdout.decode()
    assert (done.returncode, "from the profile" in said, "mine=1" in said) == (5, True, True)
    assert re.search(r"/dev/pts/\d+", said)
    assert f"path={Path(sys.executable).parent}:" in said


@pytest.mark.parametrize("program", ["scp", "scp -O", "sftp", "rsync"])
def test_five_megabytes_come_back_as_they_went_with_the_rights_of_a_file_of_the_lab(stand, tmp_path, program):
    sent, back = tmp_path / "sent.bin", tmp_path / "back.bin"
    sent.write_bytes(secrets.token_bytes(FIVE_MB))
    sent.chmod(0o666)
    for copy in copies(stand, program, sent, back):
        done = subprocess.run(
            copy["words"], env=stand.environment(), input=copy["given"], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr

    there = (stand.home / "there.bin").stat()
    assert back.read_bytes() == sent.read_bytes()
    assert (there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)) == (61234, 61234, 0o660)
    (stand.home / "there.bin").unlink()


def copies(stand, program, sent, back):
    name, *more = program.split()
    if name == "sftp":
        batch = f"put {sent} there.bin\nget there.bin {back}\n"
        return [{"words": stand.words("sftp", "-b", "-", HOST), "given": batch.encode()}]
    if name == "rsync":
        shell = " ".join(stand.words("ssh"))
        ways = [(str(sent), f"{HOST}:there.bin"), (f"{HOST}:there.bin", str(back))]
        return [{"words": ["rsync", "-e", shell, *way], "given": b""} for way in ways]
    ways = [(str(sent), f"{HOST}:there.bin"), (f"{HOST}:there.bin", str(back))]
    return [{"words": stand.words(name, *more, *way), "given": b""} for way in ways]


def test_a_file_that_comes_into_a_folder_with_a_shared_group_keeps_the_group(stand, tmp_path):
    shared = stand.home / "shared"
    shared.mkdir()
    os.chown(shared, 61234, 50012)
    shared.chmod(0o2770)
    (tmp_path / "a.txt").write_text("a")

    subprocess.run(stand.words("scp", str(tmp_path / "a.txt"), f"{HOST}:shared/"), env=stand.environment(), check=True)

    assert (shared / "a.txt").stat().st_gid == 50012


def test_an_editor_works_it_starts_its_server_by_bash_and_reaches_it_over_the_same_connection(stand, tmp_path):
    master, port, socks = tmp_path / "m", free_port(), free_port()
    shared = ("-o", f"ControlPath={master}")
    keep = stand.words("ssh", "-M", "-N", "-f", *shared, "-o", "ControlPersist=yes", "-D", str(socks), HOST)
    subprocess.run(keep, env=stand.environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        (stand.home / "page.txt").write_text("from the editor's server")
        script = f"nohup python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 & echo listening={port}\n"
        started = stand.ssh(*shared, HOST, "bash", "-s", given=script.encode())
        assert started.stdout == f"listening={port}\n".encode()

        local = free_port()
        stand.ssh(*shared, "-O", "forward", "-L", f"{local}:127.0.0.1:{port}", HOST)
        url = f"http://127.0.0.1:{local}/page.txt"
        until_answered(url)
        with ThreadPoolExecutor(16) as pool:
            pages = list(pool.map(lambda _: httpx.get(url, trust_env=False).text, range(64)))
        assert pages == ["from the editor's server"] * 64
        assert b"from the editor's server" in through_socks(socks, port, b"GET /page.txt HTTP/1.0\r\n\r\n")

        with ThreadPoolExecutor(9) as pool:
            said = list(pool.map(lambda n: stand.ssh(*shared, HOST, f"echo {n}").stdout, range(9)))
        assert said == [f"{n}\n".encode() for n in range(9)]
        assert len({one.ppid() for one in stand.sshds()} & {stand.lab.pid}) == 1
    finally:
        stand.ssh(*shared, HOST, f"pkill -u 61234 -f 'http.server --bind 127.0.0.1 {port}'")
        stand.ssh(*shared, "-O", "exit", HOST)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until_answered(url):
    for _ in range(200):
        try:
            return httpx.get(url, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError(url)


def through_socks(socks, port, request):
    with socket.create_connection(("127.0.0.1", socks)) as one:
        one.sendall(b"\x05\x01\x00")
        assert one.recv(2) == b"\x05\x00"
        one.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big"))
        assert one.recv(10)[:2] == b"\x05\x00"
        one.sendall(request)
        answer = b""
        while piece := one.recv(4096):
            answer += piece
        return answer


def test_no_agent_no_display_no_password_and_no_tunnel_device_come_through(stand, tmp_path):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "a")], stdout=subprocess.DEVNULL)
    try:
        words = stand.words(
            "ssh", "-A", "-o", "ForwardAgent=yes", "-v", HOST, "echo agent=$SSH_AUTH_SOCK display=$DISPLAY"
        )
        environment = stand.environment(SSH_AUTH_SOCK=str(tmp_path / "a"), DISPLAY=":9")
        done = subprocess.run(words, env=environment, capture_output=True, check=False)
    finally:
        agent.terminate()
        agent.wait()
    assert done.stdout == b"agent= display=\n"
    offered = re.findall(rb"Authentications that can continue: (.*?)\r?\n", done.stderr)
    assert set(offered) == {b"publickey"}
    assert (
        stand.ssh("-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password", HOST, "id").returncode
        == 255
    )


def test_a_forwarded_port_is_the_loopback_s_alone(stand):
    port = free_port()
    words = stand.words("ssh", "-R", f"0.0.0.0:{port}:127.0.0.1:9", HOST, f"ss -Htln sport = :{port}")
    done = subprocess.run(words, env=stand.environment(), capture_output=True, check=False)

    assert f"127.0.0.1:{port}".encode() in done.stdout
    assert f"0.0.0.0:{port}".encode() not in done.stdout


def test_another_s_key_is_refused_and_a_key_that_was_withdrawn_opens_nothing_more(stand, tmp_path, new_key):
    other = new_key(tmp_path / "other")
    assert stand.ssh(HOST, "true").returncode == 0
    assert (
        stand.ssh("-o", f"IdentityFile={tmp_path / 'other'}", HOST, "true").returncode == 0
    )  # the first is offered too

    stand.register(other)
    refused = stand.ssh(HOST, "true")

    assert refused.returncode == 255
    assert b"Permission denied (publickey)" in refused.stderr


def test_keys_in_the_home_count_for_nothing(stand, tmp_path, new_key):
    folder = stand.home / ".ssh"
    folder.mkdir()
    (folder / "authorized_keys").write_text(stand.key + "\n")
    (folder / "rc").write_text("touch ~/rc-ran\n")
    os.chown(folder, 61234, 61234)
    stand.register(new_key(tmp_path / "other"))

    assert stand.ssh(HOST, "true").returncode == 255
    stand.register(stand.key)
    assert stand.ssh(HOST, "true").returncode == 0
    assert not (stand.home / "rc-ran").exists()


INJECTED = {
    "a command": 'command="touch ~/injected" {own}',
    "an environment": 'environment="LD_PRELOAD=/tmp/x" {own}',
    "two lines": "{other}\n{own}",
    "a carriage return": "{other}\r{own}",
    "a line in the comment": '{other} me\ncommand="touch ~/injected" {own}',
    "a certificate authority": "cert-authority {own}",
    "an old type": "ssh-dss {blob}",
    "another type's name": "ssh-rsa {blob}",
    "more after the key": "ssh-ed25519 {blob}AAAA",
    "a leading hash": "#{own}",
}


@pytest.mark.parametrize("trick", INJECTED)
def test_a_key_of_the_directory_with_anything_beside_it_lets_nobody_in_and_the_good_one_still_does(
    stand, tmp_path, new_key, trick
):
    other = new_key(tmp_path / "other")
    line = INJECTED[trick].format(own=stand.key, other=other, blob=stand.key.split()[1])
    stand.register(line)
    refused = stand.ssh(HOST, "true")
    stand.register(line, other)

    assert refused.returncode == 255
    assert b"No ssh key of okafor counts" in refused.stderr
    assert b"Key 1 (directory)" in refused.stderr
    assert stand.ssh("-o", "IdentityFile=none", "-i", str(tmp_path / "other"), HOST, "true").returncode == 0
    assert not (stand.home / "injected").exists()


def test_a_short_rsa_key_is_left_out_with_the_reason_and_a_long_one_opens(stand, tmp_path, new_key):
    short = new_key(tmp_path / "short", "-t", "rsa", "-b", "1024")
    stand.register(short)
    assert b"less than 2048 bits" in stand.ssh(HOST, "true").stderr

    stand.register(new_key(tmp_path / "long", "-t", "rsa", "-b", "2048"))
    assert stand.ssh("-i", str(tmp_path / "long"), HOST, "true").returncode == 0


def test_the_host_key_is_known_beforehand_and_another_host_is_refused(stand, tmp_path, new_key):
    known = stand.where / "client" / "beamtorch" / "known_hosts"
    good = known.read_text()
    try:
        alias, kind, _ = good.split()
        other = new_key(tmp_path / "other").split()[1]
        known.write_text(f"{alias} {kind} {other}\n")
        refused = stand.ssh(HOST, "true")
    finally:
        known.write_text(good)
    assert refused.returncode == 255
    assert b"Host key verification failed" in refused.stderr


def test_twenty_connections_at_once_all_work(stand):
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda n: stand.ssh(HOST, f"echo {n}; sleep 1", seconds=120), range(20)))

    assert [one.stdout for one in said] == [f"{n}\n".encode() for n in range(20)]


def test_a_connection_that_drops_ends_its_sshd_and_what_it_forwards_and_leaves_no_file(stand):
    port = free_port()
    words = stand.words("ssh", "-N", "-R", f"127.0.0.1:{port}:127.0.0.1:9", HOST)
    client = subprocess.Popen(words, env=stand.environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: is_listening(port))
    assert stand.sshds()
    for child in psutil.Process(client.pid).children():
        child.kill()  # the carrier dies without a word
    client.send_signal(signal.SIGKILL)
    client.wait()

    wait_for(lambda: not stand.sshds())
    assert not is_listening(port)
    wait_for(lambda: not list((stand.where / "lab" / "tmp").glob("beamtorch-ssh-*")))


def wait_for(question, seconds=30):
    until = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_listening(port):
    return any(one.laddr.port == port and one.status == "LISTEN" for one in psutil.net_connections("tcp"))


def test_no_port_is_opened_for_a_connection_and_no_secret_lies_about_while_it_lasts(stand):
    words = stand.words("ssh", HOST, "sleep 60")
    client = subprocess.Popen(words, env=stand.environment(), stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(stand.sshds()) == 2)
        assert not [one for sshd in stand.sshds() for one in sshd.net_connections("inet")]
        folder = next((stand.where / "lab" / "tmp").glob("beamtorch-ssh-*"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
        assert {file.name for file in folder.iterdir()} == {"authorized_keys", "passwd", "group"}
    finally:
        client.kill()
        client.wait()


def test_a_slow_reader_makes_nobody_grow(stand):
    words = stand.words("ssh", HOST, "head -c 300000000 /dev/zero")
    client = subprocess.Popen(words, env=stand.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        client.stdout.read(1000)
        before = memory(stand, client)
        time.sleep(4)
        assert memory(stand, client) - before < 40_000_000
        count = 1000
        while piece := client.stdout.read(1 << 20):
            count += len(piece)
        assert (count, client.wait()) == (300_000_000, 0)
        assert memory(stand) - before < 60_000_000
    finally:
        client.kill()
        client.communicate()


def memory(stand, *clients: subprocess.Popen):
    ours = [stand.lab, *stand.sshds()]
    for client in clients:
        one = psutil.Process(client.pid)
        ours += [one, *one.children(recursive=True)]
    proxies = [psutil.Process(one.pid) for one in stand.processes.values()]
    return sum(one.memory_info().rss for one in {*ours, *proxies})


def test_no_key_and_no_token_is_in_a_log(stand):
    stand.ssh(HOST, "true")
    for log in stand.where.glob("*.log"):
        text = log.read_text()
        assert "PRIVATE KEY" not in text
        assert not [token for token in stand.tokens.values() if token in text], log
    assert "Accepted publickey for okafor" in stand.log
