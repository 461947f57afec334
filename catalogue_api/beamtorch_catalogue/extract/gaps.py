"""Why a dataset lacks its start time, its sample or its energy, kept with its main file where it can be read later.

It stands in the metadata of the file, not among the parameters: a search for “sample” shall not find what has none.
"""

from collections.abc import Mapping
from typing import get_args

from beamtorch_catalogue.extract.found import Found, Unsaid
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility.words import Words

PREFIX = "why_no_"
_BETWEEN = " / "
_ANYTHING = Words(
    en="The reader of this format does not look for it. Write it into dataset.yaml.",
    zh="此格式的读取器不读取该项。请写入 dataset.yaml。",
)
_BROKEN = Words(en="The file cannot be read.", zh="文件无法读取。")


def gaps(found: Found, told: Mapping[Unsaid, bool]) -> dict[str, str]:
    """Return the reasons for what nobody told, neither the file nor a person, as metadata of the main file."""
    otherwise = _BROKEN if found.problem is not None and not found.parameters else _ANYTHING
    missing = [name for name in get_args(Unsaid) if not told[name]]
    return {f"{PREFIX}{name}": _both(found.unsaid.get(name, otherwise)) for name in missing}


def gaps_of(record: DatasetRecord) -> dict[str, Words]:
    """Return the reasons again from a record, by what is missing."""
    found: dict[str, Words] = {}
    for name, value in record.files[0].metadata.items():
        if name.startswith(PREFIX) and isinstance(value, str):
            en, _, zh = value.partition(_BETWEEN)
            found[name.removeprefix(PREFIX)] = Words(en=en, zh=zh)
    return found


def _both(words: Words) -> str:
    return f"{words.en}{_BETWEEN}{words.zh}"
