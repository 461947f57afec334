"""The head of a text file with columns of numbers: how long it is and what it says about the axes.

Reduction programs put free text of any length above the numbers (Fit2D ``.chi``, PDFgetX ``.gr``); a cell that reads
such a file has to know how many lines to leave out.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_HEAD_LIMIT = 64 * 1024
_Q_PER_NM = re.compile(r"\bq\b.*(nm|nanomet)", re.IGNORECASE)
_Q_PER_ANGSTROM = re.compile(r"\bq\b.*(å|\ba\b|angstr|\\aa)", re.IGNORECASE)
_TWO_THETA = re.compile(r"(2|two)[- _]?(theta|θ|th)\b", re.IGNORECASE)
_FORMATS = {"qnm": "Q / nm⁻¹", "qa": "Q / Å⁻¹", "twotheta": "2θ / °"}
_DATAFORMAT = re.compile(r"^\W*(?:dataformat|integrationspace)\s*=\s*(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnHead:
    """What stands above the numbers."""

    lines: int
    """Lines before the first row of numbers."""
    x_label: str | None
    """Label of the first column with its unit, where the head tells."""


def read_column_head(path: Path) -> ColumnHead | None:
    """Read the head of a column file, or nothing if the file cannot be read or has no numbers early on."""
    try:
        with path.open("rb") as file:
            text = file.read(_HEAD_LIMIT).decode("utf-8", errors="replace")
    except OSError:
        return None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _is_row(line):
            return ColumnHead(number, _x_label(lines[:number]))
    return None


def _is_row(line: str) -> bool:
    cells = line.replace(",", " ").split()
    if len(cells) < 2:  # noqa: PLR2004 - a pattern has two columns
        return False
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _x_label(head: list[str]) -> str | None:
    for line in head:
        told = _DATAFORMAT.match(line)
        if told and told[1].lower() in _FORMATS:
            return _FORMATS[told[1].lower()]
        for pattern, label in ((_TWO_THETA, "2θ / °"), (_Q_PER_NM, "Q / nm⁻¹"), (_Q_PER_ANGSTROM, "Q / Å⁻¹")):
            if pattern.search(line) and "=" not in line:
                return label
    return None
