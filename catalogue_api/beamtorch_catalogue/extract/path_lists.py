"""Where the files of each beamline say what: lists of paths, shipped for common layouts, completed by the facility."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StringConstraints, ValidationError

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.proposal import BeamlineId
from beamtorch_facility.words import Words

VARIABLE = "BEAMTORCH_EXTRACTION"
_SHIPPED = "path_lists.yaml"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class PathListsError(CatalogueError):
    """A file of path lists that cannot be understood."""

    code = "bad-path-lists"
    exit_code = 2
    title = Words(en="The path lists cannot be understood", zh="无法理解路径列表")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Strict):
    """One place in a file, and the unit of what is there if the file gives none."""

    path: Annotated[str, StringConstraints(pattern=r"^[^/\x00]+(/[^/\x00]+)*$", max_length=500)]
    unit: str = Field(default="", max_length=40)

    @property
    def parts(self) -> tuple[str, ...]:
        """The path, cut at its slashes."""
        return tuple(self.path.split("/"))


def _place(given: Any) -> Any:
    return {"path": given} if isinstance(given, str) else given


Places = tuple[Annotated[Place, BeforeValidator(_place)], ...]
"""Looked at in order; the first that holds something wins."""
Named = dict[Name, Places]


class DefinitionPaths(_Strict):
    """What is special about one application definition."""

    technique: str = Field(default="", max_length=200)
    quantities: Named = {}
    texts: Named = {}
    statistics: Named = {}


class PathList(_Strict):
    """Where the files of one layout say what."""

    start_time: Places = ()
    sample: Places = ()
    quantities: Named = {}
    texts: Named = {}
    statistics: Named = {}
    definitions: dict[str, DefinitionPaths] = {}
    placeholders: tuple[str, ...] = Field(default=(), description="names of samples that are none")
    time_zone: str | None = Field(default=None, description="of times without one, e.g. Asia/Shanghai; none: local")

    def under(self, theirs: Self) -> Self:
        """Return these lists with somebody's own before them."""
        definitions = dict(self.definitions)
        for name, own in theirs.definitions.items():
            known = definitions.get(name, DefinitionPaths())
            definitions[name] = DefinitionPaths(
                technique=own.technique or known.technique,
                **{kind: _merged(getattr(known, kind), getattr(own, kind)) for kind in _KINDS},
            )
        return self.model_copy(
            update={
                "start_time": (*theirs.start_time, *self.start_time),
                "sample": (*theirs.sample, *self.sample),
                **{kind: _merged(getattr(self, kind), getattr(theirs, kind)) for kind in _KINDS},
                "definitions": definitions,
                "placeholders": (*theirs.placeholders, *self.placeholders),
                "time_zone": theirs.time_zone or self.time_zone,
            }
        )

    def of_definition(self, definition: str) -> Self:
        """Return these lists with those of an application definition before them."""
        own = self.definitions.get(definition)
        if own is None or not (own.quantities or own.texts or own.statistics):
            return self
        return self.model_copy(update={kind: _merged(getattr(self, kind), getattr(own, kind)) for kind in _KINDS})


_KINDS = ("quantities", "texts", "statistics")


class BeamlinePaths(_Strict):
    """The lists for all layouts of HDF5 files."""

    nexus: PathList = PathList()
    data_exchange: PathList = PathList()

    def under(self, theirs: "BeamlinePaths") -> "BeamlinePaths":
        """Return these lists with somebody's own before them."""
        return BeamlinePaths(
            nexus=self.nexus.under(theirs.nexus), data_exchange=self.data_exchange.under(theirs.data_exchange)
        )


class Extraction(BeamlinePaths):
    """The lists of a facility, and what is special about each beamline."""

    beamlines: dict[BeamlineId, BeamlinePaths] = {}
    _merged: dict[BeamlineId, BeamlinePaths] = PrivateAttr(default_factory=dict)

    def of(self, beamline: BeamlineId) -> BeamlinePaths:
        """Return what holds for files of a beamline: its own lists, then the facility's, then the shipped ones."""
        if beamline not in self._merged:
            facility = shipped().under(BeamlinePaths(nexus=self.nexus, data_exchange=self.data_exchange))
            own = self.beamlines.get(beamline)
            self._merged[beamline] = facility if own is None else facility.under(own)
        return self._merged[beamline]


@cache
def shipped() -> BeamlinePaths:
    """Return the lists that come with the catalogue."""
    text = resources.files(__package__ or "").joinpath(_SHIPPED).read_text(encoding="utf-8")
    return BeamlinePaths.model_validate(yaml.safe_load(text))


def load_path_lists(given: Path | None, environment: Mapping[str, str]) -> Extraction:
    """Return the facility's lists: from a file as told, from the one that the environment names, or none of its own.

    Raises
    ------
    PathListsError
        If the file cannot be understood; the error says where.
    """
    path = given or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    if path is None:
        return Extraction()
    try:
        return Extraction.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise _refused(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _refused(path, f"line {line}: {error.problem}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _refused(path, str(error).partition("\n")[0]) from error


def _merged(known: Mapping[str, Places], theirs: Mapping[str, Places]) -> dict[str, Places]:
    merged = {**known, **{name: (*places, *known.get(name, ())) for name, places in theirs.items() if places}}
    return {name: places for name, places in merged.items() if theirs.get(name, places)}


def _refused(path: Path, reason: str) -> PathListsError:
    return PathListsError(
        Words(
            en=f"{path} cannot be understood as path lists ({reason}). Mend it; the how-to “Catalogue your data” has "
            "an example.",
            zh=f"无法将 {path} 理解为路径列表（{reason}）。请修正；操作指南“为数据编目”中有示例。",
        ),
        path=str(path),
    )
