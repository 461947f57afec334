"""The user office as a REST API that gives JSON."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from beamtorch_catalogue.office.asking import Asker
from beamtorch_catalogue.office.columns import Line, assemble
from beamtorch_catalogue.office.protocol import OfficeError
from beamtorch_catalogue.office.rest_mapping import Cell, Source
from beamtorch_catalogue.office.rest_mapping import Mapping as RestMapping
from beamtorch_catalogue.office.yaml_file import read_yaml
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words


class RestOffice:
    """Asks for each kind in turn, page by page, and fills the columns as a mapping says.

    Parameters
    ----------
    place
        The mapping (YAML).
    environment
        Where the token is; none: this process's own.
    sleep
        Waits some seconds before the office is asked again.
    """

    def __init__(
        self,
        place: Path,
        *,
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place, self._sleep = place, sleep
        self._environment = os.environ if environment is None else environment

    def records(self) -> FacilityRecords:
        """Return what the office answers."""
        mapping = read_yaml(self._place, RestMapping)
        with Asker(mapping, self._token(mapping), sleep=self._sleep) as asker:
            lines = {kind: list(_lines(kind, source, asker)) for kind, source in mapping.sources.items()}
        return assemble(lines, name=mapping.name)

    def _token(self, mapping: RestMapping) -> str | None:
        if mapping.token_variable is None:
            return None
        token = self._environment.get(mapping.token_variable, "").strip()
        if not token:
            raise OfficeError(
                Words(
                    en=f"{mapping.token_variable} is not set, which {self._place} names for the user office's token. "
                    "Set it, then import again.",
                    zh=f"{self._place} 指定用 {mapping.token_variable} 存放用户办公室的令牌，但未设置。"
                    "请设置后重新导入。",
                )
            )
        return token


def _lines(kind: str, source: Source, asker: Asker) -> Iterator[Line]:
    number = 0
    for document in asker.pages(kind, source):
        for item in document:
            number += 1
            place = f"{kind}, item {number}"
            inner = [item] if source.each is None else value_at(item, source.each) or []
            if not isinstance(inner, list):
                raise _no_list(f"{place}, {source.each}")
            for one in inner:
                yield Line(place, {column: _cell(where, one, item) for column, where in source.fields.items()})


def _cell(where: str | Cell, item: Any, around: Any) -> str:
    if isinstance(where, Cell):
        if where.path is None:
            return where.constant or ""
        found = _cell(where.path, item, around)
        return where.values.get(found, found)
    value = value_at(around, where[1:]) if where.startswith("^") else value_at(item, where)
    if value is None:
        return ""
    # JSON's own spelling of what is no text: numbers as they stand, true and false in small letters.
    return value.strip() if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def value_at(document: Any, path: str) -> Any:
    """Return what lies at a path of names (or of numbers, in lists); None if there is nothing."""
    for name in path.split("."):
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def _no_list(place: str) -> OfficeError:
    return OfficeError(
        Words(
            en=f"{place}: there should be a list. Nothing was sent. Correct “each” in the mapping.",
            zh=f"{place}：此处应为列表。未发送任何内容。请更正映射中的 each。",
        )
    )
