"""People of a facility's LDAP server, read afresh at each question, with a read-only account, over TLS alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from socket import IPPROTO_TCP, TCP_NODELAY
from ssl import CERT_REQUIRED, PROTOCOL_TLS_CLIENT
from typing import Any
from urllib.parse import urlsplit

from ldap3 import ALL_ATTRIBUTES, NO_ATTRIBUTES, NONE, SAFE_SYNC, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult, LDAPUnwillingToPerformResult
from ldap3.utils.conv import escape_filter_chars

from beamtorch_facility.directory import PersonRefusedError, ambiguous, same_number, unknown
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_identity.errors import LdapSettingsError, LdapUnreachableError
from beamtorch_identity.ldap_entries import Entry, Group, group_of, identity_of
from beamtorch_identity.ldap_settings import LdapSettings

PAGE = 500
IN_CHAIN = ":1.2.840.113556.1.4.1941:"
"""Active Directory's LDAP_MATCHING_RULE_IN_CHAIN: members of members, too."""
LDAP_UNAVAILABLE = (LDAPException, OSError)
WRONG_PASSWORD = (LDAPInvalidCredentialsResult, LDAPUnwillingToPerformResult)
TLS_PORT, PLAIN_PORT = 636, 389


class LdapDirectory:
    """One LDAP server."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._names = settings.names

    def person(self, username: Username) -> Identity:
        """Return a person, read afresh.

        Raises
        ------
        UnknownPersonError
            If nobody has the name.
        PersonRefusedError
            If the entry cannot be used, or there are several.
        LdapUnreachableError
            If the server does not answer in time.
        """
        with self._connection() as connection:
            return self._known(connection, self._entry(connection, username))

    def people(self) -> Iterable[Identity]:
        """Return everybody whose entry can be used; errors of the server as in `person`."""
        return tuple(judged for _, judged in self._everybody() if isinstance(judged, Identity))

    def faults(self) -> Iterable[tuple[str, PersonRefusedError]]:
        """Return everybody else by name, with the reason; errors of the server as in `person`."""
        return tuple((name, judged) for name, judged in self._everybody() if isinstance(judged, PersonRefusedError))

    def check_password(self, username: Username, password: str) -> Identity | None:
        """Return the person if the server takes the password, None if it does not; errors as in `person`.

        Whether the entry can be used is judged last, so that nobody learns of an account without its password.
        """
        if not password.isprintable() or not password:
            # An empty password is an anonymous bind, which succeeds for everybody (RFC 4513 5.1.2); one with control
            # characters cannot be sent (RFC 4013 2.3).
            return None
        with self._connection() as connection:
            entry = self._entry(connection, username)
            return self._known(connection, entry) if self._takes(entry.dn, password) else None

    def _takes(self, who: str, password: str) -> bool:
        try:
            with self._bound(who, password):
                return True
        except WRONG_PASSWORD:
            return False

    # -- questions --------------------------------------------------------------------------------

    def _known(self, connection: Any, entry: Entry) -> Identity:
        person = identity_of(entry, self._groups_of(connection, entry), self._settings, now=datetime.now(UTC))
        if entry.number(self._names.uid) is not None:
            wanted = f"(&(objectClass={self._names.person_class})({self._names.uid}={person.uid}))"
            found = self._search(connection, self._settings.people, wanted, (NO_ATTRIBUTES,))
            others = [one.dn for one in found if one.dn != entry.dn]
            if others:
                raise same_number(person, others[0])
        return person

    def _everybody(self) -> Iterator[tuple[str, Identity | PersonRefusedError]]:
        with self._connection() as connection:
            entries = list(self._search(connection, self._settings.people, f"(objectClass={self._names.person_class})"))
            by_member = self._members(connection)
        names, now = self._names, datetime.now(UTC)
        called = Counter(entry.one(names.username) for entry in entries)
        numbered: dict[int | None, list[str]] = {}
        for entry in entries:
            numbered.setdefault(entry.number(names.uid), []).append(entry.dn)
        for entry in entries:
            name = entry.one(names.username) or entry.dn
            member = (entry.dn if names.member_is_dn else name).lower()
            try:
                if called[name] > 1:
                    raise ambiguous(name, called[name])
                person = identity_of(entry, by_member.get(member, ()), self._settings, now=now)
                others = [dn for dn in numbered[entry.number(names.uid)] if dn != entry.dn]
                if others and entry.number(names.uid) is not None:
                    raise same_number(person, others[0])
            except PersonRefusedError as error:
                yield name, error
            else:
                yield name, person

    def _entry(self, connection: Any, username: Username) -> Entry:
        names = self._names
        wanted = f"(&(objectClass={names.person_class})({names.username}={escape_filter_chars(str(username))}))"
        found = list(self._search(connection, self._settings.people, wanted))
        if not found:
            raise unknown(username)
        if len(found) > 1:
            raise ambiguous(username, len(found))
        return found[0]

    def _groups_of(self, connection: Any, entry: Entry) -> list[Group]:
        names = self._names
        member = entry.dn if names.member_is_dn else entry.one(names.username) or ""
        rule = IN_CHAIN if names.nested else ""
        wanted = f"(&(objectClass={names.group_class})({names.member}{rule}={escape_filter_chars(member)}))"
        # Not its members: a large group has thousands.
        asked = tuple(name for name in (names.group_name, names.group_gid, names.sid) if name)
        found = self._search(connection, self._settings.groups, wanted, asked)
        return [group for one in found if (group := group_of(one, self._settings)) is not None]

    def _members(self, connection: Any) -> dict[str, list[Group]]:
        by_member: dict[str, list[Group]] = {}
        for entry in self._search(connection, self._settings.groups, f"(objectClass={self._names.group_class})"):
            group = group_of(entry, self._settings)
            for member in entry.all(self._names.member) if group is not None else ():
                by_member.setdefault(member.lower(), []).append(group)  # type: ignore[arg-type]
        return by_member

    def _search(
        self, connection: Any, base: str, wanted: str, asked: Sequence[str] = (ALL_ATTRIBUTES,)
    ) -> Iterator[Entry]:
        pages = connection.extend.standard.paged_search(
            base, wanted, SUBTREE, attributes=list(asked), paged_size=PAGE, generator=True
        )
        for found in pages:
            if found["type"] == "searchResEntry":
                attributes = {name.lower(): tuple(values) for name, values in found["raw_attributes"].items()}
                yield Entry(str(found["dn"]), attributes)

    # -- connections ------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        settings = self._settings
        try:
            password = settings.bind_password_file.read_text().strip() if settings.bind_password_file else None
        except OSError as error:
            raise LdapSettingsError(
                Words(
                    en=f"The password of the directory's account cannot be read: {error}. Name another file.",
                    zh=f"无法读取目录账户的密码：{error}。请指定其他文件。",
                )
            ) from error
        try:
            with self._bound(settings.bind_dn, password) as connection:
                yield connection
        except LDAP_UNAVAILABLE as error:
            raise self._unreachable(error) from error

    @contextmanager
    def _bound(self, who: str | None, password: str | None) -> Iterator[Any]:
        """Give a connection in somebody's name; either TLS from the first byte, or StartTLS before anything is said."""
        parts, seconds = urlsplit(self._settings.url), self._settings.seconds
        is_tls = parts.scheme == "ldaps"
        ca_file = str(self._settings.ca_file) if self._settings.ca_file is not None else None
        tls = Tls(validate=CERT_REQUIRED, version=PROTOCOL_TLS_CLIENT, ca_certs_file=ca_file)
        port = parts.port or (TLS_PORT if is_tls else PLAIN_PORT)
        server = Server(parts.hostname, port, use_ssl=is_tls, tls=tls, connect_timeout=seconds, get_info=NONE)
        connection = Connection(
            server,
            user=who,
            password=password,
            client_strategy=SAFE_SYNC,
            receive_timeout=seconds,
            read_only=True,
            raise_exceptions=True,
        )
        try:
            connection.open()
            # Questions are small and each waits for its answer: held back to fill a packet they take 40 ms more.
            connection.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            if not is_tls:
                connection.start_tls()
            connection.bind()
            yield connection
        finally:
            # The library forgets the socket, open as it is, when the other side was quicker or a handshake failed.
            socket = connection.socket
            with suppress(*LDAP_UNAVAILABLE):
                connection.unbind()
            if socket is not None:
                socket.close()

    def _unreachable(self, error: Exception) -> LdapUnreachableError:
        why = str(error)[:200]
        return LdapUnreachableError(
            Words(
                en=f"The directory at {self._settings.url} does not answer as it should ({why}). Try again in a "
                "minute; if it stays, tell the facility.",
                zh=f"目录 {self._settings.url} 未正常响应（{why}）。请一分钟后重试；若仍如此，请告知设施人员。",
            )
        )
