"""What the cluster itself refuses, pure: a pod that is not the person whom the spawner API declared.

The hub makes pods; should it have a bug, or somebody its token, the API server still compares each pod with what the
spawner API, under another account, wrote down from the directory (ValidatingAdmissionPolicy, Kubernetes 1.30).

``python -m beamtorch_spawner.cluster.admission_policy NAMESPACE | kubectl apply -f -`` puts it in force.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from beamtorch_spawner import marks
from beamtorch_spawner.wire import Identification

GROUP, VERSION, PLURAL, KIND = "beamtorch.org", "v1", "declaredpeople", "DeclaredPeople"
PEOPLE = "beamtorch"
"""Name of the namespace's one object of that kind; its `data` is user name → `declared`.

A kind of our own, because an API server that once had no binding with ConfigMaps for parameters sees none of them ever
after, or old ones (kubernetes/kubernetes#130887).
"""
NUMBERS = "a pod has the numbers that the directory gives to its person, and no others"
NOT_SEEN_YET = ("no params found", "not yet synced", "failed to find resource referenced by paramKind")
"""What the API server says as long as it has not seen who is declared."""
_API = "admissionregistration.k8s.io/v1"
_WHO = (
    "string(object.spec.securityContext.runAsUser) + ' ' + string(object.spec.securityContext.runAsGroup) + ' ' + "
    "object.spec.securityContext.?supplementalGroups.orValue([]).map(g, string(g)).join(',')"
)
_CONTAINER = (
    "{list}.all(c, "
    "c.?securityContext.?runAsUser.orValue(object.spec.securityContext.runAsUser) "
    "== object.spec.securityContext.runAsUser && "
    "c.?securityContext.?runAsGroup.orValue(object.spec.securityContext.runAsGroup) "
    "== object.spec.securityContext.runAsGroup && "
    "c.?securityContext.?privileged.orValue(false) == false && "
    "c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false && "
    "c.?securityContext.?capabilities.?add.orValue([]).size() == 0 && "
    "'ALL' in c.?securityContext.?capabilities.?drop.orValue([]))"
)
_LISTS = (
    "object.spec.containers",
    "object.spec.?initContainers.orValue([])",
    "object.spec.?ephemeralContainers.orValue([])",
)


def declared(who: Identification) -> str:
    """Return what the map says of a person, in the words that the policy makes of a pod."""
    return f"{who.uid} {who.gid} {','.join(map(str, who.supplemental_gids))}"


def declarations(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that holds who is declared."""
    made = {"name": PEOPLE, "labels": {marks.MANAGED_BY: marks.MANAGER}}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": made, **content}


def admission_policy(namespace: str, *, host_paths: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the kind of declarations, and the policy and its binding for one namespace of lab pods.

    Parameters
    ----------
    namespace
        Every pod in it is judged, whoever makes it.
    host_paths
        Folders of the nodes that pods may have; none: no host path at all.
    """
    name = f"beamtorch-{namespace}"
    match = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": {marks.MANAGED_BY: marks.MANAGER}},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND},
            "matchConstraints": {
                "namespaceSelector": match,
                "resourceRules": [
                    _rule("pods", "CREATE"),
                    _rule("pods/ephemeralcontainers", "UPDATE"),
                ],
            },
            "variables": [
                {
                    "name": "user",
                    "expression": f"object.metadata.?annotations[?'{marks.USERNAME}'].orValue('')",
                }
            ],
            "validations": [{"expression": rule, "message": message} for rule, message in _rules(host_paths)],
        },
    }
    binding = {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": {marks.MANAGED_BY: marks.MANAGER}},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "paramRef": {"name": PEOPLE, "namespace": namespace, "parameterNotFoundAction": "Deny"},
            "matchResources": {"namespaceSelector": match},
        },
    }
    return [kind_of_declarations(), policy, binding]


def kind_of_declarations() -> dict[str, Any]:
    """Return the definition of the kind that holds who is declared; one for the whole cluster."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}", "labels": {marks.MANAGED_BY: marks.MANAGER}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": PLURAL},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"data": texts}}},
                }
            ],
        },
    }


def _rules(host_paths: Sequence[str]) -> list[tuple[str, str]]:
    allowed = "[" + ", ".join(f"'{path}'" for path in host_paths) + "]"
    return [
        (
            " && ".join(f"object.spec.?securityContext.?{name}.orValue(0) > 0" for name in ("runAsUser", "runAsGroup")),
            "a pod names its user and group, and neither is 0",
        ),
        (
            f"variables.user in params.?data.orValue({{}}) && params.data[variables.user] == {_WHO}",
            NUMBERS,
        ),
        (
            "object.spec.?securityContext.?supplementalGroupsPolicy.orValue('Merge') == 'Strict'",
            "a pod does not take groups from its image",
        ),
        ("!has(object.spec.securityContext.fsGroup)", "a pod changes no owners on storage"),
        *(
            (_CONTAINER.format(list=containers), "every container is the pod's person, with no privilege to gain")
            for containers in _LISTS
        ),
        (
            f"object.spec.?volumes.orValue([]).all(v, !has(v.hostPath) || v.hostPath.path in {allowed})",
            "a pod has no folder of its node",
        ),
        (
            " && ".join(f"!object.spec.?{name}.orValue(false)" for name in ("hostNetwork", "hostPID", "hostIPC")),
            "a pod shares nothing with its node",
        ),
        (
            "object.spec.?automountServiceAccountToken.orValue(true) == false",
            "a pod does not speak to the cluster",
        ),
    ]


def _rule(resource: str, operation: str) -> dict[str, Any]:
    return {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the manifests."""
    parser = argparse.ArgumentParser(prog="python -m beamtorch_spawner.cluster.admission_policy", description=__doc__)
    parser.add_argument("namespace", help="where lab pods are")
    parser.add_argument("--host-path", action="append", default=[], help="a folder of the nodes that pods may have")
    told = parser.parse_args(argv)
    yaml.safe_dump_all(
        admission_policy(told.namespace, host_paths=told.host_path), sys.stdout, sort_keys=False, width=1000
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
