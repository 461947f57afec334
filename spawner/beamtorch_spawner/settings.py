"""What the spawner service is told at its start: one strict model, read from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_service.settings import HubSettings


class SpawnerSettings(BaseModel):
    """The service's place at the Hub, its database and its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: HubSettings
    database: str = Field(description="SQLAlchemy URL (BEAMTORCH_SPAWNER_DATABASE)")
    environments: Path = Field(description="YAML file with the offers (BEAMTORCH_ENVIRONMENTS)")
    directory: Path = Field(description="YAML file with the people (BEAMTORCH_DIRECTORY)")
    data_root: Path = Field(description="root of the beamtime folders (BEAMTORCH_DATA_ROOT)")
    homes: Path = Field(description="folder of the home folders (BEAMTORCH_HOMES)")
    public_url: str = Field(
        pattern=r"^https?://.+/$", description="the platform as browsers see it (BEAMTORCH_PUBLIC_URL)"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that the platform sets for the service."""
        return cls(
            hub=HubSettings.from_environment(environment),
            database=environment["BEAMTORCH_SPAWNER_DATABASE"],
            environments=Path(environment["BEAMTORCH_ENVIRONMENTS"]),
            directory=Path(environment["BEAMTORCH_DIRECTORY"]),
            data_root=Path(environment["BEAMTORCH_DATA_ROOT"]),
            homes=Path(environment["BEAMTORCH_HOMES"]),
            public_url=environment["BEAMTORCH_PUBLIC_URL"],
        )
