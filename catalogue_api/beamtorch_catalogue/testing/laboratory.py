"""A catalogue over the small facility's database that reads a folder of models and can be started again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.testing.running import running_catalogue
from beamtorch_catalogue.testing.world import World


@dataclass
class Laboratory:
    """The facility's folder of models, and the catalogue that reads it when it starts."""

    world: World
    folder: Path
    url: str = ""
    store: Database = field(init=False)

    def __post_init__(self) -> None:
        self.store = Database(self.world.database)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run another process's worth of catalogue beside the shared one, over the same database."""
        with running_catalogue(
            hub_api_url=self.world.hub.api_url,
            database=self.world.database,
            directory=self.world.directory,
            data_root=self.world.layout.root,
            cache=self.world.cache,
            models=self.folder,
        ) as self.url:
            yield

    def ask(self, role: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask in somebody's name."""
        headers = {"Authorization": f"token {self.world.tokens[role]}", **more.pop("headers", {})}
        return httpx.request(method, f"{self.url}{path}", headers=headers, trust_env=False, timeout=30, **more)

    def furnace(self, **changes: Any) -> dict[str, Any]:
        """Return what the file of the furnace says."""
        told: dict[str, Any] = yaml.safe_load((self.folder / "furnace.yaml").read_text(encoding="utf-8"))
        return told | changes

    def write(self, told: dict[str, Any]) -> None:
        """Write the file of a model."""
        text = yaml.safe_dump(told, allow_unicode=True, sort_keys=False)
        (self.folder / f"{told['model']}.yaml").write_text(text, encoding="utf-8")

    def dataset(self, name: str = "tooth", beamtime: str = "BT-1", **changes: Any) -> str:
        """Take in a dataset and return its id."""
        (result,) = self.world.client("ingest").ingest([self.world.record(name, beamtime, **changes)])
        if result.dataset is None:
            raise ValueError(str(result.problem))
        return str(result.dataset)
