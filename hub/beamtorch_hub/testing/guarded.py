"""The cluster's own policy in force for a namespace, as long as a test lasts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio import client, config

from beamtorch_hub.testing.namespace import Namespace

_Api = client.AdmissionregistrationV1Api


@dataclass(frozen=True)
class Guarded:
    """A policy and its binding."""

    namespace: Namespace
    manifests: list[dict[str, Any]]

    def put_in_force(self) -> None:
        """Make both; the API server heeds them a moment later."""
        policy, binding = self.manifests
        self._ask(lambda api: api.create_validating_admission_policy(policy))
        self._ask(lambda api: api.create_validating_admission_policy_binding(binding))

    def take_away(self) -> None:
        """Remove both; what is not there is fine."""
        name = self.manifests[0]["metadata"]["name"]
        for remove in (_Api.delete_validating_admission_policy_binding, _Api.delete_validating_admission_policy):
            try:
                self._ask(partial(remove, name=name))
            except client.ApiException as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise

    def warnings(self) -> list[str]:
        """Return what the API server finds wrong with the policy's expressions."""
        name = self.manifests[0]["metadata"]["name"]
        policy = self._ask(lambda api: api.read_validating_admission_policy(name))
        checked = policy.status.type_checking if policy.status else None
        return [one.warning for one in (checked.expression_warnings or ())] if checked else []

    def _ask(self, what: Callable[[Any], Awaitable[Any]]) -> Any:
        async def within() -> Any:
            async with await config.new_client_from_config(config_file=str(self.namespace.kubeconfig)) as api:
                return await what(_Api(api))

        return asyncio.run(within())
