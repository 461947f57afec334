"""Release, publication, citation and provenance, for the client."""

from beamtorch_catalogue.client._async.asking import Asking
from beamtorch_catalogue.client.asking import asked
from beamtorch_catalogue.wire.publications import (
    DatasetRelease,
    DatasetReleaseRequest,
    ProposalRelease,
    ProposalReleaseRequest,
    Provenance,
    Publication,
    PublicationPage,
    PublicationRequest,
)
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import ProposalId


class PublishingClient(Asking):
    """What the client can do about release, publication and provenance; a part of `CatalogueClient`."""

    async def proposal_release(self, proposal: ProposalId | str) -> ProposalRelease:
        """Tell how long the data of a proposal stay its own."""
        return await self._ask("GET", f"proposals/{ProposalId(proposal)}/release", ProposalRelease)

    async def change_proposal_release(
        self, proposal: ProposalId | str, request: ProposalReleaseRequest
    ) -> ProposalRelease:
        """Change it; an investigator can only open earlier or wider."""
        return await self._ask("PUT", f"proposals/{ProposalId(proposal)}/release", ProposalRelease, body=request)

    async def change_dataset_release(self, dataset: DatasetId | str, request: DatasetReleaseRequest) -> DatasetRelease:
        """Decide for one dataset when it opens, and to whom."""
        return await self._ask("PUT", f"datasets/{DatasetId(dataset)}/release", DatasetRelease, body=request)

    async def publish(self, request: PublicationRequest) -> Publication:
        """Publish datasets; the same request again returns what it made."""
        return await self._ask("POST", "publications", Publication, body=request)

    async def publications(
        self, *, proposal: ProposalId | str | None = None, after: str | None = None, limit: int = 25
    ) -> PublicationPage:
        """Return one page of what is published, newest first."""
        params = asked(proposal=str(proposal) if proposal else None, after=after or None, limit=limit)
        return await self._ask("GET", "publications", PublicationPage, params=params)

    async def publication(self, pid: str) -> Publication:
        """Return one publication."""
        return await self._ask("GET", f"publications/{pid}", Publication)

    async def cite(self, dataset: DatasetId | str, form: str = "citation") -> str:
        """Return a dataset as ``citation``, ``bibtex``, ``datacite`` or ``jsonld``."""
        answer = await self._send("GET", f"datasets/{DatasetId(dataset)}/citation", params={"format": form})
        return answer.text

    async def resolve(self, pid: str, form: str = "citation") -> str:
        """Return what everybody may know of an identifier, in the same forms."""
        answer = await self._send("GET", f"pid/{pid}", params={"format": form})
        return answer.text

    async def provenance(self, dataset: DatasetId | str, *, direction: str = "both", depth: int = 10) -> Provenance:
        """Return what a dataset was made from (``up``), and what was made from it (``down``)."""
        params = {"direction": direction, "depth": str(depth)}
        return await self._ask("GET", f"datasets/{DatasetId(dataset)}/provenance", Provenance, params=params)

    async def prov(self, dataset: DatasetId | str, *, direction: str = "both", depth: int = 10) -> str:
        """Return the same as PROV-JSON."""
        params = {"direction": direction, "depth": str(depth), "format": "prov"}
        answer = await self._send("GET", f"datasets/{DatasetId(dataset)}/provenance", params=params)
        return answer.text
