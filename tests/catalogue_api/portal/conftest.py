"""A catalogue with a few datasets in SQLite, its portal, and a Hub that knows each person by a token of their name."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.portal import Portal, portal_router
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.wire import (
    BeamtimeRecord,
    DatasetRecord,
    DatasetState,
    FacilityRecords,
    FileRecord,
    InstrumentRecord,
    ProposalRecord,
    SampleRecord,
)
from beamtorch_facility.clock import SystemClock
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller
from beamtorch_service.frame import create_service
from beamtorch_service.login import HubLogin
from beamtorch_service.settings import HubSettings

PREFIX = "/services/catalogue/"
MODELS = Path(__file__).parents[2] / "data" / "models"
FURNACE = {
    "ramp": {"value": 5, "unit": "K/min"},
    "holds": [{"value": 300, "unit": "degC"}, {"value": 650.5, "unit": "degC"}],
    "atmosphere": "argon",
    "cycles": 1200,
    "quenched": True,
}


def person(name: str, en: str, zh: str, uid: int, *groups: str) -> Identity:
    return Identity(username=Username(name), full_name=Words(en=en, zh=zh), uid=uid, gid=uid, groups=groups)


PEOPLE = (
    person("lin.qiao", "Lin Qiao", "林乔", 5001, "proposal-2026-1417"),
    person("elena.marsh", "Elena Marsh", "埃琳娜·马什", 5002, "proposal-2026-0988"),
    person("nobody.yet", "Noor Ahmed", "努尔", 5003),
)


def hub(request: httpx.Request) -> httpx.Response:
    name = request.headers.get("Authorization", "").removeprefix("token ")
    if name not in {str(one.username) for one in PEOPLE}:
        return httpx.Response(403)
    return httpx.Response(200, json={"name": name, "kind": "user", "scopes": ["access:services!service=catalogue"]})


def records(root: Path) -> list[DatasetRecord]:
    """Describe datasets whose files exist, one after another in time, one broken, one of another team."""
    made = []
    for number, (name, sample, technique, energy, beamtime) in enumerate(
        [
            ("tooth_0047", "tooth", "tomography", 25.0, "BT-26-0417"),
            ("seed_031", "rice-seed", "tomography", 12.4, "BT-26-0417"),
            ("ceria_001", "CeO2", "total scattering", 70.0, "BT-26-0417"),
            ("secret_001", "amber", "tomography", 12.7, "BT-26-0501"),
        ]
    ):
        folder = root / "BL-B7" / "202611" / "Data" / beamtime / "raw" / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.h5"
        path.write_bytes(b"x" * 1500)
        broken = name == "ceria_001"
        problem = Words(en="The file ends early: frame 3 of 9.", zh="文件不完整：共 9 帧，第 3 帧后缺失。")
        made.append(
            DatasetRecord(
                source_id=str(path),
                name=name,
                kind=DatasetKind.RAW,
                beamtime=BeamtimeId(beamtime),
                technique=technique,
                sample=sample,
                measured_at=datetime(2026, 11, 18 + number % 3, 4, number, tzinfo=UTC),
                files=(
                    FileRecord(
                        path=str(path),
                        size=1_500_000,
                        format="Data Exchange",
                        state=DatasetState.BROKEN if broken else DatasetState.COMPLETE,
                        problem=problem if broken else None,
                    ),
                ),
                parameters={
                    "energy": Quantity(value=energy, unit="keV"),
                    "projections": Quantity(value=1800),
                    "pixel_size": Quantity(value=0.65, unit="um"),
                    "operator_note": "after <lunch> & tea",
                },
                models={"furnace": FURNACE} if name == "seed_031" else {},
                state=DatasetState.BROKEN if broken else DatasetState.COMPLETE,
                problem=problem if broken else None,
            )
        )
    return made


FACILITY = FacilityRecords(
    name=Words(en="Test Light Source", zh="测试光源"),
    instruments=(
        InstrumentRecord(beamline=BeamlineId("BL-B7"), name=Words(en="Imaging", zh="成像"), technique="tomography"),
    ),
    proposals=(
        ProposalRecord(
            proposal=ProposalId("2026-1417"),
            title=Words(en="Seed structure", zh="种子结构"),
            principal_investigator=Username("lin.qiao"),
        ),
        ProposalRecord(
            proposal=ProposalId("2026-0988"),
            title=Words(en="Ants in amber", zh="琥珀中的蚂蚁"),
            principal_investigator=Username("elena.marsh"),
        ),
    ),
    beamtimes=(
        BeamtimeRecord(
            beamtime=BeamtimeId("BT-26-0417"),
            proposal=ProposalId("2026-1417"),
            beamline=BeamlineId("BL-B7"),
            start=date(2026, 11, 17),
            end=date(2026, 11, 20),
        ),
        BeamtimeRecord(
            beamtime=BeamtimeId("BT-26-0501"),
            proposal=ProposalId("2026-0988"),
            beamline=BeamlineId("BL-B7"),
            start=date(2026, 11, 17),
            end=date(2026, 11, 20),
        ),
    ),
    samples=(
        SampleRecord(
            sample="tooth", proposal=ProposalId("2026-1417"), description=Words(en="A human tooth", zh="一颗牙齿")
        ),
        SampleRecord(
            sample="rice-seed", proposal=ProposalId("2026-1417"), description=Words(en="Rice seed", zh="水稻种子")
        ),
        SampleRecord(sample="CeO2", proposal=ProposalId("2026-1417"), description=Words(en="Ceria", zh="氧化铈")),
        SampleRecord(sample="amber", proposal=ProposalId("2026-0988"), description=Words(en="Amber", zh="琥珀")),
    ),
)


class Site:
    """The running portal and the identifiers of its datasets by name."""

    def __init__(self, app: FastAPI, factory: Factory, ids: dict[str, DatasetId]) -> None:
        self.app, self.factory, self.ids = app, factory, ids

    def reader(self, name: str = "lin.qiao") -> Reader:
        """Return somebody as the services know them."""
        return self.factory.readers.reader(Caller(name=name, kind="user", is_admin=False, scopes=frozenset()))

    def take_in(self, *described: DatasetRecord) -> list[DatasetId]:
        """Take in further datasets."""
        results = self.factory.ingest.bulk(ingestor(), self.factory.preparing.of(described))
        return [result.dataset for result in results if result.dataset]

    async def get(self, path: str, user: str | None = "lin.qiao", *, referrer: str = "") -> httpx.Response:
        """Open a page as somebody's browser would."""
        headers = {"Referer": referrer} if referrer else {}
        cookies = {"beamtorch-catalogue": user} if user else {}
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://portal", cookies=cookies, headers=headers
        ) as browser:
            return await browser.get(f"{PREFIX}{path}")


def ingestor() -> Reader:
    """Return who brings data from the beamlines."""
    return Reader(name="ingest", identity=None, sees_all=True, may_ingest=True, asked_at=datetime.now(UTC))


def build_site(root: Path) -> tuple[FastAPI, Factory, dict[str, DatasetId]]:
    directory = root / "directory.yaml"
    directory.write_text(dump_people(PEOPLE), encoding="utf-8")
    data = root / "data"
    settings = CatalogueSettings(
        hub=HubSettings(
            service="catalogue", prefix=PREFIX, api_url="http://hub/hub/api", api_token="secret", listen_port=1
        ),
        database=f"sqlite:///{root / 'catalogue.sqlite'}",
        directory=directory,
        data_root=data,
        public_url="http://portal/",
        cache=root / "thumbnails",
        models=MODELS,
    )
    factory = Factory.build(settings, clock=SystemClock())
    factory.database.upgrade()
    factory.facility.take_in(ingestor(), FACILITY)
    described = records(data)
    results = factory.ingest.bulk(ingestor(), factory.preparing.of(described))
    ids = {one.name: result.dataset for one, result in zip(described, results, strict=True) if result.dataset}
    app = create_service(title="catalogue", version="0", prefix=PREFIX)
    login = HubLogin(settings.hub, httpx.AsyncClient(transport=httpx.MockTransport(hub)))
    portal = Portal.of(factory)
    app.include_router(portal_router(portal=portal, readers=factory.readers, login=login), prefix=PREFIX.rstrip("/"))
    return app, factory, ids


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app, factory, ids = build_site(tmp_path)
    yield Site(app, factory, ids)
    await factory.close()
