"""From a wish and earlier choices to the cluster that the labs of this start are in; every doubt is cleared before."""

import hashlib
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from ipaddress import ip_address, ip_network
from pathlib import Path

import yaml

from beamtorch_facility.words import Words
from beamtorch_hub.cluster.address import choose_address, own_addresses
from beamtorch_hub.cluster.kube import ClusterFacts, Kube
from beamtorch_hub.cluster.settings import ClusterChoices, ClusterSettings
from beamtorch_hub.errors import ClusterNotUsableError
from beamtorch_hub.files import write_text
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.ports import LOOPBACK

_KUBECONFIG = "KUBECONFIG"
_CLAIMS = ("data_claim", "homes_claim")


def resolve(
    home: PlatformHome, choices: ClusterChoices, surroundings: Mapping[str, str], announce: Callable[[str], None]
) -> ClusterSettings:
    """Find the cluster, see that it lets us work there, and return what this start uses.

    Parameters
    ----------
    home
        Folder of the platform; its name makes the label of its pods.
    choices
        What was chosen.
    surroundings
        Variables of the caller; ``KUBECONFIG`` counts.
    announce
        Takes one line of progress.

    Raises
    ------
    ClusterNotUsableError
        If there is no cluster, it does not answer, or it does not let us do what labs need.
    """
    kubeconfig = choices.kubeconfig or find_kubeconfig(surroundings)
    kube = Kube(kubeconfig)
    facts = kube.look()
    address = choose_address(facts.server, choices.address)
    if kube.ensure_namespace(choices.namespace):
        announce(f"made the namespace {choices.namespace}")
    if missing := kube.missing_rights(choices.namespace, declares_people=choices.admission_policy):
        raise _not_allowed(choices.namespace, missing)
    if choices.data_claim is None:
        _demand_one_machine(home, facts)
    _write_policy(home, address, facts, announce)
    return ClusterSettings(
        namespace=choices.namespace,
        platform=platform_name(home),
        server=facts.server,
        kubeconfig=kubeconfig,
        address=address,
        lab_image=choices.lab_image or default_image(),
        promised_cores=choices.promised_cores,
        admission_policy=choices.admission_policy,
        **{claim: getattr(choices, claim) for claim in _CLAIMS},
    )


def platform_name(home: PlatformHome) -> str:
    """Return what the pods of this home are labelled with; the same at every start."""
    return f"home-{hashlib.sha256(str(home.root).encode()).hexdigest()[:12]}"


def default_image() -> str:
    """Return the image that `images/lab/build.py` makes of this version."""
    return f"localhost/beamtorch-lab:{version('beamtorch')}"


def find_kubeconfig(surroundings: Mapping[str, str]) -> Path:
    """Return the file that tells of the current cluster, as kubectl finds it."""
    named = surroundings.get(_KUBECONFIG, "")
    files = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    if len(files) > 1:
        raise ClusterNotUsableError(
            Words(
                en=f"{_KUBECONFIG} names {len(files)} files. Name the one that the labs are to use.",
                zh=f"{_KUBECONFIG} 指定了 {len(files)} 个文件，请只指定实验环境所用的一个。",
            )
        )
    path = files[0] if files else Path(surroundings.get("HOME", "~")).expanduser() / ".kube" / "config"
    if path.is_file():
        return path.resolve()
    how_en = (
        f"{path}, which {_KUBECONFIG} names, is not there"
        if files
        else f"{_KUBECONFIG} is not set and there is no {path}"
    )
    how_zh = f"{_KUBECONFIG} 指定的 {path} 不存在" if files else f"未设置 {_KUBECONFIG}，且没有 {path}"
    raise ClusterNotUsableError(
        Words(
            en=f"No cluster is known here: {how_en}. Set it to the file that whoever runs the cluster gave you, or "
            "leave --cluster away to have labs on this machine.",
            zh=f"未找到集群：{how_zh}。请将其设为集群管理员提供的文件；去掉 --cluster 则在本机运行实验环境。",
        )
    )


def _demand_one_machine(home: PlatformHome, facts: ClusterFacts) -> None:
    """Refuse to hand out folders of this machine to pods of another."""
    own = set(own_addresses())
    if facts.node_addresses and all(own.intersection(node) for node in facts.node_addresses):
        return
    nodes = ", ".join("/".join(node) for node in facts.node_addresses) or "?"
    raise ClusterNotUsableError(
        Words(
            en=f"Pods would run on machines that do not have this one's folders (nodes: {nodes}). Put data and homes "
            f"on a shared file system, make a volume claim for each, and name them in {home.cluster_choices} as "
            "data_claim and homes_claim.",
            zh=f"Pod 所在的节点（{nodes}）没有本机的文件夹。请将数据和主目录放在共享文件系统上，分别建立卷申领，并在 "
            f"{home.cluster_choices} 中用 data_claim 和 homes_claim 指定。",
        )
    )


def _not_allowed(namespace: str, missing: list[str]) -> ClusterNotUsableError:
    return ClusterNotUsableError(
        Words(
            en=f"Labs need more rights in the namespace {namespace}: {', '.join(missing)}. Ask whoever runs the "
            "cluster for them, or name another namespace with --namespace.",
            zh=f"在命名空间 {namespace} 中缺少权限：{'、'.join(missing)}。请向集群管理员申请，"
            "或用 --namespace 指定其他命名空间。",
        )
    )


def _write_policy(home: PlatformHome, address: str, facts: ClusterFacts, announce: Callable[[str], None]) -> None:
    """Let the service believe our own proxy about where a request came from; a policy of one's own stays as it is."""
    if not home.policy.exists():
        never = [f"{address}/32", f"{LOOPBACK}/8", *facts.networks]
        document = {"trusted_proxies": [f"{address}/32"], "never_terminals": [str(_network(net)) for net in never]}
        note = "# Lifetimes, images, proxies: docs/how-to/run-labs-on-a-cluster.md. A change counts at once.\n"
        write_text(home.policy, note + yaml.safe_dump(document, sort_keys=False))
        return
    try:
        document = yaml.safe_load(home.policy.read_text(encoding="utf-8")) or {}
        trusted = [ip_network(str(net)) for net in document.get("trusted_proxies", ())]
    except (OSError, yaml.YAMLError, ValueError, AttributeError, TypeError):
        return  # The service says what is wrong with it, at every start of a lab.
    if not any(ip_address(address) in net for net in trusted if net.version == ip_address(address).version):
        announce(f"{home.policy} does not trust {address}, so no terminal is recognised; add it to trusted_proxies")


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))
