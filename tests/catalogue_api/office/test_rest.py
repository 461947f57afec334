"""The user office as a REST API: a real server that pages, stumbles, stalls and lies; and certificates."""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from beamtorch_catalogue.office import OfficeError
from beamtorch_catalogue.office.rest import RestOffice

TOKEN = "tok-of-the-office"
Answer = tuple[int, dict[str, str], Any]


@dataclass
class Office:
    """A user office that answers as a test says; `asked` has every path with its token."""

    url: str = ""
    answer: Callable[[str, dict[str, str]], Answer] = lambda path, query: (404, {}, {})  # noqa: ARG005
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)

    def token(self) -> str:
        (token,) = {token for _, token in self.asked}
        return token or ""


@contextmanager
def served(office: Office, certificate: Path | None = None) -> Iterator[Office]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            office.asked.append((self.path, self.headers.get("Authorization")))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, headers, document = office.answer(parts.path, query)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    office.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/api"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield office
    finally:
        office.stalled.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def office() -> Iterator[Office]:
    with served(Office()) as running:
        yield running


PEOPLE = [{"login": f"u{n}", "names": {"english": f"Person {n}", "chinese": f"人{n}"}, "id": n} for n in range(25)]
FIELDS = {"username": "login", "name_en": "names.english", "name_zh": "names.chinese"}


def ask(tmp_path: Path, office: Office, *, waits: list[float] | None = None, token: str = TOKEN, **mapping: Any):
    place = tmp_path / "office.yaml"
    given = {"url": office.url, "token_variable": "OFFICE_TOKEN", "seconds": 5, "tries": 4, **mapping}
    place.write_text(yaml.safe_dump(given), encoding="utf-8")
    sleep = (waits if waits is not None else []).append
    return RestOffice(place, environment={"OFFICE_TOKEN": token}, sleep=sleep).records()


def people(**more: Any) -> dict[str, Any]:
    return {"people": {"path": "people", "fields": FIELDS, **more}}


def refused(tmp_path: Path, office: Office, **mapping: Any) -> str:
    with pytest.raises(OfficeError) as error:
        ask(tmp_path, office, **mapping)
    assert TOKEN not in error.value.detail.en + error.value.detail.zh
    assert error.value.detail.zh
    return error.value.detail.en


def page_of(number: int, size: int) -> list[dict[str, Any]]:
    return PEOPLE[number * size : (number + 1) * size]


def at_once(path: str, query: dict[str, str]) -> Answer:  # noqa: ARG001
    return 200, {}, PEOPLE


def by_next(path: str, query: dict[str, str]) -> Answer:
    assert path == "/api/people"
    number = int(query.get("cursor", "0"))
    more = f"people?cursor={number + 1}" if (number + 1) * 10 < len(PEOPLE) else None
    return 200, {}, {"data": {"items": page_of(number, 10)}, "links": {"next": more}}


def by_link(path: str, query: dict[str, str]) -> Answer:  # noqa: ARG001
    number = int(query.get("cursor", "0"))
    more = {"Link": f'</api/people?cursor={number + 1}>; rel="next"'} if (number + 1) * 10 < len(PEOPLE) else {}
    return 200, more, page_of(number, 10)


def by_page(path: str, query: dict[str, str]) -> Answer:  # noqa: ARG001
    return 200, {}, page_of(int(query["page"]) - 1, int(query["per_page"]))


def by_offset(path: str, query: dict[str, str]) -> Answer:  # noqa: ARG001
    start = int(query["skip"])
    return 200, {}, PEOPLE[start : start + int(query["limit"])]


@pytest.mark.parametrize(
    ("answer", "paging", "source"),
    [
        (at_once, {}, {}),
        (by_next, {"next": "links.next"}, {"list": "data.items"}),
        (by_link, {"link_header": True}, {}),
        (by_page, {"page": "page", "size": "per_page", "items": 10}, {}),
        (by_page, {"page": "page", "size": "per_page", "items": 25}, {}),
        (by_offset, {"offset": "skip", "size": "limit", "items": 7}, {}),
    ],
)
def test_every_way_of_paging_gives_everybody_once(tmp_path: Path, office: Office, answer, paging, source):
    office.answer = answer
    records = ask(tmp_path, office, sources=people(paging=paging, **source))
    assert [p.username for p in records.people] == [f"u{n}" for n in range(25)]
    assert records.people[3].name.zh == "人3"
    assert office.token() == f"Bearer {TOKEN}"


def test_all_kinds_are_filled_from_nested_and_foreign_fields(tmp_path: Path, office: Office):
    proposal = {
        "number": 20260417,
        "title": "Old teeth",
        "leader": {"login": "ada"},
        "members": [{"login": "bo", "kind": "CO"}, {"login": "ada", "kind": "PI"}],
        "visits": [{"code": "BT-1", "where": "BL1", "from": "2026-10-05T06:00:00Z", "to": "2026-10-07 22:00:00"}],
        "open": None,
    }
    answers = {
        "/api/proposals": [proposal],
        "/api/people": [{"login": "ada", "name": "Ada"}, {"login": "bo", "name": "Bo"}],
        "/api/beamlines": {"found": [{"code": "BL1", "label": "Imaging"}]},
    }
    office.answer = lambda path, query: (200, {}, answers[path])  # noqa: ARG005
    roles = {"proposal": "^number", "username": "login", "role": {"path": "kind", "values": {"CO": "co-proposer"}}}
    roles["role"]["values"]["PI"] = "principal-investigator"
    records = ask(
        tmp_path,
        office,
        name={"en": "Test Source", "zh": "测试光源"},
        sources={
            "instruments": {
                "path": "/beamlines",
                "list": "found",
                "fields": {"beamline": "code", "name_en": "label", "technique": {"constant": "tomography"}},
            },
            "people": {"path": "people", "fields": {"username": "login", "name_en": "name"}},
            "proposals": {
                "path": "proposals",
                "fields": {
                    "proposal": "number",
                    "title_en": "title",
                    "principal_investigator": "leader.login",
                    "released_to": "open",
                },
            },
            "roles": {"path": "proposals", "each": "members", "fields": roles},
            "beamtimes": {
                "path": "proposals",
                "each": "visits",
                "fields": {
                    "beamtime": "code",
                    "proposal": "^number",
                    "beamline": "where",
                    "start": "from",
                    "end": "to",
                },
            },
        },
    )
    assert records.name is not None
    assert records.name.zh == "测试光源"
    assert (records.instruments[0].technique, records.proposals[0].proposal) == ("tomography", "20260417")
    assert {(r.username, r.role) for r in records.proposals[0].people} == {
        ("bo", "co-proposer"),
        ("ada", "principal-investigator"),
    }
    assert (str(records.beamtimes[0].start), str(records.beamtimes[0].end)) == ("2026-10-05", "2026-10-07")


def test_a_server_that_stumbles_is_asked_again_with_growing_patience(tmp_path: Path, office: Office):
    trouble = iter([(503, {"Retry-After": "7"}, b"busy"), (500, {}, b"oops"), (502, {}, b""), None])

    def answer(path: str, query: dict[str, str]) -> Answer:
        return next(trouble, None) or by_link(path, query)

    office.answer = answer
    waits: list[float] = []
    records = ask(tmp_path, office, waits=waits, sources=people(paging={"link_header": True}))
    assert len(records.people) == 25
    assert waits == [7.0, 14.0, 28.0]


def test_a_server_that_stays_away_is_told(tmp_path: Path, office: Office):
    office.answer = lambda path, query: (503, {}, b"")  # noqa: ARG005
    assert "does not answer at" in refused(tmp_path, office, sources=people())
    assert len(office.asked) == 4
    gone = Office(url="http://127.0.0.1:9/api")
    assert "(ConnectError)" in refused(tmp_path, gone, sources=people())


def test_a_server_that_stalls_is_left_after_the_given_time(tmp_path: Path, office: Office):
    def answer(path: str, query: dict[str, str]) -> Answer:
        if len(office.asked) < 3:
            office.stalled.wait(30)
        return by_link(path, query)

    office.answer = answer
    records = ask(tmp_path, office, seconds=0.2, sources=people(paging={"link_header": True}))
    assert len(records.people) == 25


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, {}), "answered 401 at http://127.0.0.1"),
        ((403, {}, {}), "Check the token in OFFICE_TOKEN"),
        ((404, {}, {}), "Check url and path in the mapping"),
        ((302, {"Location": "http://127.0.0.1:9/"}, {}), "answered 302"),
        ((200, {}, b"<html>"), "is not JSON"),
        ((200, {}, b"[" * 100_000), "is not JSON"),
        ((200, {}, {"items": []}), "people: the answer is not a list"),
        ((200, {}, [{"login": "u0"}]), "people, item 1, column name_en: is empty"),
        ((200, {}, [{"login": "A B", "names": {"english": "x"}}]), "people, item 1, column username: “A B”"),
        ((200, {}, ["text"]), "people, item 1, column username: is empty"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(tmp_path: Path, office: Office, answer: Answer, said: str):
    office.answer = lambda path, query: answer  # noqa: ARG005
    assert said in refused(tmp_path, office, sources=people())
    assert len(office.asked) == 1


@pytest.mark.parametrize("paging", [{"page": "page"}, {"offset": "skip"}, {"next": "next"}])
def test_pages_without_an_end_are_told(tmp_path: Path, office: Office, paging: dict[str, str]):
    document = {"items": PEOPLE[:5], "next": "people"}
    office.answer = lambda path, query: (200, {}, document)  # noqa: ARG005
    assert "the same page again and again" in refused(tmp_path, office, sources=people(list="items", paging=paging))


def test_the_token_goes_to_no_other_server(tmp_path: Path, office: Office):
    with served(Office()) as other:
        document = {"items": PEOPLE[:5], "next": f"{other.url}/people"}
        office.answer = lambda path, query: (200, {}, document)  # noqa: ARG005
        said = refused(tmp_path, office, sources=people(list="items", paging={"next": "next"}))
        assert "another server; the token is not for it" in said
        assert "another server" in refused(tmp_path, office, sources={"samples": elsewhere(other)})
        assert other.asked == []


def elsewhere(other: Office) -> dict[str, Any]:
    return {"path": f"{other.url}/samples", "fields": {"sample": "name"}}


def test_a_token_that_is_not_set_is_told_before_anything_is_asked(tmp_path: Path, office: Office):
    assert "OFFICE_TOKEN is not set" in refused(tmp_path, office, token=" ", sources=people())
    assert office.asked == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://office.example.org"}, "url has to be https"),
        ({"url": "office.example.org"}, "url has to be an address"),
        ({"url": "https://me:secret@office.example.org"}, "url may hold no password"),
        ({"sources": {"proposal": {"path": "x", "fields": {}}}}, "sources.proposal is not known"),
        (
            {"sources": {"people": {"path": "x", "fields": {"email": "mail"}}}},
            "sources.people.fields.email is not known",
        ),
        ({"paging": {"page": "p", "offset": "o"}}, "one of next, link_header, page and offset"),
        ({"pagination": {}}, "pagination: Extra inputs are not permitted"),
        ({"sources": {"people": {"path": "x", "fields": {"username": {"path": "a", "constant": "b"}}}}}, "either path"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path: Path, office: Office, change: dict[str, Any], said: str):
    assert said in refused(tmp_path, office, **({"sources": people()} | change))
    assert office.asked == []


def test_nothing_is_asked_of_a_server_for_which_nobody_vouches(tmp_path: Path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout {key} -out {certificate}"
    names = "-subj /CN=office -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *made.split(), *names.split()], check=True, capture_output=True)
    both = tmp_path / "office.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    with served(Office(answer=by_link), both) as office:
        said = refused(tmp_path, office, sources=people(paging={"link_header": True}))
        assert "vouches for 127.0.0.1. Nothing was asked. Name the certificate of the authority in ca_file" in said
        assert office.asked == []
        records = ask(tmp_path, office, ca_file=str(certificate), sources=people(paging={"link_header": True}))
        assert len(records.people) == 25
        assert "cannot be read" in refused(tmp_path, office, ca_file=str(tmp_path / "none"), sources=people())
