"""Tells the cluster's own policy whose numbers a person's pods may have, before the hub makes one."""

import logging

from beamtorch_spawner.services.ports import Cluster, ClusterUnreachableError
from beamtorch_spawner.wire import Admission, Identification

log = logging.getLogger(__name__)


class Declarations:
    """Writes people down as they start something; what is written already is not written again."""

    def __init__(self, cluster: Cluster | None) -> None:
        self._cluster = cluster
        self._told: dict[str, Identification] = {}

    async def tell(self, decided: Admission) -> None:
        """Declare the person of a grant; where there is nobody to tell, or nobody to declare, nothing happens."""
        who = decided.grant.identification if decided.grant is not None else None
        if self._cluster is None or who is None or self._told.get(who.username) == who:
            return
        try:
            await self._cluster.declare(who)
        except ClusterUnreachableError as error:
            # The policy, where there is one, refuses the pod then: nothing is lost but the start.
            log.warning("%s could not be declared to the cluster: %s", who.username, error)
            return
        self._told[who.username] = who
