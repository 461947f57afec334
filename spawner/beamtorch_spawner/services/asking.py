"""Who asks for what: a start as it came, judged against the offers and the directory before anything is counted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import ADMIN_GROUP, Identity, Username
from beamtorch_spawner.environments import Environment, load_environments
from beamtorch_spawner.policy_file import Lifetime, Policy
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.services.policy import (
    choose_environment,
    choose_image,
    choose_resources,
    environment_of_image,
    parse_options,
)
from beamtorch_spawner.wire import AdmissionRequest, UserOptions


@dataclass(frozen=True)
class Start:
    """A start that may be granted if there is room."""

    person: Identity | None
    groups: tuple[str, ...]
    environment: Environment | None
    """None: what the Hub's own configuration says."""
    options: UserOptions
    resources: Resources
    image: str | None
    lifetime: Lifetime

    @property
    def is_admin(self) -> bool:
        """Whether the person runs the facility."""
        return ADMIN_GROUP in self.groups


class Starts:
    """Judges starts; it counts nothing and writes nothing."""

    def __init__(self, *, directory: Directory | None, environments: Path | None, policy: Callable[[], Policy]) -> None:
        self._directory = directory
        self._environments = environments
        self._policy = policy

    def offers(self) -> tuple[Environment, ...]:
        """Return the environments, read afresh; none where the Hub's own configuration decides."""
        return load_environments(self._environments) if self._environments is not None else ()

    def policy(self) -> Policy:
        """Return the facility's policy, read afresh."""
        return self._policy()

    def person(self, username: str) -> Identity | None:
        """Return the person, as the directory knows them now; None where there is no directory."""
        return self._directory.person(Username(username)) if self._directory is not None else None

    def groups(self, username: str) -> tuple[str, ...]:
        """Return the groups of a person as the directory knows them now."""
        person = self.person(username)
        return person.groups if person is not None else ()

    def judge(self, request: AdmissionRequest) -> Start:
        """Return the start, or raise what is wrong with it.

        Raises
        ------
        BeamtorchError
            An unknown person, environment or option, or more than is on offer.
        """
        offers, policy = self.offers(), self._policy()
        person = self.person(request.username)
        groups = person.groups if person is not None else request.hub_groups
        lifetime = policy.lifetime(groups)
        if not offers:
            # Options that are not ours are the Hub's own, such as a profile of KubeSpawner, which it judges itself.
            ours = {name: value for name, value in request.user_options.items() if name in {"dataset", "ticket"}}
            own = request.own or Resources()
            return Start(person, groups, None, parse_options(ours), own, None, lifetime)
        options = parse_options(request.user_options)
        if options.environment is None and options.image is not None:
            found = environment_of_image(offers, options.image, groups)
            options = options.model_copy(update={"environment": found}) if found else options
        environment = choose_environment(offers, options, request.server, groups=groups)
        return Start(
            person=person,
            groups=groups,
            environment=environment,
            options=options,
            resources=choose_resources(environment, options),
            image=choose_image(environment, options, policy),
            lifetime=lifetime,
        )

    def environment(self, name: str | None) -> Environment | None:
        """Return an environment that a lease was given for; None if it was the Hub's own."""
        if name is None:
            return None
        return choose_environment_by_id(self.offers(), name)


def choose_environment_by_id(offers: tuple[Environment, ...], name: str) -> Environment:
    """Return an offer by its id, wherever it runs; raises as `choose_environment` does."""
    server = next((offer.server for offer in offers if offer.id == name), "")
    everything = tuple(offer.model_copy(update={"who": ()}) for offer in offers)
    return choose_environment(everything, UserOptions(environment=name), server)
