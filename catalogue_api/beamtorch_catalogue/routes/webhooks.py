"""Routes of webhooks, for beamline staff and those who run the facility."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import NewWebhook, Scope, TrialOutcome, WebhookEdit, WebhookRecord, WebhookRequest
from beamtorch_catalogue.wire.changes import LARGEST

Number = Annotated[int, Path(ge=1, le=LARGEST)]


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["webhooks"], responses=PROBLEMS, prefix="/webhooks")
    # Types, made here because they hold the factory.
    Asking = Annotated[Reader, Depends(asking(factory, Scope.ADMIN))]  # noqa: N806
    Person = Annotated[Reader, Depends(asking(factory, keys=False))]  # noqa: N806

    @routes.get("")
    def webhooks(reader: Asking) -> list[WebhookRecord]:
        """List the caller's webhooks; everybody's for facility admins."""
        return factory.telling.webhooks.webhooks(reader)

    @routes.post("", status_code=201)
    async def make(reader: Person, wish: WebhookRequest) -> NewWebhook:
        """Tell somebody of committed changes that the caller may know of; the secret is in this answer alone."""
        return await factory.telling.webhooks.make(reader, wish)

    @routes.get("/{number}")
    def one(reader: Asking, number: Number) -> WebhookRecord:
        """Return one webhook, and how its deliveries go."""
        return factory.telling.webhooks.webhook(reader, number)

    @routes.patch("/{number}")
    async def change(reader: Person, number: Number, edit: WebhookEdit) -> WebhookRecord:
        """Change a webhook, let it try again, or send it back to an earlier change."""
        return await factory.telling.webhooks.change(reader, number, edit)

    @routes.delete("/{number}", status_code=204)
    def end(reader: Person, number: Number) -> None:
        """Take a webhook away."""
        factory.telling.webhooks.end(reader, number)

    @routes.post("/{number}/test")
    async def test(reader: Person, number: Number) -> TrialOutcome:
        """Send an event of number 0 now, signed like every other, and tell how it was received."""
        return await factory.telling.webhooks.test(reader, number)

    return routes
