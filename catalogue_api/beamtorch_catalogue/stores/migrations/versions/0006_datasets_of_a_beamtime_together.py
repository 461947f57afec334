"""Names of datasets begin with letters of their beamtime, so that what comes together stands together in every index.

Persistent identifiers stay as they were given; by its old name a dataset is still found among words.

Revision ID: 0006
"""

import base64
from collections.abc import Callable

import sqlalchemy as sa
import xxhash
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SOME = 1000
_NEXT = sa.text(
    "SELECT number, id, beamtime, source_id, place FROM dataset WHERE number > :last ORDER BY number LIMIT :some"
)
_RENAMES = (
    "UPDATE dataset SET id = :new WHERE number = :number",
    "UPDATE change SET subject_id = :new WHERE subject = 'dataset' AND subject_id = :old",
)
_ADD_WORD = {
    "sqlite": "UPDATE full_text SET words = words || ' ' || :word WHERE rowid = -:place",
    "postgresql": "UPDATE full_text SET words = words || to_tsvector('simple', :word) WHERE place = :place",
}


def upgrade() -> None:
    """Name all anew."""
    _rename(_by_beamtime)


def downgrade() -> None:
    """Name all as before."""
    _rename(_by_source)


def _rename(named: Callable[[str, str], str]) -> None:
    connection, last = op.get_bind(), -1
    renames = [sa.text(one) for one in (*_RENAMES, _ADD_WORD[connection.dialect.name])]
    while rows := connection.execute(_NEXT, {"last": last, "some": _SOME}).all():
        last = rows[-1].number
        given = [
            {"number": row.number, "old": row.id, "new": f"ds-{name}", "word": name, "place": row.place}
            for row in rows
            for name in [named(row.beamtime, row.source_id)]
        ]
        for rename in renames:
            connection.execute(rename, given)


def _by_beamtime(beamtime: str, source: str) -> str:
    return _letters(beamtime)[:4] + _letters(f"{beamtime}\n{source}")[:12]


def _by_source(beamtime: str, source: str) -> str:
    return _letters(f"{beamtime}\n{source}")


def _letters(text: str) -> str:
    return base64.b32encode(xxhash.xxh3_128_digest(text.encode())[:10]).decode().lower()
