"""Signing in with the directory's own passwords: the LDAP server itself is asked whether a password is right."""

from functools import cached_property
from pathlib import Path

from beamtorch_facility.directory import UnknownPersonError
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_hub.sign_in.of_directory import PasswordAuthenticator
from beamtorch_identity.errors import LdapSettingsError
from beamtorch_identity.ldap_directory import LdapDirectory
from beamtorch_identity.opening import ldap_settings


class LdapAuthenticator(PasswordAuthenticator):
    """Knows people by their password at the LDAP server that is the directory."""

    @cached_property
    def server(self) -> LdapDirectory:
        """The server; what was remembered of it vouches for no password."""
        settings = ldap_settings(Path(self.directory_file))
        if settings is None:
            raise LdapSettingsError(
                Words(
                    en=f"{self.directory_file} names no LDAP server. Write how to ask it (ldap: …), or choose another "
                    "way to sign in.",
                    zh=f"{self.directory_file} 未指定 LDAP 服务器。请写明访问方式（ldap: …），或选择其他登录方式。",
                )
            )
        return LdapDirectory(settings)

    def known(self, name: str, password: str) -> Identity | None:
        """Ask the server, as the person."""
        try:
            return self.server.check_password(Username(name), password)
        except (UnknownPersonError, MalformedNameError):
            return None
