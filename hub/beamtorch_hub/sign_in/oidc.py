"""Signing in at another site (OpenID Connect): the site says who somebody is, the directory what they may."""

import asyncio
from http import HTTPStatus
from typing import Any

from oauthenticator.generic import GenericOAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets import default

from beamtorch_facility.directory import PersonRefusedError, UnknownPersonError, unknown
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.words import Words
from beamtorch_hub.errors import SignInUnavailableError
from beamtorch_hub.sign_in.of_directory import DirectoryAuthenticator, model

NO_ANSWER = Words(
    en="The site where you sign in did not say who you are. Sign in again; if it stays, tell the facility.",
    zh="登录站点未能确认您的身份。请重新登录；若仍失败，请告知设施人员。",
)


class OidcAuthenticator(DirectoryAuthenticator, GenericOAuthenticator):
    """Takes the name from a site's claim, and everything else from the directory."""

    @default("enable_auth_state")
    def _keeps_no_tokens_of_the_site(self) -> bool:
        return False

    async def authenticate(self, handler: Any, data: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the person whom the site vouches for; whom the directory does not know is refused by name."""
        try:
            told = await super().authenticate(handler, data)
        except (HTTPClientError, OSError) as error:
            # Its words may quote what was asked, which is a secret.
            self.log.error("%s did not vouch for anybody: %s", self.token_url, type(error).__name__)  # noqa: TRY400
            refusal = HTTPError(HTTPStatus.SERVICE_UNAVAILABLE, str(NO_ANSWER))
            raise refusal from SignInUnavailableError(NO_ANSWER)
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
