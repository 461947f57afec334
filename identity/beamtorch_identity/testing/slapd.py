"""A real slapd on loopback with TLS, in each of the schemas that facilities have; for tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SUFFIX = "dc=torch,dc=example"
READER, READER_PASSWORD = f"cn=reader,{SUFFIX}", "read only"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
OWN_SCHEMA = """
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey $ uid ) )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'numberedGroup' SUP top AUXILIARY MUST gidNumber )
"""
PRINCIPAL = """
objectclass ( 1.3.6.1.4.1.99999.2 NAME 'principal' SUP top AUXILIARY MAY ( sAMAccountName $ objectSid ) )
"""
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
{before}include /etc/ldap/schema/{schema}.schema
include {where}/own.schema
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 500
TLSCertificateFile {where}/cert.pem
TLSCertificateKeyFile {where}/key.pem
database mdb
suffix "{suffix}"
rootdn "cn=admin,{suffix}"
rootpw "{root_password}"
directory {where}/data
maxsize 1073741824
index objectClass,uid,uidNumber,gidNumber,memberUid,member eq
limits dn.exact="{reader}" size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""
ROOT_PASSWORD = "made up"  # noqa: S105 - of a server that lives as long as a test


def certificate(where: Path) -> None:
    """Write a certificate for the loopback address that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (where / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (where / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@dataclass
class Slapd:
    """One server; entries are added as its administrator does."""

    where: Path
    schema: str = "nis"
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def prepare(self) -> None:
        """Write its configuration, its certificate and an empty tree."""
        (self.where / "data").mkdir()
        certificate(self.where)
        (self.where / "own.schema").write_text(OWN_SCHEMA + (PRINCIPAL if self.schema == "msuser" else ""))
        (self.where / "reader.password").write_text(READER_PASSWORD + "\n")
        before = "include /etc/ldap/schema/nis.schema\n" if self.schema != "nis" else ""
        told = {"where": self.where, "schema": self.schema, "before": before, "suffix": SUFFIX, "reader": READER}
        (self.where / "slapd.conf").write_text(CONFIG.format(**told, root_password=ROOT_PASSWORD))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        units = [f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Torch\ndc: torch"]
        units += [
            f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}" for unit in ("people", "groups")
        ]
        reader = "objectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader"
        units.append(f"dn: {READER}\n{reader}\nuserPassword: {READER_PASSWORD}")
        self.load("\n\n".join(units))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ldaps://127.0.0.1:{self.port}"

    def load(self, ldif: str) -> None:
        """Put entries in while the server is not running."""
        path = self.where / "load.ldif"
        path.write_text(ldif + "\n")
        command = [str(SLAPD), "-T", "add", "-q", "-f", str(self.where / "slapd.conf"), "-l", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - slapd itself
        if done.returncode:
            raise RuntimeError(done.stderr)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [str(SLAPD), "-d", "0", "-h", self.url, "-f", str(self.where / "slapd.conf")]
        self.process = subprocess.Popen(  # noqa: S603 - slapd itself
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > until:
                raise RuntimeError("slapd did not start")
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return how the platform is told to ask it."""
        return {
            "url": self.url,
            "ca_file": str(self.where / "cert.pem"),
            "bind_dn": READER,
            "bind_password_file": str(self.where / "reader.password"),
            "people": PEOPLE,
            "groups": GROUPS,
            **more,
        }
