"""Release, publication, citation and provenance, for the client."""

from beamtorch_catalogue.client._sync.asking import Asking
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

    def proposal_release(self, proposal: ProposalId | str) -> ProposalRelease:
        """Tell how long the data of a proposal stay its own."""
        return self._ask("GET", f"proposals/{ProposalId(proposal)}/release", ProposalRelease)

    def change_proposal_release(self, proposal: ProposalId | str, request: ProposalReleaseRequest) -> ProposalRelease:
        """Change it; an investigator can only open earlier or wider."""
        return self._ask("PUT", f"proposals/{ProposalId(proposal)}/release", ProposalRelease, body=request)

    def change_dataset_release(self, dataset: DatasetId | str, request: DatasetReleaseRequest) -> DatasetRelease:
        """Decide for one dataset when it opens, and to whom."""
        return self._ask("PUT", f"datasets/{DatasetId(dataset)}/release", DatasetRelease, body=request)

    def publish(self, request: PublicationRequest) -> Publication:
        """Publish datasets; the same request again returns what it made."""
        return self._ask("POST", "publications", Publication, body=request)

    def publications(
        self, *, proposal: ProposalId | str | None = None, after: str | None = None, limit: int = 25
    ) -> PublicationPage:
        """Return one page of what is published, newest first."""
        params = asked(proposal=str(proposal) if proposal else None, after=after or None, limit=limit)
        return self._ask("GET", "publications", PublicationPage, params=params)

    def publication(self, pid: str) -> Publication:
        """Return one publication."""
        return self._ask("GET", f"publications/{pid}", Publication)

    def cite(self, dataset: DatasetId | str, form: str = "citation") -> str:
        """Return a dataset as ``citation``, ``bibtex``, ``datacite`` or ``jsonld``."""
        answer = self._send("GET", f"datasets/{DatasetId(dataset)}/citation", params={"format": form})
        return answer.text

    def resolve(self, pid: str, form: str = "citation") -> str:
        """Return what everybody may know of an identifier, in the same forms."""
        answer = self._send("GET", f"pid/{pid}", params={"format": form})
        return answer.text

    def provenance(self, dataset: DatasetId | str, *, direction: str = "both", depth: int = 10) -> Provenance:
        """Return what a dataset was made from (``up``), and what was made from it (``down``)."""
        params = {"direction": direction, "depth": str(depth)}
        return self._ask("GET", f"datasets/{DatasetId(dataset)}/provenance", Provenance, params=params)

    def prov(self, dataset: DatasetId | str, *, direction: str = "both", depth: int = 10) -> str:
        """Return the same as PROV-JSON."""
        params = {"direction": direction, "depth": str(depth), "format": "prov"}
        answer = self._send("GET", f"datasets/{DatasetId(dataset)}/provenance", params=params)
        return answer.text
