"""What the spawner service is told at its start: one strict model, read from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beamtorch_service.settings import HubSettings


class SpawnerSettings(BaseModel):
    """The service's place at the Hub, its database and its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: HubSettings
    database: str = Field(description="SQLAlchemy URL (BEAMTORCH_SPAWNER_DATABASE)")
    environments: Path | None = Field(
        default=None, description="YAML file with the offers; none: the Hub's own (BEAMTORCH_ENVIRONMENTS)"
    )
    directory: Path | None = Field(
        default=None, description="YAML file with the people; none: whoever the Hub lets in (BEAMTORCH_DIRECTORY)"
    )
    data_root: Path = Field(description="root of the beamtime folders (BEAMTORCH_DATA_ROOT)")
    homes: Path = Field(description="folder of the home folders (BEAMTORCH_HOMES)")
    policy: Path | None = Field(default=None, description="YAML file of the facility's policy (BEAMTORCH_POLICY)")
    platform: str = Field(
        default="beamtorch",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$",
        description="name of this platform among others in the cluster (BEAMTORCH_PLATFORM)",
    )
    namespace: str | None = Field(
        default=None, description="namespace of the pods; none: there is no cluster (BEAMTORCH_NAMESPACE)"
    )
    kubeconfig: Path | None = Field(
        default=None, description="how to reach the cluster; none: as a pod of it (BEAMTORCH_KUBECONFIG)"
    )
    ssh_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="what the ssh host keys of labs are derived from; none: the service's token (BEAMTORCH_SSH_SECRET)",
    )
    declares_people: bool = Field(
        default=False,
        description="whether the cluster's own policy is told whose numbers pods may have (BEAMTORCH_DECLARE_PEOPLE=1)",
    )
    public_url: str = Field(
        pattern=r"^https?://.+/$", description="the platform as browsers see it (BEAMTORCH_PUBLIC_URL)"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that the platform sets for the service."""
        return cls(
            hub=HubSettings.from_environment(environment),
            database=environment["BEAMTORCH_SPAWNER_DATABASE"],
            environments=_path(environment.get("BEAMTORCH_ENVIRONMENTS")),
            directory=_path(environment.get("BEAMTORCH_DIRECTORY")),
            data_root=Path(environment.get("BEAMTORCH_DATA_ROOT") or "/data"),
            homes=Path(environment.get("BEAMTORCH_HOMES") or "/home"),
            declares_people=environment.get("BEAMTORCH_DECLARE_PEOPLE") == "1",
            public_url=environment["BEAMTORCH_PUBLIC_URL"],
            policy=_path(environment.get("BEAMTORCH_POLICY")),
            platform=environment.get("BEAMTORCH_PLATFORM") or "beamtorch",
            namespace=environment.get("BEAMTORCH_NAMESPACE") or None,
            kubeconfig=_path(environment.get("BEAMTORCH_KUBECONFIG")),
            ssh_secret=SecretStr(secret) if (secret := environment.get("BEAMTORCH_SSH_SECRET")) else None,
        )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
