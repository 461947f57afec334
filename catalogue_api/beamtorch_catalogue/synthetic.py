"""A facility that does not exist, of any size: what loads and searches are measured with.

Everything follows from a seed, so that two runs load the same and an answer can be checked against the records.
Proposals get datasets by Zipf's law, as real ones do: a few have thousands, most have few; and in series, since a
beamline measures for one proposal at a time.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any

from beamtorch_catalogue.wire import FacilityRecords

BEAMLINES = tuple(f"BL{number:02}" for number in range(1, 16))
TECHNIQUES = (
    *("tomography", "powder diffraction", "crystallography", "ptychography", "fluorescence", "total scattering"),
    *("absorption", "small-angle scattering", "photon correlation", "pair distribution function"),
)
MATERIALS = (
    *("ceria", "titania", "zirconia", "perovskite", "cathode", "anode", "bone", "enamel", "wood", "steel", "copper"),
    *("nickel", "silica", "zeolite", "catalyst", "lysozyme", "insulin", "ferritin", "polymer", "foam", "cement"),
    *("basalt", "olivine", "graphite", "garnet", "quartz", "apatite", "gypsum", "spinel", "ferrite", "magnetite"),
)
CHINESE = ("氧化铈", "钙钛矿", "电池正极", "人类臼齿", "钢样品", "催化剂", "溶菌酶", "水泥", "玄武岩", "石墨")
FORMULAS = ("CeO2", "TiO2", "ZrO2", "BaTiO3", "LiFePO4", "C", "Ca5(PO4)3OH", "SiO2", "Fe", "Cu", "Ni", "Fe3O4")
TREATMENTS = ("annealed", "fresh", "aged", "crushed", "hydrated", "loaded", "cycled", "quenched", "polished", "frozen")
FIRST, LAST = datetime(2019, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
_ZIPF = 0.9
_SHARE = 0.3
"""Of results among all, and of energies that are written in eV."""
FILES = 10
_SERIES = 25
"""How many datasets of one proposal come one after the other."""


@dataclass(frozen=True)
class Synthetic:
    """A facility of so many proposals; give the same numbers for the same facility."""

    proposals: int = 8000
    seed: int = 1
    root: str = "/data"

    def facility(self) -> FacilityRecords:
        """Return the records of the user office: a beamtime for each proposal."""
        return FacilityRecords.model_validate(
            {
                "name": {"en": "Synthetic Source", "zh": "合成光源"},
                "instruments": [
                    {"beamline": name, "name": {"en": f"Beamline {name}", "zh": f"{name} 线站"}, "technique": technique}
                    for name, technique in zip(BEAMLINES, TECHNIQUES * 2, strict=False)
                ],
                "proposals": [
                    {
                        "proposal": self.proposal(index),
                        "title": {"en": self._title(index), "zh": f"{CHINESE[index % len(CHINESE)]}的研究"},
                        "principal_investigator": f"user{index % 3000}",
                    }
                    for index in range(self.proposals)
                ],
                "beamtimes": [
                    {
                        "beamtime": self.beamtime(index),
                        "proposal": self.proposal(index),
                        "beamline": self.beamline(index),
                        "start": self.start(index),
                        "end": self.start(index) + timedelta(days=4),
                    }
                    for index in range(self.proposals)
                ],
                "samples": [
                    {
                        "sample": self.sample(index, number),
                        "proposal": self.proposal(index),
                        "description": {"en": f"{self._material(index, number)} sample", "zh": "样品"},
                        "formula": FORMULAS[(index + number) % len(FORMULAS)],
                    }
                    for index in range(self.proposals)
                    for number in range(2)
                ],
            }
        )

    @staticmethod
    def proposal(index: int) -> str:
        """Return the name of a proposal."""
        return f"P{index:05}"

    @staticmethod
    def beamtime(index: int) -> str:
        """Return the name of its beamtime."""
        return f"BT-{index:05}"

    @staticmethod
    def beamline(index: int) -> str:
        """Return where it was measured."""
        return BEAMLINES[index * 7 % len(BEAMLINES)]

    def start(self, index: int) -> date:
        """Return the first day of its beamtime."""
        return (FIRST + (LAST - FIRST) * ((index * 2654435761 + self.seed) % 2**32 / 2**32)).date()

    def sample(self, index: int, number: int) -> str:
        """Return the name of one of its two samples."""
        return f"{self._material(index, number)}-{index:05}-{'AB'[number]}"

    @staticmethod
    def _material(index: int, number: int) -> str:
        return MATERIALS[(index * 13 + number * 5) % len(MATERIALS)]

    @staticmethod
    def _title(index: int) -> str:
        material, treatment = MATERIALS[index * 13 % len(MATERIALS)], TREATMENTS[index % len(TREATMENTS)]
        return f"Structure of {treatment} {material} in operando"

    @cached_property
    def _weights(self) -> list[float]:
        return list(accumulate(1 / (rank + 1) ** _ZIPF for rank in range(self.proposals)))

    def datasets(self, count: int, first: int = 0) -> Iterator[dict[str, Any]]:
        """Yield datasets by number, each as the JSON object of a `DatasetRecord`; every one follows from its number."""
        ranked = list(range(self.proposals))
        random.Random(self.seed).shuffle(ranked)  # noqa: S311 - nothing secret
        for number in range(first, first + count):
            series = random.Random(f"{self.seed} {number // _SERIES}")  # noqa: S311 - nothing secret
            chance = random.Random(self.seed * 1_000_003 + number)  # noqa: S311
            yield self._dataset(number, ranked[self._rank(series)], chance)

    def _rank(self, chance: random.Random) -> int:
        return chance.choices(range(self.proposals), cum_weights=self._weights)[0]

    def _dataset(self, number: int, index: int, chance: random.Random) -> dict[str, Any]:
        kind = "processed" if chance.random() < _SHARE else "raw"
        start, beamtime, beamline = self.start(index), self.beamtime(index), self.beamline(index)
        technique = TECHNIQUES[index % len(TECHNIQUES)]
        name = f"{technique.split()[0]}_{number:07}"
        folder = f"{self.root}/{beamline}/{start:%Y%m}/Data/{beamtime}/{kind}/{name}"
        measured = datetime(start.year, start.month, start.day, tzinfo=UTC)
        measured += timedelta(seconds=chance.randrange(4 * 86400))
        in_ev = chance.random() < _SHARE
        energy = round(chance.uniform(5, 40), 4)
        return {
            "source_id": folder,
            "name": name,
            "kind": kind,
            "beamtime": beamtime,
            "technique": technique,
            "sample": self.sample(index, chance.randrange(2)),
            "measured_at": measured.isoformat(),
            "files": [
                {"path": f"{folder}/scan_{number:07}_{part:02}.h5", "size": 10_000_000 + part, "format": "HDF5"}
                for part in range(FILES)
            ],
            "parameters": {
                "energy": {"value": energy * 1000, "unit": "eV"} if in_ev else {"value": energy, "unit": "keV"},
                "temperature": {"value": round(chance.uniform(80, 1500), 1), "unit": "K"},
                "exposure_time": {"value": round(chance.uniform(0.01, 10), 3), "unit": "s"},
                "pixel_size": {"value": round(chance.uniform(0.1, 10), 3), "unit": "um"},
                "distance": {"value": round(chance.uniform(0.05, 5), 3), "unit": "m"},
                "projections": {"value": float(chance.randrange(100, 4000))},
                "ring_current": {"value": round(chance.uniform(100, 400), 2), "unit": "mA"},
                "pressure": {"value": round(chance.expovariate(0.1), 4), "unit": "GPa"},
                "comment": f"{chance.choice(TREATMENTS)} {chance.choice(MATERIALS)} {chance.choice(CHINESE)}",
                "detector": f"detector-{chance.randrange(40)}",
            },
            "software": "synthetic 1.0",
        }

    def batches(self, count: int, size: int, first: int = 0) -> Iterator[bytes]:
        """Yield the bodies of bulk requests."""
        for start in range(first, first + count, size):
            some = self.datasets(min(size, first + count - start), start)
            yield json.dumps(list(some), ensure_ascii=False).encode()
