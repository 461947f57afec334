"""Datasets as a terminal shows them: aligned, with Chinese counted as the two columns that it takes."""

import unicodedata
from collections.abc import Iterable, Sequence

from beamtorch_catalogue.wire import Count, Dataset, DatasetPage, DatasetState, DatasetSummary
from beamtorch_facility.quantity import Quantity

_WIDEST = 40
_STEP = 1000.0
_MOST_TOLD = 20


def page(found: DatasetPage, total: Count) -> str:
    """Return a page of results as a table below which stands how many there are, or what to do if there is none."""
    if not found.datasets:
        return found.advice.en if found.advice else "There is nothing here that you can read."
    head = ("ID", "NAME", "SAMPLE", "TECHNIQUE", "ENERGY", "SIZE", "MEASURED", "STATE")
    lines = table([head, *map(_row, found.datasets)])
    shown = f"{len(found.datasets)} of {counted(total)}"
    more = f"; the next page: --after {found.next}" if found.next else ""
    return "\n".join([*lines, "", f"{shown}{more}"])


def counted(total: Count) -> str:
    """Return how many there are."""
    return f"{'more than ' if total.total_is_capped else ''}{total.total}"


def _row(dataset: DatasetSummary) -> tuple[str, ...]:
    return (
        dataset.id,
        dataset.name,
        dataset.sample or "–",
        dataset.technique or "–",
        str(dataset.energy) if dataset.energy else "–",
        size(dataset.size),
        f"{dataset.measured_at.astimezone():%Y-%m-%d %H:%M}" if dataset.measured_at else "–",
        dataset.state.value,
    )


def dataset(found: Dataset) -> str:
    """Return one dataset with everything about it."""
    pairs = [
        ("id", found.id),
        ("kind", found.kind.value),
        ("technique", found.technique or "–"),
        ("sample", found.sample or "–"),
        ("beamline", f"{found.beamline} ({found.beamline_name.en})"),
        ("proposal", f"{found.proposal} ({found.proposal_title.en})"),
        ("beamtime", found.beamtime),
        ("measured", f"{found.measured_at.astimezone():%Y-%m-%d %H:%M:%S %z}" if found.measured_at else "–"),
        ("state", found.state.value),
        ("problem", found.problem.en if found.problem else ""),
        ("folder", found.folder),
        ("size", f"{size(found.size)} in {found.file_count} {'file' if found.file_count == 1 else 'files'}"),
        ("software", found.software or ""),
        ("made from", ", ".join(found.parents)),
        ("used for", ", ".join(found.children)),
        ("attached", found.attached_at or ""),
        ("readable by", "; ".join(reader.en for reader in found.readers)),
    ]
    parameters = [(f"  {name}", _written(value)) for name, value in found.parameters.items()]
    files = [(f"  {file.name}", size(file.size), file.format, _state(file.state)) for file in found.files]
    return "\n".join(
        [
            found.name,
            *table([pair for pair in pairs if pair[1]], widest=None),
            *(["parameters", *table(parameters, widest=None)] if parameters else []),
            "files",
            *table(files[:_MOST_TOLD], widest=None),
            *([f"  … and {len(files) - _MOST_TOLD} more"] if len(files) > _MOST_TOLD else []),
        ]
    )


def table(rows: Sequence[Sequence[str]], *, widest: int | None = _WIDEST) -> list[str]:
    """Return rows as aligned lines; a cell that is too wide ends in an ellipsis."""
    cut = [[_cut(cell, widest) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cut, strict=True)]
    return ["  ".join(_padded(row, widths)).rstrip() for row in cut]


def _padded(row: Iterable[str], widths: Iterable[int]) -> Iterable[str]:
    return (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))


def _cut(cell: str, widest: int | None) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in cell)
    if widest is None or _width(clean) <= widest:
        return clean
    while _width(clean) >= widest:
        clean = clean[:-1]
    return clean + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _STEP:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{value:.1f} PB"


def _state(state: DatasetState) -> str:
    return "" if state is DatasetState.COMPLETE else state.value


def _written(value: Quantity | str) -> str:
    return str(value)
