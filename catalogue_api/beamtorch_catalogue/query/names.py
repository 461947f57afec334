"""The names of parameters and fields, in two languages, and what the facility's own models add to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from beamtorch_catalogue.query.errors import FULL_WIDTH
from beamtorch_catalogue.units import unit
from beamtorch_catalogue.wire.base import DatasetState
from beamtorch_facility.dataset import DatasetKind

LONGEST = 1000
ALIKE = 0.6
"""From which likeness on (`difflib`) a name is suggested for another."""
MOST_WORDS = 4
"""A name of a parameter in a query has at most so many words."""

KNOWN: Mapping[str, str] = {
    "energy": "keV",
    "pixel_size": "um",
    "exposure_time": "s",
    "temperature": "K",
    "wavelength": "angstrom",
    "distance": "mm",
    "angle_start": "deg",
    "angle_stop": "deg",
    "projections": "",
    "flats": "",
    "darks": "",
}
"""The parameters that every facility has, with the unit that people usually write."""
IMPLIED = ("energy", "temperature", "exposure_time")
"""What a unit alone may stand for; a length could be three things."""
DATE, COMPOSITION = "date", "composition"

_ALIASES: Mapping[str, str] = {
    "能量": "energy",
    "光子能量": "energy",
    "像素尺寸": "pixel_size",
    "像素": "pixel_size",
    "曝光时间": "exposure_time",
    "曝光": "exposure_time",
    "温度": "temperature",
    "波长": "wavelength",
    "距离": "distance",
    "起始角": "angle_start",
    "终止角": "angle_stop",
    "投影数": "projections",
    "pixel": "pixel_size",
    "exposure": "exposure_time",
}


@dataclass(frozen=True)
class TextField:
    """A field whose values are texts.

    Parameters
    ----------
    choices
        The values that it can have; none: any text.
    labels
        What else the choices are called, in either language.
    """

    choices: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def choice(self, given: str) -> str | None:
        """Return the choice that somebody means; any text means itself where there are no choices."""
        return self._folded().get(given.casefold()) if self.choices else given

    def close_choice(self, given: str) -> str | None:
        """Return the choice that somebody may have meant."""
        names = self._folded()
        close = get_close_matches(given.casefold(), names, n=1, cutoff=ALIKE)
        return names[close[0]] if close else None

    def _folded(self) -> dict[str, str]:
        labels = {label.casefold(): choice for label, choice in self.labels.items()}
        return labels | {choice.casefold(): choice for choice in self.choices}


_KINDS = {"原始": "raw", "处理": "processed", "模拟": "simulated", "标定": "calibration", "校准": "calibration"}
_STATES = {"完整": "complete", "损坏": "broken", "缺失": "missing", "文件缺失": "missing", "files missing": "missing"}
FIELDS: Mapping[str, TextField] = {
    "sample": TextField(),
    "person": TextField(),
    "file": TextField(),
    "technique": TextField(),
    "kind": TextField(tuple(kind.value for kind in DatasetKind), _KINDS),
    "state": TextField(tuple(state.value for state in DatasetState), _STATES),
    "proposal": TextField(),
    "beamtime": TextField(),
    "beamline": TextField(),
    DATE: TextField(),
    COMPOSITION: TextField(),
    "software": TextField(),
    "pid": TextField(),
    "id": TextField(),
}
"""The fields that every catalogue has."""
_FIELD_ALIASES: Mapping[str, str] = {
    "样品": "sample",
    "样本": "sample",
    "人员": "person",
    "文件": "file",
    "方法": "technique",
    "类型": "kind",
    "状态": "state",
    "课题": "proposal",
    "机时": "beamtime",
    "线站": "beamline",
    "日期": DATE,
    "成分": COMPOSITION,
    "软件": "software",
    "标识": "id",
}
_CAN_BE_WRITTEN = re.compile(r"[^\s:\"<>=≤≥…,-][^\s:\"<>=≤≥…,]*")


class Vocabulary:
    """Every name that a query can have."""

    def __init__(
        self,
        *,
        parameters: Mapping[str, frozenset[str]] | None = None,
        aliases: Mapping[str, str] | None = None,
        fields: Mapping[str, TextField] | None = None,
    ) -> None:
        every = {name: _dimensions(name) for name in KNOWN} | dict(parameters or {})
        self.parameters = {n: d for n, d in every.items() if n != DATE and _CAN_BE_WRITTEN.fullmatch(n)}
        self.fields = {**(fields or {}), **FIELDS}
        given = {normal_name(label): name for label, name in (aliases or {}).items()}
        self._of_parameters = {**given, **_ALIASES}
        self._of_fields = {**given, **_FIELD_ALIASES}

    def parameter(self, word: str) -> str | None:
        """Return the parameter of this name or alias."""
        name = normal_name(word)
        return next((n for n in (self._of_parameters.get(name), name) if n in self.parameters), None)

    def field(self, word: str) -> str | None:
        """Return the field of this name or alias."""
        name = normal_name(word)
        return next((n for n in (self._of_fields.get(name), name) if n in self.fields), None)

    def close_parameter(self, word: str) -> str | None:
        """Return the parameter that somebody may have meant."""
        return _closest(word, self.parameters, ALIKE)

    def close_name(self, word: str, cutoff: float = ALIKE) -> str | None:
        """Return the field, or else the parameter, that somebody may have meant."""
        return _closest(word, self.fields, cutoff) or _closest(word, self.parameters, cutoff)


def _closest(word: str, names: Mapping[str, object], cutoff: float) -> str | None:
    close = get_close_matches(normal_name(word), names, n=1, cutoff=cutoff)
    return close[0] if close else None


@lru_cache(maxsize=2000)
@lru_cache(maxsize=10_000)
def normal_name(name: str) -> str:
    """Return a parameter's name as it is stored and searched: lower case, words joined by underscores."""
    return re.sub(r"[\s\-.]+", "_", name.strip().lower())


def _dimensions(name: str) -> frozenset[str]:
    meaning = unit(KNOWN[name])
    return frozenset() if meaning is None else frozenset({meaning.dimension})


_SIGNS = re.compile(r"\.\.|[…<>=≤≥]|:\s*[+-]?\.?\d")
_SPLIT = re.compile(r"[:<>=≤≥]")


def possible_names(text: str) -> frozenset[str]:
    """Return what could be the name of a parameter in a query; nothing if it has no range and no comparison."""
    plain = text[:LONGEST].translate(FULL_WIDTH)
    if not _SIGNS.search(plain):
        return frozenset()
    words = [normal_name(_SPLIT.split(word, maxsplit=1)[0].removeprefix("-")) for word in plain.split()]
    found = set(words)
    joined = words
    for _ in range(1, MOST_WORDS):
        joined = [f"{first}_{word}" for first, word in zip(joined, words[len(words) - len(joined) + 1 :], strict=False)]
        found.update(joined)
    return frozenset(name for name in found if name)
