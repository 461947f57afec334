"""What people attached to their homes. The catalogue remembers; the link is made by the person's own process."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.datasets import find_number
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import AttachmentRow, DatasetRow
from beamtorch_catalogue.wire import Attachment, AttachmentRequest, DatasetState
from beamtorch_facility.dataset import DatasetId


class Attachments:
    """Keeps each person's links; nobody sees another one's."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def of(self, reader: Reader) -> list[Attachment]:
        """Return what somebody attached and may still read, newest first."""
        with self._database.reading() as session:
            rows = session.execute(
                select(AttachmentRow, DatasetRow)
                .join(DatasetRow, DatasetRow.number == AttachmentRow.dataset)
                .where(AttachmentRow.username == reader.person.username, readable(reader))
                .order_by(AttachmentRow.attached_at.desc(), AttachmentRow.dataset)
            )
            return [_attachment(link, dataset) for link, dataset in rows]

    def record(self, reader: Reader, request: AttachmentRequest) -> Attachment:
        """Remember a link; the same dataset again moves it."""
        username = reader.person.username
        with self._database.writing() as session:
            number = find_number(session, reader, request.dataset)
            link = _row(session, username, number)
            if link is None:
                link = AttachmentRow(username=username, dataset=number, path="", attached_at=datetime.now(UTC))
                session.add(link)
            link.path = request.path
            session.flush()
            dataset = session.get_one(DatasetRow, number)
            return _attachment(link, dataset)

    def forget(self, reader: Reader, dataset: DatasetId) -> None:
        """Forget somebody's own link, also to data that they may not read any more."""
        username = reader.person.username
        with self._database.writing() as session:
            link = session.scalar(
                select(AttachmentRow)
                .join(DatasetRow, DatasetRow.number == AttachmentRow.dataset)
                .where(AttachmentRow.username == username, DatasetRow.id == dataset)
            )
            if link is not None:
                session.delete(link)


def _row(session: Session, username: str, number: int) -> AttachmentRow | None:
    return session.get(AttachmentRow, (username, number))


def _attachment(link: AttachmentRow, dataset: DatasetRow) -> Attachment:
    return Attachment(
        dataset=DatasetId(dataset.id),
        name=dataset.name,
        path=link.path,
        attached_at=link.attached_at,
        state=DatasetState(dataset.state),
    )
