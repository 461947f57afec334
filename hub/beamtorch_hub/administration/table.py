"""Tables for a terminal: aligned columns, numbers to the right, Chinese two cells wide; or JSON for scripts."""

import json
import unicodedata
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

GAP = "  "


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Return rows below their heads; columns of numbers are aligned right."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(heads))]

    def cell(text: str, column: int) -> str:
        pad = " " * (widths[column] - width(text))
        return pad + text if column in right else text + pad

    return "\n".join(GAP.join(cell(text, n) for n, text in enumerate(line)).rstrip() for line in lines)


def as_json(found: BaseModel | Sequence[BaseModel]) -> str:
    """Return what the API told, as JSON."""
    if isinstance(found, BaseModel):
        return found.model_dump_json(indent=2)
    return json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False, indent=2)
