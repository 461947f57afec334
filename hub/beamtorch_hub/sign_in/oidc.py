"""Signing in at another site (OpenID Connect): the site says who somebody is, the directory what they may."""

import asyncio
from typing import Any

from oauthenticator.generic import GenericOAuthenticator
from traitlets import default

from beamtorch_facility.directory import PersonRefusedError, UnknownPersonError, unknown
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_hub.sign_in.of_directory import DirectoryAuthenticator, model


class OidcAuthenticator(DirectoryAuthenticator, GenericOAuthenticator):
    """Takes the name from a site's claim, and everything else from the directory."""

    @default("enable_auth_state")
    def _keeps_no_tokens_of_the_site(self) -> bool:
        return False

    async def authenticate(self, handler: Any, data: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the person whom the site vouches for; whom the directory does not know is refused by name."""
        told = await super().authenticate(handler, data)
        if told is None:
            return None
        name = str(told["name"])
        try:
            return model(await asyncio.to_thread(self.person, name))
        except (UnknownPersonError, MalformedNameError):
            raise self.refused(unknown(name)) from None
        except PersonRefusedError as error:
            raise self.refused(error) from None
        except BeamtorchError as error:
            raise self.unavailable(error) from None
