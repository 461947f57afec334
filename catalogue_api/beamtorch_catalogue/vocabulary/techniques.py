"""Techniques by short names, with the terms of PaNET; other names lead to the short one, broader ones include narrower.

https://doi.org/10.5281/zenodo.4806026
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from beamtorch_catalogue.vocabulary.placed import Placed, VocabularyFileError, read_placed
from beamtorch_facility.words import Words

PANET = "http://purl.org/pan-science/PaNET/"
"""Where the terms of PaNET are resolved."""
_HERE = Path(__file__).with_name("techniques.yaml")
_JOINTS = re.compile(r"[\s\-_–—]+")


def _said(words: Words) -> Words:
    if not words.en.strip() or not words.zh.strip():
        raise ValueError("both languages have to say something")
    return words


Label = Annotated[Words, AfterValidator(_said)]
"""A text of which no language is empty."""
Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ,()/+-]{0,198}[A-Za-z0-9)]$")]


class Technique(BaseModel):
    """One technique."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Slug = Field(description="short name, which datasets carry")
    label: Label
    panet: Annotated[str, StringConstraints(pattern=r"^PaNET\d{5}$")] | None = None
    term: str | None = Field(default=None, description="label of the term in PaNET")
    also: Annotated[tuple[str, ...], Field(strict=False)] = Field(default=(), description="other names of it")
    broader: Annotated[tuple[str, ...], Field(strict=False)] = ()
    icon: str | None = None

    @property
    def iri(self) -> str | None:
        """Address of the term in PaNET."""
        return f"{PANET}{self.panet}" if self.panet else None

    def names(self) -> set[str]:
        """Return everything by which it may be called, folded."""
        written = [self.name, self.label.en, self.label.zh, self.panet, self.iri, self.term, *self.also]
        return {fold(one) for one in written if one}


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: Annotated[tuple[Technique, ...], Field(min_length=1)]


class Techniques:
    """All techniques that are known here."""

    def __init__(self, known: Iterable[Technique]) -> None:
        self._known = {one.name: one for one in known}

    def all(self) -> tuple[Technique, ...]:
        """Return all of them, in the order of their files."""
        return tuple(self._known.values())

    def get(self, name: str) -> Technique | None:
        """Return the technique of a short name."""
        return self._known.get(name)

    def technique_of(self, text: str) -> str | None:
        """Return the short name that somebody means: by a label, an abbreviation, a PaNET id or IRI."""
        return self._by_name.get(fold(text))

    def narrower(self, name: str) -> frozenset[str]:
        """Return a technique and all that it includes, by short names; of one that is not listed, itself."""
        found, left = {name}, [name]
        while left:
            further = self._directly_narrower.get(left.pop(), set()) - found
            found |= further
            left += further
        return frozenset(found)

    def meant(self, text: str) -> tuple[str, ...]:
        """Return the short names that datasets may carry if somebody looks for a text; the text itself if nobody's."""
        return tuple(sorted(self.narrower(self.technique_of(text) or text)))

    def label(self, name: str) -> Words:
        """Return what a technique is called; one that is not listed keeps its own name."""
        technique = self._known.get(name)
        return technique.label if technique else Words(en=name.capitalize(), zh=name)

    def words(self, name: str) -> tuple[str, ...]:
        """Return what full text may find a technique by, beside its short name."""
        technique = self._known.get(name)
        if technique is None:
            return ()
        return (technique.label.en, technique.label.zh, *technique.also, *filter(None, [technique.panet]))

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {name: one.name for one in self._known.values() for name in one.names()}

    @cached_property
    def _directly_narrower(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self._known.values():
            for broader in one.broader:
                found.setdefault(broader, set()).add(one.name)
        return found

    def with_file(self, path: Path) -> "Techniques":
        """Return these and those of a facility's file, which describes new ones and may describe known ones anew.

        Raises
        ------
        VocabularyFileError
            If two go by one name, or a broader one is nobody's.
        """
        placed = read_placed(path)
        own = placed.as_a(_File).techniques
        added = Techniques({**self._known, **{one.name: one for one in own}}.values())
        added.check(placed, own)
        return added

    def check(self, placed: Placed, told: Iterable[Technique]) -> None:
        """Refuse names that lead to two techniques, and broader ones that nobody knows."""
        owners: dict[str, str] = {}
        own = {one.name for one in told}
        # Those of the file come last, so that the complaint points at it.
        for one in sorted(self._known.values(), key=lambda one: one.name in own):
            for name in one.names():
                if owners.setdefault(name, one.name) != one.name:
                    raise self._twice(placed, told, one, owners[name], name)
        for index, one in enumerate(told):
            for broader in one.broader:
                place = ("techniques", index, "broader")
                if broader not in self._known:
                    raise placed.refusal(
                        place,
                        f"“{broader}” is no technique; name one that is listed",
                        f"没有技术“{broader}”，请填写已列出的名称",
                    )
                if broader in self.narrower(one.name):
                    raise placed.refusal(
                        place,
                        f"“{broader}” is itself a part of “{one.name}”; leave one of the two out",
                        f"“{broader}”本身属于“{one.name}”，请去掉其中一处",
                    )

    @staticmethod
    def _twice(placed: Placed, told: Iterable[Technique], one: Technique, other: str, name: str) -> VocabularyFileError:
        index = next((i for i, own in enumerate(told) if own.name == one.name), 0)
        return placed.refusal(
            ("techniques", index),
            f"“{name}” is a name of both “{one.name}” and “{other}”; leave it to one of them",
            f"“{name}”同时是“{one.name}”和“{other}”的名称，请只保留一处",
        )


def fold(text: str) -> str:
    """Write a name so that case, width, hyphens and spaces make no difference."""
    return _JOINTS.sub("", unicodedata.normalize("NFKC", text).casefold())


SHIPPED = Techniques(()).with_file(_HERE)
"""The techniques that every facility has."""
