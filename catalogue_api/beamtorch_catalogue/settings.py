"""What the catalogue has to be told, from the environment of its process and nowhere else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.policy_file import BadPolicyError, read_policy
from beamtorch_catalogue.release_settings import ReleaseSettings
from beamtorch_facility.words import Words
from beamtorch_service.settings import HubSettings


class SettingsError(CatalogueError):
    """The process was started with settings that it cannot use."""

    code = "settings"
    exit_code = 2
    title = Words(en="The catalogue cannot start", zh="数据目录无法启动")


class CatalogueSettings(BaseModel):
    """The settings of one catalogue process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: HubSettings
    database: str = Field(min_length=1, description="SQLAlchemy URL: sqlite:///… or postgresql+psycopg://…")
    directory: Path = Field(description="the people (YAML)")
    data_root: Path = Field(description="root of the beamtime folders")
    public_url: str = Field(description="address of the platform in a browser")
    cache: Path = Field(description="folder for thumbnails; may be emptied at any time")
    reader: Path | None = Field(
        default=None, description="socket of the reader, which opens files in a person's name; none: no file is opened"
    )
    models: Path | None = Field(default=None, description="folder of the facility's metadata models and techniques")

    changes: ChangeSettings = ChangeSettings()
    release: ReleaseSettings = ReleaseSettings()

    @property
    def catalogue_url(self) -> str:
        """Address of the catalogue in a browser, with a slash at its end."""
        return f"{self.public_url.rstrip('/')}/{self.hub.prefix.lstrip('/')}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read ``BEAMTORCH_*`` and the variables that JupyterHub gives to services.

        Raises
        ------
        SettingsError
            If one is missing or makes no sense; the error names it.
        """
        try:
            database = environment["BEAMTORCH_CATALOGUE_DATABASE"]
            named = environment.get("BEAMTORCH_CATALOGUE_CACHE")
            reader = environment.get("BEAMTORCH_READER")
            models = environment.get("BEAMTORCH_CATALOGUE_MODELS")
            file = environment.get("BEAMTORCH_CATALOGUE_POLICY")
            policy = read_policy(Path(file) if file else None)
            return cls(
                hub=HubSettings.from_environment(environment),
                database=database,
                directory=Path(environment["BEAMTORCH_DIRECTORY"]),
                data_root=Path(environment["BEAMTORCH_DATA_ROOT"]),
                public_url=environment["BEAMTORCH_PUBLIC_URL"],
                cache=Path(named) if named else default_cache(database),
                reader=Path(reader) if reader else None,
                models=Path(models) if models else None,
                changes=ChangeSettings.from_environment(environment, policy),
                release=ReleaseSettings.from_environment(environment, policy),
            )
        except KeyError as error:
            raise _unusable(f"{error.args[0]} is not set", f"未设置 {error.args[0]}") from error
        except BadPolicyError as error:
            raise _unusable(f"{file} cannot be followed: {error}", f"无法采用 {file}：{error}") from error
        except ArgumentError as error:
            raise _unusable(
                "BEAMTORCH_CATALOGUE_DATABASE is not a database URL", "BEAMTORCH_CATALOGUE_DATABASE 不是数据库地址"
            ) from error
        except (ValidationError, ValueError) as error:
            # The message of pydantic repeats the input, which may hold a token.
            places = error.errors() if isinstance(error, ValidationError) else []
            names = ", ".join(".".join(map(str, place["loc"])) for place in places) or "JUPYTERHUB_SERVICE_URL"
            raise _unusable(f"the value of {names} makes no sense", f"{names} 的值无效") from error


def default_cache(database: str) -> Path:
    """Return the folder beside an SQLite database, else the user's own cache."""
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database).resolve().parent / "thumbnails"
    return Path(platformdirs.user_cache_dir("beamtorch")) / "thumbnails"


def _unusable(en: str, zh: str) -> SettingsError:
    return SettingsError(
        Words(
            en=f"The catalogue cannot start: {en}. “beamtorch up” sets everything that it needs.",
            zh=f"数据目录无法启动：{zh}。beamtorch up 会设置所需的一切。",
        )
    )
