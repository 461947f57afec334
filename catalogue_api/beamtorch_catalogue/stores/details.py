"""What belongs to datasets, by statements that are made once: to make one takes longer than to answer it.

Whether somebody may read a dataset is decided before.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Row, bindparam, exists, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Base

_FILE, _COPY, _PARAMETER, _DOCUMENT, _PARENTAGE, _ATTACHMENT = (
    Base.metadata.tables[name]
    for name in ("file", "file_copy", "parameter", "document", "dataset_parent", "attachment")
)
_OF: BindParameter[int] = bindparam("of")
_AMONG: BindParameter[Sequence[int]] = bindparam("among", expanding=True)
_PARAMETERS = select(_PARAMETER).where(_PARAMETER.c.dataset == _OF).order_by(_PARAMETER.c.name)
_OF_NAME = select(_PARAMETER).where(_PARAMETER.c.dataset.in_(_AMONG), _PARAMETER.c.name == bindparam("name"))
_LINKS = select(_ATTACHMENT.c.dataset, _ATTACHMENT.c.path).where(
    _ATTACHMENT.c.dataset.in_(_AMONG), _ATTACHMENT.c.username == bindparam("username")
)
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
_LINK = select(_ATTACHMENT.c.path).where(_ATTACHMENT.c.dataset == _OF, _ATTACHMENT.c.username == bindparam("username"))
_BESIDE = select(
    _LINK.scalar_subquery().label("link"),
    exists().where(_COPY.c.dataset == _OF).label("has_copies"),
    exists().where(_DOCUMENT.c.dataset == _OF).label("has_documents"),
    (exists().where(_PARENTAGE.c.child == _OF) | exists().where(_PARENTAGE.c.parent == _OF)).label("has_relatives"),
)


def parameters(session: Session, dataset: int) -> Sequence[Row[Any]]:
    """Return the parameters of a dataset by name."""
    return session.execute(_PARAMETERS, {"of": dataset}).all()


def of_name(session: Session, datasets: Sequence[int], name: str) -> dict[int, Row[Any]]:
    """Return the parameter of a name of each dataset that has one, by the dataset's number."""
    return {row.dataset: row for row in session.execute(_OF_NAME, {"among": datasets, "name": name})}


def links(session: Session, datasets: Sequence[int], username: str) -> dict[int, str]:
    """Return where somebody attached datasets, by their numbers."""
    return {row.dataset: row.path for row in session.execute(_LINKS, {"among": datasets, "username": username})}


def documents(session: Session, dataset: int) -> Sequence[Row[Any]]:
    """Return the documents of a dataset by model."""
    return session.execute(_DOCUMENTS, {"of": dataset}).all()


def files(session: Session, dataset: int, *, after: int, most: int) -> Sequence[Row[Any]]:
    """Return the files of a dataset after a position, in their order."""
    return session.execute(_FILES, {"of": dataset, "after": after, "most": most}).all()


def copies(session: Session, dataset: int, *, first: int, last: int) -> Sequence[Row[Any]]:
    """Return where else the files between two positions lie."""
    return session.execute(_COPIES, {"of": dataset, "first": first, "last": last}).all()


class Beside(NamedTuple):
    """What most datasets have nothing of, so that one question about all of it saves one about each."""

    link: str | None
    """Where somebody attached it."""
    has_copies: bool
    has_documents: bool
    has_relatives: bool
    """Whether it was made of others, or others of it."""


def beside(session: Session, dataset: int, username: str | None) -> Beside:
    """Return what else there is of a dataset."""
    return Beside(*session.execute(_BESIDE, {"of": dataset, "username": username or ""}).one())
