"""Places in the table of changes: numbers become visible in their order (`stores.history`), so a place is enough."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.stores.models import Change


def newest(session: Session) -> int:
    """Return the number of the newest change, 0 for none."""
    return session.scalar(select(func.max(Change.number))) or 0


def horizon(session: Session, after: int, most: int) -> int:
    """Return the number of the last of the next `most` changes after a place; the place itself if there is none."""
    upwards = select(Change.number).where(Change.number > after).order_by(Change.number)
    last = session.scalar(upwards.offset(most - 1).limit(1))
    return last if last is not None else max(newest(session), after)


def depth(session: Session, before: int, most: int) -> int:
    """Return the number of the first of the `most` changes before a place; 0 if there are no more than those."""
    downwards = select(Change.number).where(Change.number < before).order_by(Change.number.desc())
    return session.scalar(downwards.offset(most - 1).limit(1)) or 0
