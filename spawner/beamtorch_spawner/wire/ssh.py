"""What a lab has to know to let its person in by ssh, and what everybody may know of the lab."""

from pydantic import Field, SecretStr, field_serializer

from beamtorch_facility.words import Words
from beamtorch_spawner.wire.base import Wire


class LeftOutKey(Wire):
    """A public key that does not count."""

    source: Words = Field(description="where it stands")
    number: int = Field(ge=1, description="its place there")
    reason: Words


class SshAccess(Wire):
    """Who may come in by ssh now, and by which key the lab is known."""

    username: str
    server: str = Field(description="hub server name; empty: the default")
    authorized_keys: tuple[str, ...] = Field(description="type and base64 alone")
    left_out: tuple[LeftOutKey, ...] = ()
    host_key: SecretStr = Field(description="private key in OpenSSH's format")

    @field_serializer("host_key", when_used="json")
    def _told(self, host_key: SecretStr) -> str:
        """Tell the key on the wire, and only there."""
        return host_key.get_secret_value()


class SshHostKey(Wire):
    """The public key by which all labs of a person are known."""

    username: str
    key: str = Field(description="type and base64, as in known_hosts")
    fingerprint: str = Field(description="SHA256:… as ssh shows it")
