"""Describes another facility from a seed: the same parts under other names, so that nothing can rest on a name.

``python -m beamtorch_hub.demo.vary SEED > facility.yaml`` writes one for ``beamtorch up --demo facility.yaml``.
"""

import argparse
import random
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from beamtorch_hub.demo.cast import search_word
from beamtorch_hub.demo.recipe import Copied, MissingLink, SimulatedCt, Truncated, Unpacked
from beamtorch_hub.demo.spec import DemoDataset, DemoSpec, dump_spec, load_spec
from beamtorch_hub.demo.vocabulary import BEAMLINES, CODE_WORDS, FACILITIES, PEOPLE, SAMPLES, TITLES

_LONGEST_SHIFT_DAYS = 300


def other_spec(seed: int) -> DemoSpec:
    """Return a facility in which every name differs from the default one; the same seed gives the same facility."""
    return _Renaming(load_spec(), random.Random(seed)).spec()  # noqa: S311 - names, not secrets


class _Renaming:
    """One consistent way to rename a facility."""

    def __init__(self, spec: DemoSpec, rng: random.Random) -> None:
        self._old = spec
        self._rng = rng
        self._people = dict(zip((p.username for p in spec.people), rng.sample(PEOPLE, len(spec.people)), strict=True))
        self._instruments = {one.beamline: rng.choice(BEAMLINES[one.technique]) for one in spec.instruments}
        self._beamlines = _new_names("S{}-{}", rng, [one.beamline for one in spec.instruments])
        self._proposals = _new_names("P{}.{}", rng, [one.proposal for one in spec.proposals])
        self._beamtimes = _new_names("run{}-{}", rng, [one.beamtime for one in spec.beamtimes])
        self._samples = _new_names("sp{}_{}", rng, [one.sample for one in spec.samples])
        self._words = _code_words(rng, [search_word(one.name) for one in spec.datasets])
        numbers = rng.sample(range(100, 10_000), len(spec.datasets))
        self._datasets = {
            one.name: f"{self._words[search_word(one.name)]}_{number}"
            for one, number in zip(spec.datasets, numbers, strict=True)
        }
        self._shifts = {stay.beamtime: self._shift(stay.beamtime) for stay in spec.beamtimes}

    def spec(self) -> DemoSpec:
        """Return the renamed facility, checked like any other."""
        old, titles = self._old, self._rng.sample(TITLES, len(self._old.proposals))
        samples = self._rng.sample(SAMPLES, len(old.samples))
        document = {
            "name": self._rng.choice(FACILITIES),
            "seed": self._rng.randrange(10**8),
            "people": self._shuffled(
                one.model_copy(
                    update={
                        "username": self._people[one.username][0],
                        "full_name": self._people[one.username][1],
                        "staff_of": tuple(self._beamlines[place] for place in one.staff_of),
                    }
                )
                for one in old.people
            ),
            "instruments": self._shuffled(
                one.model_copy(
                    update={"beamline": self._beamlines[one.beamline], "name": self._instruments[one.beamline]}
                )
                for one in old.instruments
            ),
            "proposals": self._shuffled(
                one.model_copy(
                    update={
                        "proposal": self._proposals[one.proposal],
                        "title": title,
                        "principal_investigator": self._people[one.principal_investigator][0],
                        "team": tuple(self._people[member][0] for member in one.team),
                    }
                )
                for one, title in zip(old.proposals, titles, strict=True)
            ),
            "beamtimes": self._shuffled(
                one.model_copy(
                    update={
                        "beamtime": self._beamtimes[one.beamtime],
                        "proposal": self._proposals[one.proposal],
                        "beamline": self._beamlines[one.beamline],
                        "start": one.start + self._shifts[one.beamtime],
                        "end": one.end + self._shifts[one.beamtime],
                    }
                )
                for one in old.beamtimes
            ),
            "samples": self._shuffled(
                one.model_copy(
                    update={
                        "sample": self._samples[one.sample],
                        "proposal": self._proposals[one.proposal],
                        "description": description,
                    }
                )
                for one, description in zip(old.samples, samples, strict=True)
            ),
            "datasets": self._shuffled(self._dataset(one) for one in old.datasets),
        }
        plain = {key: _plain(value) for key, value in document.items()}
        return DemoSpec.model_validate(plain)

    def _dataset(self, old: DemoDataset) -> DemoDataset:
        shift = self._shifts[old.beamtime]
        return old.model_copy(
            update={
                "name": self._datasets[old.name],
                "beamtime": self._beamtimes[old.beamtime],
                "sample": self._samples[old.sample] if old.sample else None,
                "measured_at": old.measured_at + shift if old.measured_at else None,
                "parameters": {},
                "recipe": old.recipe.model_copy(update=self._recipe(old)),
            }
        )

    def _recipe(self, dataset: DemoDataset) -> dict[str, Any]:
        """Return what changes in a recipe: file names follow the dataset's, numbers come from the seed."""
        name = self._datasets[dataset.name]
        match dataset.recipe:
            case Copied(files=files):
                return {"files": tuple(f.model_copy(update={"name": _renamed(f.name, name)}) for f in files)}
            case Unpacked():
                return {"stem": dataset.name, "name": name}
            case SimulatedCt(file=file):
                columns = self._rng.randrange(208, 320, 16)
                axis = columns / 2 + self._rng.randrange(-24, 25) / 4
                numbers = {"columns": columns, "axis": axis, "rows": self._rng.randrange(10, 22)}
                return {"file": _renamed(file, name), "energy": self._energy(), **numbers}
            case Truncated(file=file, of=of):
                keep = self._rng.randrange(30, 90) / 100
                return {"file": _renamed(file, name), "of": self._datasets[of], "keep": keep}
            case MissingLink(file=file, absent=absent):
                return {
                    "file": _renamed(file, name),
                    "absent": _renamed(absent, f"{name}_det"),
                    "energy": self._energy(),
                }

    def _energy(self) -> float:
        return self._rng.randrange(200, 700) / 20

    def _shift(self, beamtime: str) -> timedelta:
        """Return by how much a beamtime moves; not at all if its files hold the time of measurement themselves."""
        inside = [one for one in self._old.datasets if one.beamtime == beamtime]
        is_free = all(one.measured_at for one in inside)
        return timedelta(days=-self._rng.randrange(1, _LONGEST_SHIFT_DAYS) if is_free else 0)

    def _shuffled(self, parts: Iterable[Any]) -> tuple[Any, ...]:
        several = list(parts)
        return tuple(self._rng.sample(several, len(several)))


def _plain(value: object) -> object:
    """Return a part as plain data, so that the whole is validated afresh."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.model_dump(mode="json", exclude_defaults=True) if hasattr(value, "model_dump") else value


def _new_names(shape: str, rng: random.Random, old: Iterable[str]) -> dict[str, str]:
    """Return a name of the shape for each old one, all different."""
    numbers = iter(rng.sample(range(10, 100), 60))
    return {name: shape.format(next(numbers), rng.randrange(100, 1000)) for name in old}


def _code_words(rng: random.Random, old: Iterable[str]) -> dict[str, str]:
    words = iter(rng.sample(CODE_WORDS, len(CODE_WORDS)))
    return {name: next(words) for name in dict.fromkeys(old)}


def _renamed(file: str, name: str) -> str:
    return f"{name}.{file.rpartition('.')[2]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the description of another facility."""
    parser = argparse.ArgumentParser(prog="python -m beamtorch_hub.demo.vary", description=__doc__)
    parser.add_argument("seed", type=int, help="any whole number; the same number gives the same facility")
    sys.stdout.write(dump_spec(other_spec(parser.parse_args(arguments).seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
