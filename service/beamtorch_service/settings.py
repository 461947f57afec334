"""What a service knows about its Hub, from the variables that JupyterHub gives to every service."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class HubSettings(BaseModel):
    """The service's place at the Hub; the same whether the Hub or somebody else started the process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(description="name of the service at the Hub")
    prefix: str = Field(description="path of the service, with a slash at both ends")
    hub_prefix: str = Field(default="/hub/", description="path of the Hub's own pages")
    api_url: str = Field(description="the Hub's REST API, as the service reaches it")
    api_token: SecretStr = Field(description="the service's own token, also its OAuth secret")
    listen_host: str = "127.0.0.1"
    listen_port: int = Field(ge=1, le=65535)

    @property
    def client_id(self) -> str:
        """The OAuth client of the service; the Hub's convention."""
        return f"service-{self.service}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that JupyterHub documents for services."""
        host, _, port = environment["JUPYTERHUB_SERVICE_URL"].removeprefix("http://").rstrip("/").partition(":")
        return cls(
            service=environment["JUPYTERHUB_SERVICE_NAME"],
            prefix=environment["JUPYTERHUB_SERVICE_PREFIX"],
            hub_prefix=environment.get("JUPYTERHUB_BASE_URL", "/") + "hub/",
            api_url=environment["JUPYTERHUB_API_URL"],
            api_token=SecretStr(environment["JUPYTERHUB_API_TOKEN"]),
            listen_host=host,
            listen_port=int(port.partition("/")[0]),
        )
