"""Environments: the named offers on the start page. What a person may choose, and nothing beside it."""

from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class EnvironmentsUnreadableError(BeamtorchError):
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
        default="", pattern=r"^([a-z][a-z0-9-]{0,29})?$", description="hub server name; empty: the default"
    )
    app: str | None = Field(default=None, description="notebook of the app below beamtorch_apps, e.g. ct/ct.ipynb")
    cores: float = Field(default=1, gt=0)
    memory: int = Field(default=2 * 1024**3, gt=0, description="bytes")
    gpus: int = Field(default=0, ge=0)
    docs_url: str | None = None


class Environments(BaseModel):
    """All offers of a facility, in the order of the start page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environments: tuple[Environment, ...]


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
