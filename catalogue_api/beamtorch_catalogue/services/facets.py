"""Counts by which a search can be narrowed: exact from the census, or over the newest hits where words decide."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.finding import Plan
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow, Instrument, ParameterRow, Sample
from beamtorch_catalogue.stores.names import one_of_numbers
from beamtorch_catalogue.stores.places import day, year
from beamtorch_catalogue.vocabulary.registry import ModelFacet
from beamtorch_catalogue.wire import Count, DatasetState, Facet, Facets, FacetValue
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
_DATASET = {
    "kind": DatasetRow.kind,
    "technique": DatasetRow.technique,
    "beamline": DatasetRow.beamline,
    "proposal": DatasetRow.proposal,
    "state": DatasetRow.state,
}
_CENSUS = {
    "kind": CensusRow.kind,
    "technique": CensusRow.technique,
    "beamline": Beamtime.beamline,
    "year": CensusRow.year,
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
        newest = [row.number for row in plan.first(session, CAP + 1)]
        found, samples = _counts(session, newest)
        hits = found["kind"].total()
        is_capped, is_exact = hits > CAP, plan.is_census_enough
        if is_exact and is_capped:
            found = _from_census(session, plan)
        facets = []
        for name, label in LABELS.items():
            if name == "sample_name":
                facets.append(_facet(name, label, samples, _plain, is_capped))
                continue
            facets.append(_facet(name, label, found[name], self._labels(session, name), is_capped and not is_exact))
        facets += self._of_models(session, newest, is_capped=is_capped)
        return Facets(facets=tuple(facets), counted=min(hits, CAP))

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

    def _of_models(self, session: Session, newest: list[int], *, is_capped: bool) -> Iterable[Facet]:
        if not self._texts:
            return
        found: dict[str, Counter[str]] = {}
        rows = session.execute(
            select(ParameterRow.name, ParameterRow.text, func.count())
            .where(one_of_numbers(ParameterRow.dataset, newest), ParameterRow.name.in_(list(self._texts)))
            .where(ParameterRow.text.is_not(None))
            .group_by(ParameterRow.name, ParameterRow.text)
        )
        for name, text, count in rows:
            found.setdefault(name, Counter())[text or ""] += count
        for name, counter in found.items():
            facet = self._texts[name]
            label = partial(_label_of, facet.choices)
            yield _facet(name, facet.label, counter, label, is_capped)


def total_of_census(session: Session, plan: Plan) -> Count:
    """Return how many datasets a plan finds that the census knows all about."""
    total = select(func.coalesce(func.sum(CensusRow.datasets), 0)).join(
        Beamtime, Beamtime.beamtime == CensusRow.beamtime
    )
    return Count(total=int(session.scalar(total.where(*plan.counted)) or 0), total_is_capped=False)


def _counts(session: Session, newest: list[int]) -> tuple[dict[str, "Counter[str]"], "Counter[str]"]:
    """Count hits by each facet, and by the names of samples; what is alike comes as one row from the database."""
    alike = (*_DATASET.values(), day(DatasetRow.place), Sample.name)
    grouped = (
        select(*alike, func.count())
        .join_from(DatasetRow, Sample, Sample.number == DatasetRow.sample, isouter=True)
        .where(one_of_numbers(DatasetRow.number, newest))
        .group_by(*alike)
    )
    found: dict[str, Counter[str]] = {name: Counter() for name in (*_DATASET, "year")}
    samples: Counter[str] = Counter()
    for *values, listed_on, sample, count in session.execute(grouped):
        for name, value in zip(_DATASET, values, strict=True):
            found[name][value] += count
        found["year"][str(year(listed_on))] += count
        if sample is not None:
            samples[sample] += count
    return found, samples


def _from_census(session: Session, plan: Plan) -> dict[str, "Counter[str]"]:
    """Count everything; of the proposals, which are many, those that are shown and one more."""
    datasets = func.sum(CensusRow.datasets)

    def grouped(*columns: Any) -> Any:
        chosen = select(*columns, datasets).join(Beamtime, Beamtime.beamtime == CensusRow.beamtime)
        return chosen.where(*plan.counted).group_by(*columns).having(datasets > 0)

    found: dict[str, Counter[str]] = {name: Counter() for name in _CENSUS}
    for *values, count in session.execute(grouped(*_CENSUS.values())):
        for name, value in zip(_CENSUS, values, strict=True):
            found[name][str(value)] += int(count)
    largest = grouped(Beamtime.proposal).order_by(datasets.desc(), Beamtime.proposal).limit(MOST_VALUES + 1)
    return {**found, "proposal": Counter({name: int(count) for name, count in session.execute(largest)})}


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
