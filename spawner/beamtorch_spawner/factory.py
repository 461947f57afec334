"""Builds the objects of the spawner service, once, from its settings."""

from dataclasses import dataclass
from functools import partial

import httpx

from beamtorch_facility.clock import Clock, SystemClock
from beamtorch_facility.directory import Directory
from beamtorch_identity.opening import open_directory
from beamtorch_service import HubLogin
from beamtorch_spawner.cluster import KubernetesCluster
from beamtorch_spawner.hub_api import HttpHubApi
from beamtorch_spawner.metrics import Metrics
from beamtorch_spawner.policy_file import load_policy
from beamtorch_spawner.routes.access import Access
from beamtorch_spawner.services.admissions import Admissions
from beamtorch_spawner.services.asking import Starts
from beamtorch_spawner.services.background import Background
from beamtorch_spawner.services.choices import Choices
from beamtorch_spawner.services.declarations import Declarations
from beamtorch_spawner.services.endings import Endings
from beamtorch_spawner.services.expiry import Expiry
from beamtorch_spawner.services.grants import Facts
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.services.people import People, admin_names
from beamtorch_spawner.services.quota_book import QuotaBook
from beamtorch_spawner.services.reconcile import Reconciler
from beamtorch_spawner.services.release import Releases
from beamtorch_spawner.services.sessions import Sessions
from beamtorch_spawner.services.ssh_access import SshDoor
from beamtorch_spawner.services.ssh_host_key import HostKeys
from beamtorch_spawner.services.story import Story
from beamtorch_spawner.services.stream import Stream
from beamtorch_spawner.services.terminal_book import TerminalBook
from beamtorch_spawner.services.terminals import TerminalClaims
from beamtorch_spawner.services.usage import UsageReport
from beamtorch_spawner.services.userpods import UserPods
from beamtorch_spawner.settings import SpawnerSettings
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.workers import Part, Workers

HUB_SECONDS = 5.0
EXPIRY_SECONDS = 0.5
RELEASE_SECONDS = 0.5
START_SECONDS = 1.0
RECONCILE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The objects that the application is made of."""

    database: Database
    http: httpx.AsyncClient
    cluster: KubernetesCluster | None
    reconciler: Reconciler
    directory: Directory | None
    access: Access
    starts: Starts
    admissions: Admissions
    leases: LeaseBook
    endings: Endings
    declarations: Declarations
    userpods: UserPods
    terminals: TerminalBook
    sessions: Sessions
    people: People
    quotas: QuotaBook
    usage: UsageReport
    ssh: SshDoor
    story: Story
    stream: Stream
    metrics: Metrics
    workers: Workers
    backgrounds: tuple[Background, ...]


def build(settings: SpawnerSettings, *, clock: Clock | None = None) -> Parts:
    """Return the objects for some settings; nothing is opened or asked yet."""
    clock = clock or SystemClock()
    database = Database(settings.database)
    # The Hub is on this machine or in this cluster; a proxy for the internet must not get its tokens.
    http = httpx.AsyncClient(timeout=HUB_SECONDS, trust_env=False)
    hub = HttpHubApi(settings.hub, http)
    cluster = _cluster(settings)
    people = settings.directory
    # A start asks the directory itself; whoever only looks or lists may get an answer that is a moment old.
    directory = open_directory(people) if people is not None else None
    known = open_directory(people, for_pages=True) if people is not None else None
    policy = partial(load_policy, settings.policy)
    starts = Starts(directory=directory, environments=settings.environments, policy=policy)
    metrics = Metrics(database=database, clock=clock)
    expiry = Expiry(database=database, clock=clock, hub=hub, watch=metrics.expiry)
    choices = Choices(database=database, clock=clock, judge=starts.judge)
    admissions = Admissions(
        database=database,
        starts=starts,
        facts=_facts(settings),
        clock=clock,
        secret=settings.hub.api_token.get_secret_value(),
        terminals=TerminalClaims(policy=policy, admins=partial(admin_names, known)),
        watch=metrics.admission,
    )
    leases = LeaseBook(database=database, clock=clock, policy=policy)
    endings = Endings(database=database, clock=clock, hub=hub)
    releases = Releases(database=database, clock=clock, hub=hub, policy=policy)
    userpods = UserPods(
        database=database,
        clock=clock,
        admissions=admissions,
        leases=leases,
        endings=endings,
        choices=choices,
        hub=hub,
        public_url=settings.public_url,
    )
    reconciler = Reconciler(database=database, clock=clock, hub=hub, cluster=cluster, policy=policy)
    return Parts(
        database=database,
        http=http,
        cluster=cluster,
        reconciler=reconciler,
        directory=directory,
        access=Access(login=HubLogin(settings.hub, http), directory=known),
        starts=starts,
        admissions=admissions,
        leases=leases,
        endings=endings,
        declarations=Declarations(cluster if settings.declares_people else None),
        userpods=userpods,
        terminals=TerminalBook(database=database, clock=clock, policy=policy, starts=starts),
        sessions=Sessions(database=database),
        people=People(database=database, hub=hub, directory=known),
        quotas=QuotaBook(database=database, clock=clock, groups=starts.groups),
        usage=UsageReport(database=database, clock=clock),
        ssh=SshDoor(
            database=database,
            directory=directory,
            host_keys=HostKeys(settings.ssh_secret or settings.hub.api_token),
        ),
        story=Story(database=database),
        stream=Stream(database=database),
        metrics=metrics,
        backgrounds=(expiry.background, releases.background, userpods.background),
        workers=Workers(
            database=database,
            clock=clock,
            parts=(
                Part("expiry", EXPIRY_SECONDS, expiry.tick),
                Part("releases", RELEASE_SECONDS, releases.drive),
                Part("starts", START_SECONDS, userpods.drive),
                Part("reconciler", RECONCILE_SECONDS, reconciler.tick),
            ),
            watch=lambda part, is_good: metrics.round(part, is_good=is_good),
        ),
    )


def _cluster(settings: SpawnerSettings) -> KubernetesCluster | None:
    if settings.namespace is None:
        return None
    return KubernetesCluster(namespace=settings.namespace, platform=settings.platform, kubeconfig=settings.kubeconfig)


def _facts(settings: SpawnerSettings) -> Facts:
    return Facts(
        public_url=settings.public_url,
        data_root=settings.data_root,
        homes=settings.homes,
        platform=settings.platform,
    )
