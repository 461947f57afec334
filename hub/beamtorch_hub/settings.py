"""What one platform is told: its name, its ports and its secrets. One strict model, read once and passed along."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from beamtorch_facility.words import Words
from beamtorch_hub.cluster.settings import ClusterChoices, ClusterSettings
from beamtorch_hub.errors import SettingsUnreadableError
from beamtorch_hub.files import read_text, write_private, write_text
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.ports import LOOPBACK, Ports, choose_ports
from beamtorch_hub.platform.separation import Separation
from beamtorch_hub.sign_in.settings import SignInSettings

M = TypeVar("M", bound=BaseModel)
HOME_VARIABLE = "BEAMTORCH_HOME"
COOKIE_SECRET_BYTES = 32
"""JupyterHub wants exactly 256 bits."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tokens(_Strict):
    """Secrets that the processes of one platform know each other by; made once, kept for its owner alone."""

    spawner: SecretStr = Field(description="the spawner API at the Hub, also its OAuth secret")
    catalogue: SecretStr = Field(description="the catalogue API at the Hub, also its OAuth secret")
    torch: SecretStr = Field(description="TorchLocalSpawner at the spawner API")
    ingest: SecretStr = Field(description="whoever catalogues files")
    console: SecretStr = Field(description="a control-room console at the spawner API; acts for people")
    platform: SecretStr = Field(description="the supervisor and `beamtorch token` at the Hub; may do everything")
    proxy: SecretStr = Field(description="the Hub at the proxy")

    @classmethod
    def completed(cls, known: Mapping[str, str]) -> dict[str, str]:
        """Return the known tokens and new random ones for whatever has none yet."""
        return {**{name: secrets.token_hex(32) for name in cls.model_fields}, **known}


class FacilitySettings(_Strict):
    """What the person who runs the platform may choose, in ``config/platform.yaml``."""

    facility: Words = Field(
        default=Words(en="Beamtorch", zh="Beamtorch"), description="name of the facility, as pages show it"
    )
    sign_in: SignInSettings = SignInSettings()
    service_uid: int = Field(
        default=64999,
        ge=1000,
        lt=65534,
        description="uid and gid of the catalogue where users are separated; nobody's in the directory",
    )


class PlatformSettings(_Strict):
    """Everything that the processes of one platform are told."""

    home: Path = Field(description="the platform's folder")
    facility: Words = Field(description="name of the facility, as pages show it")
    sign_in: SignInSettings = Field(default=SignInSettings(), description="how people sign in")
    ports: Ports = Field(description="where each process listens")
    tokens: Tokens = Field(description="what they know each other by")
    cluster: ClusterSettings | None = Field(
        default=None, description="the cluster that labs are in; none: they are processes of this machine"
    )
    separation: Separation = Field(default=Separation(), description="whether labs run under their people's numbers")
    service_uid: int = Field(default=64999, description="uid and gid of the catalogue where users are separated")

    @property
    def places(self) -> PlatformHome:
        """Where the platform keeps things."""
        return PlatformHome(self.home)

    @property
    def catalogue_uid(self) -> int | None:
        """The uid that the catalogue runs as; None: that of the platform itself."""
        return self.service_uid if self.separation.is_on else None

    @property
    def public_url(self) -> str:
        """Where people find the platform."""
        return f"http://127.0.0.1:{self.ports.public}/"

    @property
    def inner_host(self) -> str:
        """Where the Hub and the services listen: loopback, unless labs elsewhere have to reach them."""
        return self.cluster.address if self.cluster else LOOPBACK

    @property
    def hub_api_url(self) -> str:
        """The Hub's REST API, past the proxy."""
        return f"http://{self.inner_host}:{self.ports.hub}/hub/api"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of the platform that ``BEAMTORCH_HOME`` names, as a process of it does."""
        return cls.load(PlatformHome(Path(environment[HOME_VARIABLE])))

    @classmethod
    def load(cls, home: PlatformHome) -> Self:
        """Read what `prepare` wrote."""
        chosen = _parsed(FacilitySettings, home.settings)
        return cls(
            home=home.root,
            facility=chosen.facility,
            sign_in=chosen.sign_in,
            service_uid=chosen.service_uid,
            ports=_parsed(Ports, home.ports),
            tokens=_parsed(Tokens, home.tokens),
            cluster=_parsed(ClusterSettings, home.cluster) if home.cluster.exists() else None,
            separation=_parsed(Separation, home.separation) if home.separation.exists() else Separation(),
        )


def read_choices(home: PlatformHome) -> ClusterChoices | None:
    """Return what was chosen for labs in a cluster; None: it never was."""
    return _parsed(ClusterChoices, home.cluster_choices) if home.cluster_choices.exists() else None


def prepare(
    home: PlatformHome,
    port: int,
    cluster: ClusterSettings | None = None,
    separation: Separation = Separation(),  # noqa: B008 - frozen
) -> PlatformSettings:
    """Make what is missing of secrets and ports, and return the settings.

    Internal ports stay what they were as long as nobody else took them, so that a lab that outlives its platform finds
    the Hub again.
    """
    if not home.settings.exists():
        write_text(
            home.settings,
            yaml.safe_dump(FacilitySettings().model_dump(mode="json", exclude={"sign_in"}), allow_unicode=True),
        )
    _complete_tokens(home)
    if not home.cookie_secret.exists():
        write_private(home.cookie_secret, secrets.token_hex(COOKIE_SECRET_BYTES))
    before = _parsed(Ports, home.ports) if home.ports.exists() else None
    host = cluster.address if cluster else LOOPBACK
    write_text(home.ports, choose_ports(port, before, host).model_dump_json(indent=1))
    write_text(home.separation, separation.model_dump_json(indent=1))
    if cluster is None:
        home.cluster.unlink(missing_ok=True)
    else:
        write_text(home.cluster, cluster.model_dump_json(indent=1))
    return PlatformSettings.load(home)


def _complete_tokens(home: PlatformHome) -> None:
    """Write the tokens that are missing: all at the first start, some after an update that brought new ones."""
    known = _known_tokens(read_text(home.tokens)) if home.tokens.exists() else {}
    if known is not None and not known.keys() >= Tokens.model_fields.keys():
        write_private(home.tokens, json.dumps(Tokens.completed(known), indent=1))


def _known_tokens(text: str) -> dict[str, str] | None:
    """Return the tokens of a file; None for a damaged one, which is told when it is read and never written over."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    is_sound = isinstance(document, dict) and document.keys() <= Tokens.model_fields.keys()
    return document if is_sound and all(isinstance(token, str) for token in document.values()) else None


def _parsed(model: type[M], path: Path) -> M:
    text = read_text(path)
    try:
        document: Any = yaml.safe_load(text)  # JSON is YAML, too
        return model.model_validate(document)
    except (yaml.YAMLError, ValidationError) as error:
        # The cause may quote a token, so that only the places of the faults are told.
        faults = [".".join(map(str, f["loc"])) for f in error.errors()] if isinstance(error, ValidationError) else []
        told = f" ({', '.join(faults)})" if faults else ""
        raise SettingsUnreadableError(
            Words(
                en=f"{path} is not what it should be{told}. Mend it, or remove it to get a new one at the next start.",
                zh=f"{path} 的内容不正确{told}。请修正，或删除后在下次启动时重新生成。",
            )
        ) from None
