"""Counts by which a search can be narrowed: exact from the census, or over the newest hits where words decide."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.finding import Plan
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow, Instrument, ParameterRow, Sample
from beamtorch_catalogue.vocabulary.registry import ModelFacet
from beamtorch_catalogue.wire import DatasetState, Facet, Facets, FacetValue
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

CAP = 5000
"""Over so many of the newest hits facets are counted where the census does not know."""
MOST_VALUES = 30
LABELS = {
    "kind": Words(en="Type", zh="类型"),
    "technique": Words(en="Technique", zh="方法"),
    "beamline": Words(en="Beamline", zh="线站"),
    "year": Words(en="Year", zh="年份"),
    "sample_name": Words(en="Sample", zh="样品"),
    "proposal": Words(en="Proposal", zh="课题"),
    "state": Words(en="State", zh="状态"),
}
_KINDS = {
    DatasetKind.RAW: Words(en="raw", zh="原始"),
    DatasetKind.PROCESSED: Words(en="processed", zh="处理"),
    DatasetKind.SIMULATED: Words(en="simulated", zh="模拟"),
    DatasetKind.CALIBRATION: Words(en="calibration", zh="标定"),
}
_STATES = {
    DatasetState.COMPLETE: Words(en="complete", zh="完整"),
    DatasetState.BROKEN: Words(en="broken", zh="损坏"),
    DatasetState.MISSING: Words(en="files missing", zh="文件缺失"),
}
_CENSUS = {
    "kind": CensusRow.kind,
    "technique": CensusRow.technique,
    "beamline": Beamtime.beamline,
    "year": CensusRow.year,
    "proposal": Beamtime.proposal,
    "state": CensusRow.state,
}


class FacetCounter:
    """Counts facets.

    Parameters
    ----------
    technique
        Gives the label of a technique.
    texts
        Parameters of the facility's models that are facets.
    """

    def __init__(self, *, technique: Callable[[str], Words], texts: Iterable[ModelFacet]) -> None:
        self._technique, self._texts = technique, {facet.parameter: facet for facet in texts}

    def count(self, session: Session, plan: Plan) -> Facets:
        """Return all facets of what a plan finds."""
        newest = plan.newest(CAP + 1).subquery("newest")
        hits = session.execute(
            select(
                DatasetRow.number,
                DatasetRow.kind,
                DatasetRow.technique,
                DatasetRow.beamline,
                DatasetRow.listed_at,
                DatasetRow.proposal,
                DatasetRow.state,
                DatasetRow.sample,
            ).join(newest, newest.c.number == DatasetRow.number)
        ).all()
        is_capped = len(hits) > CAP
        counts = {
            "kind": Counter(hit.kind for hit in hits),
            "technique": Counter(hit.technique for hit in hits),
            "beamline": Counter(hit.beamline for hit in hits),
            "year": Counter(str(hit.listed_at.year) for hit in hits),
            "proposal": Counter(hit.proposal for hit in hits),
            "state": Counter(hit.state for hit in hits),
        }
        is_exact = plan.is_census_enough
        if is_exact and is_capped:
            counts = {name: _from_census(session, plan, column) for name, column in _CENSUS.items()}
        samples = Counter(hit.sample for hit in hits if hit.sample is not None)
        facets = []
        for name, label in LABELS.items():
            if name == "sample_name":
                facets.append(self._samples(session, samples, is_capped=is_capped))
                continue
            facets.append(_facet(name, label, counts[name], self._labels(session, name), is_capped and not is_exact))
        facets += self._of_models(session, [hit.number for hit in hits[:CAP]], is_capped=is_capped)
        return Facets(facets=tuple(facets), counted=min(len(hits), CAP))

    def _labels(self, session: Session, name: str) -> Callable[[str], Words]:
        if name == "kind":
            return lambda value: _KINDS[DatasetKind(value)]
        if name == "state":
            return lambda value: _STATES[DatasetState(value)]
        if name == "technique":
            return self._technique
        if name == "beamline":
            rows = session.execute(select(Instrument.beamline, Instrument.name_en, Instrument.name_zh))
            names = {row.beamline: Words(en=row.name_en, zh=row.name_zh) for row in rows}
            return lambda value: names.get(value, _plain(value))
        return _plain

    @staticmethod
    def _samples(session: Session, counts: "Counter[int]", *, is_capped: bool) -> Facet:
        rows = session.execute(select(Sample.number, Sample.name).where(Sample.number.in_(list(counts)[:CAP])))
        named: Counter[str] = Counter()
        for number, name in rows:
            named[name] += counts[number]
        return _facet("sample_name", LABELS["sample_name"], named, _plain, is_capped)

    def _of_models(self, session: Session, numbers: list[int], *, is_capped: bool) -> Iterable[Facet]:
        if not self._texts or not numbers:
            return
        found: dict[str, Counter[str]] = {}
        rows = session.execute(
            select(ParameterRow.name, ParameterRow.text, func.count())
            .where(ParameterRow.dataset.in_(numbers), ParameterRow.name.in_(list(self._texts)))
            .where(ParameterRow.text.is_not(None))
            .group_by(ParameterRow.name, ParameterRow.text)
        )
        for name, text, count in rows:
            found.setdefault(name, Counter())[text or ""] += count
        for name, counter in found.items():
            facet = self._texts[name]
            label = partial(_label_of, facet.choices)
            yield _facet(name, facet.label, counter, label, is_capped)


def total_of_census(session: Session, plan: Plan) -> int:
    """Return how many datasets a plan finds that the census knows all about."""
    total = select(func.coalesce(func.sum(CensusRow.datasets), 0)).join(
        Beamtime, Beamtime.beamtime == CensusRow.beamtime
    )
    return int(session.scalar(total.where(*plan.counted)) or 0)


def _from_census(session: Session, plan: Plan, column: Any) -> "Counter[str]":
    grouped = select(column, func.sum(CensusRow.datasets)).join(Beamtime, Beamtime.beamtime == CensusRow.beamtime)
    rows = session.execute(grouped.where(*plan.counted).group_by(column))
    return Counter({str(value): int(count) for value, count in rows if count})


def _facet(
    name: str,
    label: Words,
    counts: "Counter[str]",
    labels: Callable[[str], Words],
    is_capped: bool,  # noqa: FBT001
) -> Facet:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    values = tuple(FacetValue(value=value, label=labels(value), count=count) for value, count in ordered[:MOST_VALUES])
    return Facet(name=name, label=label, values=values, is_capped=is_capped, is_cut=len(ordered) > MOST_VALUES)


def _label_of(choices: Mapping[str, Words], value: str) -> Words:
    return choices.get(value, _plain(value))


def _plain(value: str) -> Words:
    return Words(en=value, zh=value)
