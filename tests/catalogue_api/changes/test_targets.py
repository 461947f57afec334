"""Where a webhook may go, what becomes of a receiver that misbehaves, and what a receiver checks."""

import asyncio
import json
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.services import targets
from beamtorch_catalogue.services.targets import NotDeliveredError, TargetRefusedError, Targets
from beamtorch_catalogue.testing.receiver import LOOPBACK, Receiver, receiver
from beamtorch_catalogue.webhooks import BadSignatureError, sign, verify


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://127.0.0.1/hook",
        "https://127.1/hook",
        "https://2130706433/hook",
        "https://0x7f000001/hook",
        "https://localhost/hook",
        "https://0.0.0.0/hook",
        "https://10.1.2.3/hook",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/hook",
        "https://[::]/hook",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[ff02::1]/",
        "https://user:password@example.org/",
        "https://example.org/#fragment",
        "https://example.org:0/",
        "https:///path",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "example.org",
        "https://[::1",
        "https://example.org:99999999/",
        "https://exa mple.org/",
    ],
)
def test_addresses_that_no_webhook_may_go_to(url: str):
    with pytest.raises(TargetRefusedError) as refused:
        asyncio.run(Targets(ChangeSettings()).check(url))
    assert "password" not in refused.value.detail.en.replace("no user, password", "")


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8/hook", "https://[2606:4700::1111]/hook", "https://no-such-name.invalid/"]
)
def test_public_addresses_and_names_that_may_come_are_taken(url: str):
    asyncio.run(Targets(ChangeSettings()).check(url))


def test_networks_that_the_facility_names_are_reached():
    named = Targets(ChangeSettings.from_environment({"BEAMTORCH_WEBHOOK_NETWORKS": "10.20.0.0/16, fd00:1::/32"}))
    for url in ("https://10.20.3.4/", "https://[fd00:1::5]/", "https://[::ffff:10.20.0.1]/"):
        asyncio.run(named.check(url))
    for url in ("https://10.21.0.1/", "https://127.0.0.1/", "http://10.20.3.4/"):
        with pytest.raises(TargetRefusedError):
            asyncio.run(named.check(url))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BEAMTORCH_WEBHOOK_NETWORKS", "10.0.0.0/8 everywhere"),
        ("BEAMTORCH_WEBHOOK_NETWORKS", "10.0.0.1/8"),
        ("BEAMTORCH_WEBHOOK_HTTP", "maybe"),
        ("BEAMTORCH_WEBHOOK_SECONDS", "0"),
        ("BEAMTORCH_WEBHOOK_DAYS", "-1"),
        ("BEAMTORCH_KEY_DAYS", "for ever"),
    ],
)
def test_settings_that_make_no_sense_are_named(name: str, value: str):
    with pytest.raises(ValidationError) as refused:
        ChangeSettings.from_environment({name: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {name}


def test_a_name_that_moves_after_it_was_checked_takes_nobody_along(told: Receiver, monkeypatch: pytest.MonkeyPatch):
    port = httpx.URL(told.url).port
    answers = ["127.0.0.1", "169.254.169.254", "127.0.0.1"]
    asked = []

    async def resolve(_loop: object, host: str, at: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", (answers[len(asked) - 1], at))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    there = Targets(LOOPBACK)
    url = f"http://moving.test:{port}/hook"
    asyncio.run(there.deliver(url, b"{}", {}))
    assert (asked, told.requests[0].headers["host"]) == (["moving.test"], f"moving.test:{port}")
    with pytest.raises(TargetRefusedError):
        asyncio.run(there.deliver(url, b"{}", {}))
    assert len(told.requests) == 1


def test_a_receiver_that_dawdles_is_left_after_its_time(told: Receiver):
    told.seconds = 3
    hurried = Targets(LOOPBACK.model_copy(update={"webhook_seconds": 0.3}))
    with pytest.raises(NotDeliveredError) as late:
        asyncio.run(hurried.deliver(told.url, b"{}", {}))
    assert "within 0.3 s" in late.value.detail.en


def test_an_answer_without_an_end_is_not_read(told: Receiver):
    told.endless, told.status = True, 200
    asyncio.run(Targets(LOOPBACK).deliver(told.url, b"{}", {}))
    assert len(told.requests) == 1


def test_a_certificate_counts_for_the_name_and_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    context, authority = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    targets._tls.cache_clear()
    request.addfinalizer(targets._tls.cache_clear)
    with receiver(context) as secure:
        asyncio.run(Targets(LOOPBACK).deliver(secure.url.replace("127.0.0.1", "localhost"), b"{}", {}))
        assert len(secure.requests) == 1
        with pytest.raises(NotDeliveredError) as refused:
            asyncio.run(Targets(LOOPBACK).deliver(secure.url, b"{}", {}))
        assert "No secure connection" in refused.value.detail.en
        monkeypatch.delenv("SSL_CERT_FILE")
        targets._tls.cache_clear()
        with pytest.raises(NotDeliveredError):
            asyncio.run(Targets(LOOPBACK).deliver(secure.url.replace("127.0.0.1", "localhost"), b"{}", {}))
        assert len(secure.requests) == 1


def test_a_signature_holds_for_one_body_one_secret_and_a_short_time():
    body = json.dumps({"webhook": 1, "events": []}).encode()
    signed = sign(body, "secret", 1000.0)
    assert verify(body, signed, "secret", now=1000.0).webhook == 1
    assert verify(body, signed, "secret", now=1299.0).webhook == 1
    for wrong in (
        {"secret": "other"},
        {"body": body + b" "},
        {"now": 1301.0},
        {"now": 600.0},
        {"signature": signed.replace("t=1000", "t=1200")},
        {"signature": ""},
        {"signature": signed + ",v1=00"},
        {"signature": "t=1000,v1=" + "0" * 64},
    ):
        given = {"body": body, "signature": signed, "secret": "secret", "now": 1000.0} | wrong
        with pytest.raises(BadSignatureError):
            verify(**given)


def test_a_receiver_needs_no_server_packages():
    code = "import sys, beamtorch_catalogue.webhooks; print({'fastapi', 'sqlalchemy', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a certificate for a name, and the authority that signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_file)
    return context, pem
