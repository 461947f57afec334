"""Which lines count as public keys; the good ones come from ssh-keygen itself."""

import base64
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamtorch_identity.ssh_keys import PublicKey, SshKeyRefusedError, sort_keys

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa 256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa 384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa 521": ("-t", "ecdsa", "-b", "521"),
    "rsa 2048": ("-t", "rsa", "-b", "2048"),
    "rsa 4096": ("-t", "rsa", "-b", "4096"),
}


@pytest.fixture(scope="session")
def keygen(tmp_path_factory):
    """Return the function that makes a key with ssh-keygen and returns its public line."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed (apt-get install openssh-client)")
    folder, made = tmp_path_factory.mktemp("keys"), {}

    def make(*kind: str, comment: str = "me at home") -> str:
        if (kind, comment) not in made:
            file = folder / str(len(made))
            words = ["ssh-keygen", "-q", "-N", "", "-C", comment, "-f", str(file), *kind]
            subprocess.run(words, check=True)
            made[kind, comment] = file.with_suffix(".pub").read_text()
        return made[kind, comment]

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_ssh_keygen_counts_and_is_written_anew_without_its_comment(keygen, kind):
    line = keygen(*KINDS[kind])
    assert str(PublicKey.parse(line)) == " ".join(line.split()[:2])


@pytest.mark.parametrize("comment", ["", "阿达 at 家", 'command="evil"', "a  b   c"])
def test_a_comment_may_say_anything_on_its_line_and_is_left_behind(keygen, comment):
    line = keygen("-t", "ed25519", comment=comment)
    assert str(PublicKey.parse(line)) == " ".join(line.split()[:2])


def text(*parts: bytes) -> str:
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


POINT = b"\x04" + b"\x01" * 64
SK = b"sk-ssh-ed25519@openssh.com"
MODULUS = b"\0" + b"\xc1" * 256
F4 = b"\x01\x00\x01"


def rsa(exponent: bytes, modulus: bytes) -> str:
    return f"ssh-rsa {text(b'ssh-rsa', exponent, modulus)}"


def test_a_key_that_lives_in_a_security_token_counts():
    assert PublicKey.parse(f"sk-ssh-ed25519@openssh.com {text(SK, b'x' * 32, b'ssh:')} me").kind == SK.decode()
    kind = "sk-ecdsa-sha2-nistp256@openssh.com"
    assert PublicKey.parse(f"{kind} {text(kind.encode(), b'nistp256', POINT, b'ssh:')}").kind == kind


ED = text(b"ssh-ed25519", b"x" * 32)
REFUSED = {
    "options before it": f'command="evil" ssh-ed25519 {ED}',
    "an option without a value": f"no-pty ssh-ed25519 {ED}",
    "options after a comma": f'from="*",command="x" ssh-ed25519 {ED}',
    "a certificate authority": f"cert-authority ssh-ed25519 {ED}",
    "a certificate": f"ssh-ed25519-cert-v01@openssh.com {ED}",
    "a host": f"* ssh-ed25519 {ED}",
    "two lines": f"ssh-ed25519 {ED}\nssh-ed25519 {ED}",
    "a carriage return within": f"ssh-ed25519 {ED} x\rssh-ed25519 {ED}",
    "a vertical tab": f"ssh-ed25519 {ED}\vx",
    "a line separator of Unicode": f"ssh-ed25519 {ED} x\u2028y",
    "a tab for the blank": f"ssh-ed25519\t{ED}",
    "a NUL": f"ssh-ed25519 {ED}\0",
    "an old type": f"ssh-dss {text(b'ssh-dss', b'x')}",
    "an unknown type": f"ssh-ed448 {text(b'ssh-ed448', b'x' * 57)}",
    "another type inside": f"ssh-ed25519 {text(b'ssh-rsa', b'x' * 32)}",
    "a point that is too short": f"ssh-ed25519 {text(b'ssh-ed25519', b'x' * 31)}",
    "a part too many": f"ssh-ed25519 {text(b'ssh-ed25519', b'x' * 32, b'y')}",
    "a length beyond the end": f"ssh-ed25519 {base64.b64encode(bytes([255] * 60)).decode()}",
    "a compressed point": f"ecdsa-sha2-nistp256 {text(b'ecdsa-sha2-nistp256', b'nistp256', b'x' * 65)}",
    "the wrong curve": f"ecdsa-sha2-nistp256 {text(b'ecdsa-sha2-nistp256', b'nistp384', POINT)}",
    "RSA with a negative modulus": rsa(F4, MODULUS[1:]),
    "RSA with an even modulus": rsa(F4, MODULUS[:-1] + bytes([2])),
    "RSA with the exponent one": rsa(b"\x01", MODULUS),
    "RSA with an even exponent": rsa(b"\x02", MODULUS),
    "RSA without a modulus": rsa(F4, b""),
    "RSA of 20000 bits": rsa(F4, b"\0" + b"\xc1" * 2500),
    "no base64": "ssh-ed25519 $$$$",
    "base64 with blanks": f"ssh-ed25519 {ED[:20]} {ED[20:]}",
    "a type alone": "ssh-ed25519",
    "nothing": "",
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "no end": "ssh-ed25519 " + "A" * 100_000,
}


@pytest.mark.parametrize("fault", REFUSED)
def test_anything_else_is_refused_by_a_sentence_that_does_not_repeat_it(fault):
    with pytest.raises(SshKeyRefusedError) as refused:
        PublicKey.parse(REFUSED[fault])
    for word in REFUSED[fault].split():
        assert len(word) < 20 or word not in refused.value.detail.en + refused.value.detail.zh


def test_a_short_rsa_key_is_told_apart(keygen):
    with pytest.raises(SshKeyRefusedError, match="2048"):
        PublicKey.parse(keygen("-t", "rsa", "-b", "1024"))


def test_good_keys_are_kept_once_and_bad_ones_are_told_by_their_place(keygen):
    one, other = keygen("-t", "ed25519"), keygen("-t", "ed25519", comment="second")
    keys, left_out = sort_keys([one, f"no-pty {one}", other, f"  {one}  "])
    assert [str(key) for key in keys] == [" ".join(line.split()[:2]) for line in (one, other)]
    assert [bad.number for bad in left_out] == [2]


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 60), st.characters())
def test_a_key_with_one_letter_changed_is_itself_or_refused_and_never_more_than_a_line(keygen, kind, at, letter):
    line = keygen(*KINDS[kind]).strip()
    try:
        key = PublicKey.parse(line[:at] + letter + line[at + 1 :])
    except SshKeyRefusedError:
        return
    said = str(key)
    assert said.isascii()
    assert said.isprintable()
    assert said.count(" ") == 1
