"""A catalogue of synthetic datasets without its doors, to look at what it asks its database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility import Identity
from beamtorch_facility.clock import SystemClock
from beamtorch_facility.directory import dump_people
from beamtorch_service.settings import HubSettings

ADA = Identity.model_validate(
    {"username": "ada", "full_name": {"en": "Ada", "zh": "阿达"}, "uid": 2000, "gid": 2000,
     "groups": ["proposal-P00001", "staff-BL02"]}
)  # fmt: skip
"""Of one proposal, and of the staff of one beamline."""


@contextmanager
def synthetic_catalogue(database: str, place: Path, datasets: int) -> Iterator[Factory]:
    """Make the services of a catalogue with some datasets, and one person in its directory."""
    directory = place / "directory.yaml"
    directory.write_text(dump_people([ADA]), encoding="utf-8")
    settings = CatalogueSettings(
        hub=HubSettings(service="catalogue", prefix="/c/", api_url="http://hub/", api_token="x", listen_port=1),  # noqa: S106
        database=database,
        directory=directory,
        data_root=place / "data",
        public_url="http://portal/",
        cache=place / "thumbnails",
    )
    made = Factory.build(settings, clock=SystemClock())
    made.database.upgrade()
    synthetic = Synthetic(proposals=12, root=str(place / "data"))
    made.facility.take_in(ingestor(), synthetic.facility())
    take_in(made, synthetic.datasets(datasets))
    yield made
    made.database.close()


def take_in(factory: Factory, described: Iterable[dict[str, Any]]) -> None:
    """Take datasets in as the beamlines' ingestor does."""
    records = [DatasetRecord.model_validate(one) for one in described]
    factory.ingest.bulk(ingestor(), factory.preparing.of(records))


def ingestor() -> Reader:
    """Return who sees all and may write."""
    return Reader(name="ingest", identity=None, sees_all=True, may_ingest=True, asked_at=datetime.now(UTC))


def ada() -> Reader:
    """Return the one person."""
    return Reader(name=ADA.username, identity=ADA, sees_all=False, may_ingest=False, asked_at=datetime.now(UTC))
