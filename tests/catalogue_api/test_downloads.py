"""Downloads over a real server: the file system of this machine decides, curl looks at what comes."""

import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from starlette.requests import Request

from beamtorch_catalogue.ingesting import ingest
from beamtorch_catalogue.sending import OpenFileResponse
from beamtorch_catalogue.testing.world import World, small_world
from beamtorch_catalogue.wire import FileRecord
from beamtorch_identity.reader.client import OpenFile

ADA, SAM = 2000, 2002
"""uids of “team” and “staff” in the small facility; both see the first beamtime in the catalogue."""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
LARGE = 96 * 1024**2


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A catalogue whose reader takes on the people's numbers; not below pytest's folder, which is closed to them."""
    with tempfile.TemporaryDirectory(prefix="downloads-") as name:
        place = Path(name)
        place.chmod(0o755)
        with small_world(place, f"sqlite:///{place}/catalogue.sqlite", own_rights=False) as made:
            yield made


def catalogued(world: World, name: str, content: bytes = b"data", *, acl: str = f"u:{ADA}:r") -> str:
    """Catalogue one file of the first beamtime, which belongs to root; return its dataset's address."""
    path = world.folder() / name / f"{name}.h5"
    if path.parent.exists():
        shutil.rmtree(path.parent)
    record = world.record(name)
    path.write_bytes(content)
    path.chmod(0o600)
    allow(path, acl)
    (done,) = world.client("ingest").ingest([record])
    return f"datasets/{done.dataset}/"


def allow(path: Path, acl: str) -> None:
    if acl:
        subprocess.run(["setfacl", "-m", acl, str(path)], check=True)


def sparse(world: World, name: str) -> tuple[str, Path]:
    """Catalogue a large file of known content; return its address and path."""
    path = world.folder() / name / f"{name}.h5"
    address = catalogued(world, name)
    os.truncate(path, LARGE)
    return f"{address}files/{name}.h5", path


def ask(world: World, path: str, role: str = "team", method: str = "GET", **headers: str) -> httpx.Response:
    headers["Authorization"] = f"token {world.tokens[role]}"
    return httpx.request(method, f"{world.url}{path}", headers=headers, trust_env=False, timeout=30)


def curl(world: World, path: str, *options: str, role: str = "team") -> subprocess.CompletedProcess[bytes]:
    command = ["curl", "--silent", "--noproxy", "*", "-H", f"Authorization: token {world.tokens[role]}", *options]
    return subprocess.run([*command, f"{world.url}{path}"], capture_output=True, check=False, timeout=60)


# -- who ----------------------------------------------------------------------------------------------------------


def test_the_rights_on_the_disk_decide_between_two_who_both_see_the_dataset(world: World):
    address = catalogued(world, "shared", b"of ada") + "files/shared.h5"
    assert ask(world, address).content == b"of ada"
    refused = ask(world, address, "staff")
    assert refused.status_code == 403
    problem = refused.json()
    assert problem["type"] == "urn:beamtorch:problem:file-not-readable"
    assert "The file system does not let you read" in problem["detail"]
    assert "文件系统不允许" in problem["detail_zh"]
    allow(world.folder() / "shared" / "shared.h5", f"u:{SAM}:r")
    assert ask(world, address, "staff").content == b"of ada"
    subprocess.run(["setfacl", "-b", str(world.folder() / "shared" / "shared.h5")], check=True)
    assert {ask(world, address, role).status_code for role in ("team", "staff", "admin")} == {403}


def test_who_may_not_see_the_dataset_is_told_nothing_even_where_the_disk_would_let_them(world: World):
    address = catalogued(world, "open", acl="o::r") + "files/open.h5"
    for role in ("stranger", "other team"):
        for path in (address, address.replace("open.h5", "nothing.h5")):
            answer = ask(world, path, role)
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:beamtorch:problem:no-such-dataset")


def test_only_catalogued_files_have_an_address(world: World):
    address = catalogued(world, "tooth")
    (world.folder() / "tooth" / "beside.h5").write_bytes(b"not catalogued")
    world_root = str(world.layout.root)
    for path in (
        *("beside.h5", "", "tooth.h5/", "%252e/tooth.h5", "%2e%2e/tooth/tooth.h5", "..%2f..%2f..%2fetc%2fpasswd"),
        *("%2fetc%2fpasswd", "tooth.h5%00", quote(f"{world_root}/BL1/202610/Data/BT-1/raw/tooth/tooth.h5", safe="")),
    ):
        answer = ask(world, f"{address}files/{path}")
        assert answer.status_code in {404, 422}, path
    assert ask(world, f"{address}files/tooth.h5").content == b"data"


def test_a_link_in_the_place_of_a_catalogued_file_is_not_followed(world: World):
    address = catalogued(world, "swapped") + "files/swapped.h5"
    path = world.folder() / "swapped" / "swapped.h5"
    path.unlink()
    path.symlink_to("/etc/hostname")
    answer = ask(world, address)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:beamtorch:problem:path-not-allowed")
    path.unlink()
    assert ask(world, address).json()["type"] == "urn:beamtorch:problem:file-not-there"


def test_a_picture_is_for_whom_the_file_is(world: World):
    folder = world.scan("pictured")
    (folder / "pictured.h5").chmod(0o600)
    allow(folder / "pictured.h5", f"u:{ADA}:r")
    ingest(world.client("ingest"), world.layout, [folder])
    (found,) = world.client("team").search("pictured").datasets
    picture = f"datasets/{found.id}/thumbnail.png"
    assert ask(world, picture, "staff").status_code == 404
    assert ask(world, picture).content.startswith(b"\x89PNG")
    assert ask(world, picture, "staff").status_code == 404, "not even when it has been drawn"
    allow(folder / "pictured.h5", f"u:{SAM}:r")
    assert ask(world, picture, "staff").content.startswith(b"\x89PNG"), "a refusal is not kept"


def test_nobody_registers_what_they_cannot_read(world: World):
    record = world.result("mine")
    path = Path(record.files[0].path)
    path.chmod(0o600)

    def register(**changes: object) -> httpx.Response:
        body = record.model_copy(update=changes).model_dump(mode="json")
        headers = {"Authorization": f"token {world.tokens['team']}"}
        return httpx.post(f"{world.url}datasets", json=body, headers=headers, trust_env=False)

    assert "does not let you read" in register().json()["detail"]
    allow(path, f"u:{ADA}:r")
    assert register().status_code == 200
    linked = path.with_name("linked.h5")
    linked.symlink_to(path)
    answer = register(files=(FileRecord(path=str(linked), size=6),))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:beamtorch:problem:registration-refused")
    gone = register(files=(FileRecord(path=str(path.with_name("gone.h5")), size=6),))
    assert "does not exist" in gone.json()["detail"]


# -- what comes ---------------------------------------------------------------------------------------------------


def test_a_file_comes_whole_with_its_name_size_and_tag(world: World):
    content = os.urandom(3_000_000)
    address = catalogued(world, "牙齿-1", content) + "files/" + quote("牙齿-1.h5")
    answer = ask(world, address)
    assert answer.content == content
    headers = answer.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-length"] == "3000000"
    assert headers["content-disposition"].endswith("filename*=UTF-8''%E7%89%99%E9%BD%BF-1.h5")
    assert headers["accept-ranges"] == "bytes"
    assert headers["cache-control"] == "private, no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["last-modified"].endswith(" GMT")
    head = ask(world, address, method="HEAD")
    assert head.content == b""
    volatile = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in headers.items() if k not in volatile
    }


def test_curl_gets_parts_resumes_and_is_told_what_is_out_of_reach(world: World, tmp_path: Path):
    content = os.urandom(5_000_000)
    address = catalogued(world, "parts", content) + "files/parts.h5"
    assert curl(world, address, "--range", "1000-1999").stdout == content[1000:2000]
    assert curl(world, address, "--range", "-7").stdout == content[-7:]
    part = tmp_path / "parts.h5"
    part.write_bytes(content[:1_234_567])
    assert curl(world, address, "--continue-at", "-", "--output", str(part)).returncode == 0
    assert part.read_bytes() == content
    beyond = curl(world, address, "--range", "5000000-", "--include").stdout.decode()
    assert beyond.startswith("HTTP/1.1 416 ")
    assert "content-range: bytes */5000000" in beyond
    head = curl(world, address, "--head").stdout.decode()
    assert "content-length: 5000000" in head
    options = ("--remote-name", "--remote-header-name", "--create-dirs", "--output-dir", str(tmp_path / "saved"))
    assert curl(world, address, *options).returncode == 0
    assert (tmp_path / "saved" / "parts.h5").read_bytes() == content


def test_a_part_of_another_version_is_never_joined_to_the_first(world: World):
    address = catalogued(world, "versions", b"a" * 1000) + "files/versions.h5"
    tag = ask(world, address).headers["etag"]
    kept = {"Range": "bytes=500-", "If-Range": tag}
    assert ask(world, address, **kept).status_code == 206
    assert ask(world, address, **{"If-None-Match": tag}).status_code == 304
    (world.folder() / "versions" / "versions.h5").write_bytes(b"b" * 1000)
    whole = ask(world, address, **kept)
    assert (whole.status_code, whole.content) == (200, b"b" * 1000)
    assert ask(world, address, **{"If-Match": tag}).status_code == 412


def test_several_files_come_over_one_connection_even_when_asked_for_at_once(world: World):
    contents = {name: os.urandom(200_000 + i) for i, name in enumerate(("one", "two", "three"))}
    addresses = [catalogued(world, name, content) + f"files/{name}.h5" for name, content in contents.items()]
    base = urlsplit(world.url)
    asked = "".join(
        f"GET {base.path}{address} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.tokens['team']}\r\n\r\n"
        for address in addresses
    )
    with socket.create_connection((base.hostname, base.port), timeout=30) as connection:
        connection.sendall(asked.encode())
        for content in contents.values():
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            # HTTPResponse reads ahead of its own end otherwise.
            assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(content).digest()
            answer.fp = None


def test_an_empty_file_is_a_file(world: World):
    address = catalogued(world, "empty", b"") + "files/empty.h5"
    answer = ask(world, address)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


# -- what may go wrong --------------------------------------------------------------------------------------------


@contextmanager
def slow(world: World, address: str) -> Iterator[http.client.HTTPResponse]:
    """A client that has read the first bytes of a large file, and waits."""
    base = urlsplit(world.url)
    connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=30)
    connection.request("GET", f"{base.path}{address}", headers={"Authorization": f"token {world.tokens['team']}"})
    try:
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read(1000)
        yield answer
    finally:
        connection.close()


@pytest.mark.parametrize("change", ["cut", "written"])
def test_a_file_that_changes_while_it_is_sent_ends_the_connection(world: World, change: str):
    address, path = sparse(world, f"changing-{change}")
    with slow(world, address) as answer:
        if change == "cut":
            os.truncate(path, 2000)
        else:
            with path.open("r+b") as file:
                file.seek(LARGE - 10)
                file.write(b"new bytes!")
        with pytest.raises(http.client.IncompleteRead) as error:
            answer.read()
        assert b"new bytes!" not in error.value.partial
    assert ask(world, address).status_code == 200


def test_clients_that_do_not_read_keep_nobody_else_waiting_and_leave_nothing(world: World, eventually):
    address, path = sparse(world, "large")
    ask(world, address, Range="bytes=0-9")
    eventually(lambda: held(path) == 0)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(slow(world, address))
        assert held(path) > 0
        assert ask(world, address, Range="bytes=5-9").content == bytes(5)
        whole = ask(world, address)
        assert len(whole.content) == LARGE
    eventually(lambda: held(path) == 0)


def held(path: Path) -> int:
    """How many descriptors of this process (the server's, too) are of a file."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += link.readlink() == path
        except OSError:
            continue
    return found


def test_many_at_once_are_each_their_own_file(world: World):
    contents = {f"many{i}": os.urandom(300_000) for i in range(6)}
    addresses = {name: catalogued(world, name, content) + f"files/{name}.h5" for name, content in contents.items()}
    wrong: list[str] = []

    def fetch(name: str) -> None:
        for _ in range(8):
            answer = ask(world, addresses[name])
            # A reader with no room says so; it never gives another file.
            if answer.content != contents[name] and answer.status_code != 503:
                wrong.append(name)

    threads = [threading.Thread(target=fetch, args=(name,)) for name in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


async def test_a_server_without_sendfile_sends_the_same(tmp_path: Path):
    path = tmp_path / "a.h5"
    path.write_bytes(os.urandom(2_500_000))
    descriptor = os.open(path, os.O_RDONLY)
    found = os.fstat(descriptor)

    async def app(scope, receive, send):
        file = OpenFile(os.dup(descriptor), found.st_size, found.st_mtime_ns, found.st_ino)
        await OpenFileResponse(file, "a.h5", Request(scope).headers)(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as http:
        assert (await http.get("/")).content == path.read_bytes()
        assert (await http.get("/", headers={"Range": "bytes=9-99"})).content == path.read_bytes()[9:100]
        os.truncate(path, 1000)
        with pytest.raises(ConnectionAbortedError):
            await http.get("/")
    os.close(descriptor)


def test_a_reader_that_is_away_is_a_sentence_and_comes_back(world: World, tmp_path: Path):
    address = catalogued(world, "waiting") + "files/waiting.h5"
    socket_ = world.directory.parent / "reader" / "socket"
    socket_.rename(tmp_path / "away")
    answer = ask(world, address)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:beamtorch:problem:reader-away")
    assert json.loads(answer.content)["detail_zh"]
    (tmp_path / "away").rename(socket_)
    assert ask(world, address).status_code == 200


# -- in a browser -------------------------------------------------------------------------------------------------


def test_the_page_of_a_dataset_offers_its_files_and_a_refusal_is_a_page(world: World):
    address = catalogued(world, "on a page")
    dataset = address.split("/")[1]

    def browse(path: str, role: str) -> httpx.Response:
        cookies = {"beamtorch-catalogue": world.tokens[role]}
        return httpx.get(f"{world.url}{path}", cookies=cookies, trust_env=False)

    page = browse(f"page/{dataset}", "team")
    link = f"page/{dataset}/files/on%20a%20page.h5"
    assert f'href="/services/catalogue/{link}"' in page.text
    assert browse(link, "team").content == b"data"
    refused = browse(link, "staff")
    assert refused.status_code == 403
    assert refused.headers["content-type"].startswith("text/html")
    assert 'data-error="file-not-readable"' in refused.text
    assert "文件系统不允许您读取此文件" in refused.text
    assert browse(link, "stranger").status_code == 404
    nobody = httpx.get(f"{world.url}{link}", trust_env=False)
    assert nobody.status_code == 302
    assert "/hub/api/oauth2/authorize" in nobody.headers["location"]
