"""Environments: the named offers on the start page. What a person may choose, and nothing beside it."""

import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError

DEFAULT_SERVER = "default"
"""How people and file names call the hub's unnamed server."""

DEFAULT_ENVIRONMENTS = Path(__file__).parent / "environments.yaml"


class EnvironmentsUnreadableError(SpawnerError):
    """The file of environments is not what it should be."""

    code = "environments-unreadable"
    status = 503
    title = Words(en="The list of environments cannot be read", zh="无法读取环境列表")


class EnvironmentKind(StrEnum):
    """What opens: a lab to write code in, or an app without code."""

    LAB = "lab"
    APP = "app"


class Environment(BaseModel):
    """One offer: what it is, what runs, and how much of the machine it gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,29}$", description="name on the wire and in URLs")
    kind: EnvironmentKind
    name: Words
    summary: Words = Field(description="one sentence on the card, two lines at most")
    icon: str = Field(default="lab", description="name of an icon of the look")
    server: str = Field(
        default="",
        max_length=30,
        pattern=r"^([a-z][a-z0-9]*(-[a-z0-9]+)*)?$",
        description="hub server name; empty: the default",
    )
    app: str | None = Field(
        default=None,
        pattern=r"^([a-z][a-z0-9_]*/)+[a-z][a-z0-9_]*\.ipynb$",
        description="notebook of the app below beamtorch_apps, e.g. ct/ct.ipynb",
    )
    cores: float = Field(default=1, gt=0)
    memory: int = Field(default=2 * 1024**3, gt=0, description="bytes")
    gpus: int = Field(default=0, ge=0)
    docs_url: str | None = None

    @field_validator("server")
    @classmethod
    def _server_is_not_called_default(cls, server: str) -> str:
        if server == DEFAULT_SERVER:
            raise ValueError("“default” names the unnamed server; leave the server empty")
        return server

    @model_validator(mode="after")
    def _only_apps_name_an_app(self) -> Self:
        if (self.kind is EnvironmentKind.APP) != (self.app is not None):
            raise ValueError("an environment of kind app names its app, and no other does")
        return self


class Environments(BaseModel):
    """All offers of a facility, in the order of the start page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environments: tuple[Environment, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        ids = [environment.id for environment in self.environments]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"two environments have the same id: {', '.join(twice)}")
        return self


def load_environments(path: Path) -> tuple[Environment, ...]:
    """Read the offers from a YAML file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Environments.model_validate(document).environments
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise EnvironmentsUnreadableError(
            Words(
                en=f"{path} cannot be read as a list of environments: {error}. Mend the file and try again.",
                zh=f"无法将 {path} 读作环境列表：{error}。请修正文件后重试。",
            )
        ) from error


def install_environments(path: Path) -> bool:
    """Write the offers that the package brings, unless the facility has its own; tell whether it wrote.

    The file appears whole or not at all.
    """
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(DEFAULT_ENVIRONMENTS.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    Path(part).chmod(0o644)
    Path(part).replace(path)
    return True
