"""Environments: the named offers on the start page. What a person may choose, and nothing beside it."""

import os
import tempfile
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.resources import Cores, Extended, Memory, Resources

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
    image: str | None = Field(default=None, max_length=400, description="container image; none: the spawner's own")
    images: tuple[str, ...] = Field(
        default=(), description="images that may be chosen instead; “*” stands for anything"
    )
    cores: Cores = Field(default=1, gt=0)
    memory: Memory = Field(default=2 * 1024**3, gt=0, description="bytes, or “4G”")
    extra_resource: Extended = Field(default_factory=dict, description="e.g. nvidia.com/gpu: 1")
    most: Resources | None = Field(default=None, description="what may be chosen at most; none: just the above")
    who: tuple[str, ...] = Field(default=(), description="groups of the directory that see it; none: everybody")
    docs_url: str | None = None

    @property
    def resources(self) -> Resources:
        """What it gets if nobody chooses."""
        return Resources(cores=self.cores, memory=self.memory, extended=self.extra_resource)

    @property
    def gpus(self) -> int:
        """GPUs that it gets if nobody chooses."""
        return self.resources.gpus

    def is_for(self, groups: tuple[str, ...]) -> bool:
        """Tell whether somebody of these groups may start it."""
        return not self.who or bool(set(self.who) & set(groups))

    @field_validator("server")
    @classmethod
    def _server_is_not_called_default(cls, server: str) -> str:
        if server == DEFAULT_SERVER:
            raise ValueError("“default” names the unnamed server; leave the server empty")
        return server

    @model_validator(mode="after")
    def _default_is_not_above_the_most(self) -> Self:
        if self.most is not None and (name := self.resources.fits_in(self.most)):
            raise ValueError(f"its own {name} is above the most that may be chosen")
        return self

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
    """Read the offers from a YAML file, again whenever it changed."""
    try:
        seen = path.stat()
        return _parsed(path, (seen.st_mtime_ns, seen.st_size, seen.st_ino))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise EnvironmentsUnreadableError(
            Words(
                en=f"{path} cannot be read as a list of environments: {error}. Mend the file and try again.",
                zh=f"无法将 {path} 读作环境列表：{error}。请修正文件后重试。",
            )
        ) from error


@lru_cache(maxsize=8)
def _parsed(path: Path, version: tuple[int, int, int]) -> tuple[Environment, ...]:  # noqa: ARG001 - what is remembered is one version's
    return Environments.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).environments


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
