"""Which names parameters have, and in which dimensions."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_DIMENSIONS = """
WITH RECURSIVE found (name, dimension) AS (
 SELECT given.value,
  (SELECT min(parameter.dimension) FROM parameter
   WHERE parameter.name = given.value AND parameter.dimension IS NOT NULL)
 FROM {given}
 UNION ALL
 SELECT found.name,
  (SELECT min(parameter.dimension) FROM parameter
   WHERE parameter.name = found.name AND parameter.dimension > found.dimension)
 FROM found WHERE found.dimension IS NOT NULL)
SELECT name, dimension FROM found WHERE dimension IS NOT NULL ORDER BY name, dimension
"""
_IN_SQLITE = text(_DIMENSIONS.format(given="json_each(:names) AS given"))
_IN_POSTGRESQL = text(_DIMENSIONS.format(given="unnest(CAST(:names AS text[])) AS given (value)"))


def dimensions(session: Session, names: Iterable[str]) -> Sequence[Row[Any]]:
    """Return those of some names that are parameters, with each dimension: ``name`` and ``dimension``.

    Each is one jump in the index, where a DISTINCT would read all of it; and all go in one question, since most words
    of a search could be the name of a parameter.
    """
    given = sorted(names)
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(_IN_POSTGRESQL, {"names": given}).all()
    return session.execute(_IN_SQLITE, {"names": json.dumps(given)}).all()
