"""The cluster's own policy in force for a namespace, as long as a test lasts."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio import client, config

from beamtorch_hub.testing.namespace import Namespace, in_a_loop_of_its_own

STEP_SECONDS = 0.2
_Api = client.AdmissionregistrationV1Api
_Kinds = client.ApiextensionsV1Api


@dataclass(frozen=True)
class Guarded:
    """A policy and its binding; the kind of its parameters stays in the cluster."""

    namespace: Namespace
    manifests: list[dict[str, Any]]

    def put_in_force(self) -> None:
        """Make what is not there; the API server heeds it a moment later."""
        kind, policy, binding = self.manifests
        self._make(_Kinds, _Kinds.create_custom_resource_definition, kind)
        read = partial(_Kinds.read_custom_resource_definition, name=kind["metadata"]["name"])
        while not any(one.type == "Established" for one in self._ask(_Kinds, read).status.conditions or ()):
            time.sleep(STEP_SECONDS)
        self._make(_Api, _Api.create_validating_admission_policy, policy)
        self._make(_Api, _Api.create_validating_admission_policy_binding, binding)

    def take_away(self) -> None:
        """Remove policy and binding; what is not there is fine."""
        name = self.manifests[1]["metadata"]["name"]
        for remove in (_Api.delete_validating_admission_policy_binding, _Api.delete_validating_admission_policy):
            try:
                self._ask(_Api, partial(remove, name=name))
            except client.ApiException as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise

    def warnings(self) -> list[str]:
        """Return what the API server finds wrong with the policy's expressions."""
        name = self.manifests[1]["metadata"]["name"]
        policy = self._ask(_Api, partial(_Api.read_validating_admission_policy, name=name))
        checked = policy.status.type_checking if policy.status else None
        return [one.warning for one in (checked.expression_warnings or ())] if checked else []

    def _make(self, api: Any, create: Callable[..., Any], manifest: dict[str, Any]) -> None:
        try:
            self._ask(api, partial(create, body=manifest))
        except client.ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    def _ask(self, api: Any, what: Callable[[Any], Awaitable[Any]]) -> Any:
        async def within() -> Any:
            async with await config.new_client_from_config(config_file=str(self.namespace.kubeconfig)) as connection:
                return await what(api(connection))

        return in_a_loop_of_its_own(within())
