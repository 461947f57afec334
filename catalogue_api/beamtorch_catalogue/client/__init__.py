"""The catalogue for programs: `CatalogueClient`, and `AsyncCatalogueClient` for those that wait for much at once.

Both have the same methods. What one does stands in ``_async``, from which ``just client`` writes ``_sync``.
"""

from typing import TYPE_CHECKING, Any

from beamtorch_catalogue.client._sync.client import CatalogueClient
from beamtorch_catalogue.client.errors import (
    CatalogueNotConfiguredError,
    CatalogueRefusedError,
    CatalogueUnreachableError,
)

if TYPE_CHECKING:
    from beamtorch_catalogue.client._async.client import AsyncCatalogueClient

__all__ = [
    "AsyncCatalogueClient",
    "CatalogueClient",
    "CatalogueNotConfiguredError",
    "CatalogueRefusedError",
    "CatalogueUnreachableError",
]


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: each command would wait for asyncio, and none needs it.
    if name != "AsyncCatalogueClient":
        raise AttributeError(name=name, obj=__name__)
    from beamtorch_catalogue.client._async.client import AsyncCatalogueClient  # noqa: PLC0415 - see above

    return AsyncCatalogueClient
