"""The parts that tell of changes, put together; one of each in a process."""

from dataclasses import dataclass
from typing import Self

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.services.deliveries import Deliveries
from beamtorch_catalogue.services.events import Events
from beamtorch_catalogue.services.history import History
from beamtorch_catalogue.services.keys import Keys
from beamtorch_catalogue.services.outbox import Outbox
from beamtorch_catalogue.services.readers import Readers
from beamtorch_catalogue.services.targets import Targets
from beamtorch_catalogue.services.webhooks import Webhooks
from beamtorch_catalogue.stores.database import Database
from beamtorch_facility.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Telling:
    """History, event stream and webhooks, and the keys of programs that ask for them."""

    history: History
    events: Events
    webhooks: Webhooks
    deliveries: Deliveries
    keys: Keys

    @classmethod
    def build(cls, *, database: Database, readers: Readers, clock: Clock, settings: ChangeSettings) -> Self:
        """Build the parts; nothing runs yet."""
        outbox, targets = Outbox(database=database, clock=clock), Targets(settings)
        return cls(
            history=History(database=database),
            events=Events(outbox=outbox, clock=clock),
            webhooks=Webhooks(database=database, targets=targets, clock=clock),
            deliveries=Deliveries(
                database=database, outbox=outbox, readers=readers, targets=targets, clock=clock, settings=settings
            ),
            keys=Keys(database=database, readers=readers, clock=clock, longest_days=settings.key_days),
        )

    async def aclose(self) -> None:
        """Stop what runs."""
        await self.deliveries.stop()
        await self.events.aclose()
