"""YAML and JSON files that people write, read strictly: every complaint names file, line, field and what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words

Place = tuple[int | str, ...]
Shape = TypeVar("Shape", bound=BaseModel)
_LARGEST = 1_000_000
_DEEPEST = 12
_MOST_PARTS = 50_000
_MISTAKES_TOLD = 5


class VocabularyFileError(CatalogueError):
    """A file of the facility's vocabulary that cannot be used."""

    code = "vocabulary-file"
    status = 500
    exit_code = 2
    title = Words(en="A file that describes a technique cannot be used", zh="技术描述文件无法使用")


@dataclass(frozen=True)
class Placed:
    """What a file says, and on which line it says each part."""

    path: Path
    value: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Return the line of a place in the document, or of what holds it; parts that are nobody's key are left out."""
        at: Place = ()
        for part in place:
            if (*at, part) in self.lines:
                at = (*at, part)
        return self.lines.get(at, 1)

    def as_a(self, shape: type[Shape]) -> Shape:
        """Return the document as a model; raise `VocabularyFileError` with the first mistakes."""
        try:
            return shape.model_validate(self.value)
        except ValidationError as error:
            mistakes = [(self._known(one), one["msg"].removeprefix("Value error, ")) for one in _causes(error)]
        first = mistakes[:_MISTAKES_TOLD]
        told = [f"line {self.line(place)}, {named(place)}: {message}" for place, message in first]
        told_zh = [f"第 {self.line(place)} 行，{named(place)}：{message}" for place, message in first]
        raise _unusable(self.path, "; ".join(told), "；".join(told_zh))

    def refusal(self, place: Place, en: str, zh: str) -> VocabularyFileError:
        """Return the error for something that is wrong at a place."""
        line = self.line(place)
        return _unusable(self.path, f"line {line}, {named(place)}: {en}", f"第 {line} 行，{named(place)}：{zh}")

    def _known(self, mistake: ErrorDetails) -> Place:
        """Leave out what pydantic adds to a place, such as the name of an alternative; keep a part that is missing."""
        place, is_missing = mistake["loc"], mistake["type"] == "missing"
        at: Place = ()
        for index, part in enumerate(place):
            written = f"from_{part}" if at == () and isinstance(part, int) else part  # a step has its number alone
            if (*at, written) in self.lines or (is_missing and index == len(place) - 1):
                at = (*at, written)
        return at


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Leave out what only follows from another mistake: a list is too short because its item is wrong."""
    told = error.errors()
    places = [one["loc"] for one in told]
    return [
        one
        for one in told
        if one["type"] != "too_short" or not any(p[: len(one["loc"])] == one["loc"] != p for p in places)
    ]


def named(place: Place) -> str:
    """Write a place as people read it: ``fields[2].unit``."""
    written = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return written.removeprefix(".") or "the file"


def read_placed(path: Path) -> Placed:
    """Read a file that has to be a mapping.

    Raises
    ------
    VocabularyFileError
        If it cannot be read, is no YAML (JSON is YAML, too) or repeats a key.
    """
    try:
        text = path.read_bytes()[: _LARGEST + 1].decode("utf-8")
        if len(text) > _LARGEST:
            raise _unusable(path, "it is larger than a megabyte", "文件超过 1 MB")
        if path.suffix == ".json":
            json.loads(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unusable(path, f"line {line}: {error.problem}", f"第 {line} 行：{error.problem}") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).partition("\n")[0] or "it cannot be read"
        raise _unusable(path, reason, reason) from error
    if not isinstance(node, yaml.MappingNode):
        raise _unusable(path, "line 1: it has to consist of “name: value” lines", "第 1 行：应由“名称: 值”组成")
    lines: dict[Place, int] = {}
    value = _value(path, node, (), lines, _Reader(""))
    return Placed(path=path, value=value, lines=lines)


class _Reader(yaml.SafeLoader):
    """Turns single values into what they mean."""


def _value(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int], reader: _Reader) -> Any:
    # What an anchor repeats is counted each time: a small file can stand for a huge one, or contain itself.
    if len(place) > _DEEPEST or len(lines) > _MOST_PARTS:
        raise _unusable(path, "it says too much; write it without “*”", "内容过多，请勿使用“*”引用")
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return {key: _value(path, part, (*place, key), lines, reader) for key, part in _members(path, node, reader)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, part, (*place, index), lines, reader) for index, part in enumerate(node.value)]
    return reader.construct_object(node)


def _members(path: Path, node: yaml.MappingNode, reader: _Reader) -> Iterator[tuple[str, yaml.Node]]:
    told: set[str] = set()
    for key_node, part in node.value:
        line = key_node.start_mark.line + 1
        key = reader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise _unusable(
                path,
                f"line {line}: a name has to be a text; put it in quotes",
                f"第 {line} 行：名称须为文本，请加引号",
            )
        if key in told:
            raise _unusable(path, f"line {line}: “{key}” is said twice", f"第 {line} 行：“{key}”重复")
        told.add(key)
        yield key, part


def _unusable(path: Path, en: str, zh: str) -> VocabularyFileError:
    return VocabularyFileError(
        Words(
            en=f"{path}: {en}. Mend the file and start again; docs/how-to/describe-a-technique.md tells how.",
            zh=f"{path}：{zh}。请修正文件后重新启动；可用内容见 docs/how-to/describe-a-technique.md。",
        )
    )
