"""What the user office knows, for the client: instruments, proposals, people, beamtimes, samples, and their import."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from beamtorch_catalogue.client._sync.asking import Asking
from beamtorch_catalogue.client.asking import PER_PAGE
from beamtorch_catalogue.wire import (
    BeamtimePage,
    BeamtimeRecord,
    FacilityRecords,
    FacilityReport,
    InstrumentRecord,
    PersonPage,
    PersonRecord,
    ProposalDetails,
    ProposalPage,
    ProposalRecord,
    RolesRequest,
    SamplePage,
    SampleRecord,
    StationRecord,
    StationRequest,
    TeamMember,
)
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, ProposalId
from beamtorch_facility.words import Words

_Page = TypeVar("_Page", ProposalPage, BeamtimePage, SamplePage, PersonPage)


class OfficeClient(Asking):
    """What the client can ask about the user office's records, and change; a part of `CatalogueClient`.

    Roles are for display, search and citation. Who may read is the directory's word alone.
    """

    def import_facility(self, records: FacilityRecords, *, rehearse: bool = False) -> FacilityReport:
        """Send the user office's records and return what changed; the same again changes nothing.

        Parameters
        ----------
        rehearse
            Only tell what would change.
        """
        params = {"rehearse": "true"} if rehearse else None
        return self._ask("PUT", "facility", FacilityReport, params=params, body=records)

    def instruments(self) -> list[InstrumentRecord]:
        """Return the instruments of the facility with their stations."""
        return self._ask("GET", "instruments", list[InstrumentRecord])

    def proposals(self) -> list[ProposalRecord]:
        """Return the proposals that the caller may see, by number."""
        return [one for page in self._pages("proposals", ProposalPage) for one in page.proposals]

    def proposal(self, proposal: ProposalId | str) -> ProposalDetails:
        """Return one proposal with its people, beamtimes and counts."""
        return self._ask("GET", f"proposals/{ProposalId(proposal)}", ProposalDetails)

    def beamtimes(self) -> list[BeamtimeRecord]:
        """Return the beamtimes that the caller may see, newest first."""
        return [one for page in self._pages("beamtimes", BeamtimePage) for one in page.beamtimes]

    def samples(self) -> list[SampleRecord]:
        """Return the samples that the caller may see, by proposal and name."""
        return [one for page in self._pages("samples", SamplePage) for one in page.samples]

    def people(self, search: str = "") -> list[PersonRecord]:
        """Return people with whom the caller shares a proposal, by beginnings of their names."""
        return [one for page in self._pages("people", PersonPage, search=search) for one in page.people]

    def set_roles(self, proposal: ProposalId | str, username: Username | str, roles: Iterable[str]) -> TeamMember:
        """Give somebody exactly these roles in a proposal."""
        return self._ask("PUT", _member(proposal, username), TeamMember, body=RolesRequest(roles=tuple(roles)))

    def remove_roles(self, proposal: ProposalId | str, username: Username | str) -> None:
        """Take all roles in a proposal from somebody."""
        self._send("DELETE", _member(proposal, username))

    def set_station(self, beamline: BeamlineId | str, station: str, name: Words) -> StationRecord:
        """Create or rename an end station."""
        return self._ask("PUT", _station(beamline, station), StationRecord, body=StationRequest(name=name))

    def remove_station(self, beamline: BeamlineId | str, station: str) -> None:
        """Remove an end station that no beamtime names."""
        self._send("DELETE", _station(beamline, station))

    def _pages(self, path: str, answer: type[_Page], **asked: str) -> Iterator[_Page]:
        params = {"limit": str(PER_PAGE)} | {name: value for name, value in asked.items() if value}
        while True:
            page = self._ask("GET", path, answer, params=params)
            yield page
            if page.next is None:
                return
            params["after"] = page.next


def _member(proposal: ProposalId | str, username: Username | str) -> str:
    return f"proposals/{ProposalId(proposal)}/people/{Username(username)}"


def _station(beamline: BeamlineId | str, station: str) -> str:
    # Its name has the shape of a beamline's, so that it cannot lead elsewhere.
    return f"instruments/{BeamlineId(beamline)}/stations/{BeamlineId(station)}"
