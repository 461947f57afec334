"""What is chosen for labs in a cluster (``config/cluster.yaml``), and what came of it at this start."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
DEFAULT_NAMESPACE = "beamtorch"


@dataclass(frozen=True, kw_only=True)
class ClusterWish:
    """What was said on the command line; None: nothing."""

    namespace: str | None = None
    lab_image: str | None = None
    address: str | None = None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClusterChoices(_Strict):
    """What the person who runs the platform chose; kept, so that the next start needs no options."""

    namespace: str = Field(default=DEFAULT_NAMESPACE, pattern=NAMESPACE, description="where lab pods are")
    lab_image: str | None = Field(default=None, max_length=400, description="none: the one of this version")
    address: str | None = Field(default=None, description="of this machine, as pods reach it; none: found anew")
    kubeconfig: Path | None = Field(default=None, description="none: KUBECONFIG, else ~/.kube/config, of each start")
    promised_cores: float = Field(
        default=1.0, ge=0, le=1, description="part of its cores that a pod is promised; more only if others leave it"
    )
    admission_policy: bool = Field(
        default=False, description="whether the cluster itself compares each pod with the directory's numbers"
    )
    data_claim: str | None = Field(
        default=None, max_length=253, description="volume claim with the platform's data folder; none: this machine's"
    )
    homes_claim: str | None = Field(
        default=None, max_length=253, description="volume claim with the folder of homes; none: this machine's"
    )

    @model_validator(mode="after")
    def _claims_go_together(self) -> Self:
        if (self.data_claim is None) != (self.homes_claim is None):
            raise ValueError("data_claim and homes_claim are named together or not at all")
        return self

    def with_wish(self, wish: ClusterWish) -> Self:
        """Return what holds from now on: the wish, and what was chosen earlier where nothing is wished."""
        said = {name: value for name, value in vars(wish).items() if value is not None}
        return type(self).model_validate({**self.model_dump(), **said})


class ClusterSettings(_Strict):
    """The cluster that the labs of a running platform are in; written at each start with ``--cluster``."""

    namespace: str = Field(pattern=NAMESPACE)
    platform: str = Field(description="the label by which this platform's pods are told from others'")
    server: str = Field(description="URL of the cluster's API")
    kubeconfig: Path
    address: str = Field(description="of this machine; the hub and the services listen there for the labs")
    lab_image: str
    promised_cores: float = 1.0
    admission_policy: bool = False
    data_claim: str | None = None
    homes_claim: str | None = None

    @property
    def uses_folders(self) -> bool:
        """Whether pods get the folders of this machine itself."""
        return self.data_claim is None
