"""What belongs to one dataset, by statements that are made once: to make one takes longer than to answer it.

Whether somebody may read the dataset is decided before.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, exists, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Base

_FILE, _COPY, _PARAMETER, _DOCUMENT, _PARENTAGE = (
    Base.metadata.tables[name] for name in ("file", "file_copy", "parameter", "document", "dataset_parent")
)
_OF: BindParameter[int] = bindparam("of")
_PARAMETERS = select(_PARAMETER).where(_PARAMETER.c.dataset == _OF).order_by(_PARAMETER.c.name)
_DOCUMENTS = select(_DOCUMENT).where(_DOCUMENT.c.dataset == _OF).order_by(_DOCUMENT.c.model)
_FILES = (
    select(_FILE)
    .where(_FILE.c.dataset == _OF, _FILE.c.position > bindparam("after"))
    .order_by(_FILE.c.position)
    .limit(bindparam("most"))
)
_COPIES = (
    select(_COPY)
    .where(_COPY.c.dataset == _OF, _COPY.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(_COPY.c.tier, _COPY.c.path)
)
_HAS_RELATIVES = select(exists().where(_PARENTAGE.c.child == _OF) | exists().where(_PARENTAGE.c.parent == _OF))


def parameters(session: Session, dataset: int) -> Sequence[Row[Any]]:
    """Return the parameters of a dataset by name."""
    return session.execute(_PARAMETERS, {"of": dataset}).all()


def documents(session: Session, dataset: int) -> Sequence[Row[Any]]:
    """Return the documents of a dataset by model."""
    return session.execute(_DOCUMENTS, {"of": dataset}).all()


def files(session: Session, dataset: int, *, after: int, most: int) -> Sequence[Row[Any]]:
    """Return the files of a dataset after a position, in their order."""
    return session.execute(_FILES, {"of": dataset, "after": after, "most": most}).all()


def copies(session: Session, dataset: int, *, first: int, last: int) -> Sequence[Row[Any]]:
    """Return where else the files between two positions lie."""
    return session.execute(_COPIES, {"of": dataset, "first": first, "last": last}).all()


def has_relatives(session: Session, dataset: int) -> bool:
    """Tell whether a dataset was made of others, or others of it."""
    return bool(session.scalar(_HAS_RELATIVES, {"of": dataset}))
