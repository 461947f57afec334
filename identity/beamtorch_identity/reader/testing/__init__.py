"""What tests of the reader and of those who ask it need: people, data with rights on the disk, a running reader."""

from beamtorch_identity.reader.testing.site import ADA, CHEN, PEOPLE, SERVICE, TASKS, TEAM, Site, new_site, person
from beamtorch_identity.reader.testing.somebody import as_somebody
from beamtorch_identity.reader.testing.started import running_reader

__all__ = [
    "ADA",
    "CHEN",
    "PEOPLE",
    "SERVICE",
    "TASKS",
    "TEAM",
    "Site",
    "as_somebody",
    "new_site",
    "person",
    "running_reader",
]
