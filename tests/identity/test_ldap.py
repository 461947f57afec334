"""People of a real LDAP server: the same facts in three schemas, and every way in which a server can be wrong."""

import base64
import signal
import time
from pathlib import PurePosixPath

import pytest
import yaml
from pydantic import ValidationError

from beamtorch_facility.directory import (
    AmbiguousPersonError,
    LockedPersonError,
    PersonRefusedError,
    UnknownPersonError,
    YamlDirectory,
    dump_people,
)
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_identity.errors import LdapSettingsError, LdapUnreachableError
from beamtorch_identity.ldap_directory import LdapDirectory
from beamtorch_identity.ldap_settings import LdapSettings, SidRange
from beamtorch_identity.opening import open_directory
from beamtorch_identity.remembered import RememberingDirectory
from beamtorch_identity.sid import sid_bytes, sid_text

SUFFIX = "dc=torch,dc=example"
DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEr0gYV6yl3R7vHY8lGv0B1E1Fq1Ck2mW1oZ0mW8Z9Xk ada@desk"
ADA = Identity(
    username=Username("okafor"),
    full_name=Words(en="Ada Okafor", zh="阿达"),
    uid=50002,
    gid=50003,
    groups=("proposal-2026-0988", "staff-BL-B7"),
    gids={"proposal-2026-0988": 60988, "staff-BL-B7": 70007},
    home=PurePosixPath("/home/okafor"),
    ssh_keys=(KEY,),
    language="en",
)


def person(uid: str, number: int, *, more: str = "", ou: str = "people", also: str = "ldapPublicKey") -> str:
    return (
        f"dn: uid={uid},ou={ou},{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: {also}\n"
        f"cn: {uid.title()}\nsn: {uid}\nuid: {uid}\nuidNumber: {number}\ngidNumber: 50003\n"
        f"homeDirectory: /home/{uid}\nuserPassword: right of {uid}\n{more}"
    )


def okafor() -> str:
    zh = base64.b64encode("阿达".encode()).decode()
    text = person("okafor", 50002, more=f"displayName:: {zh}\npreferredLanguage: en\nsshPublicKey: {KEY}\n")
    return text.replace("cn: Okafor", "cn: Ada Okafor")


GROUP_NUMBERS = {"proposal-2026-0988": 60988, "staff-BL-B7": 70007, "wheel": 10, "nobody-s": 60001}
MEMBERS = {"proposal-2026-0988": ["okafor"], "staff-BL-B7": ["okafor", "zhang"], "wheel": ["root-like"], "nobody-s": []}


def rfc2307() -> str:
    groups = [
        f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {gid}\n"
        + "".join(f"memberUid: {member}\n" for member in MEMBERS[name])
        for name, gid in GROUP_NUMBERS.items()
    ]
    days = int(time.time() // 86400)
    others = [
        person("zhang", 50005),
        person("system", 33),
        person("over", 50006, more=f"shadowExpire: {days - 1}\n", also="shadowAccount"),
        person("valid", 50007, more=f"shadowExpire: {days + 30}\n", also="shadowAccount"),
        person("star*", 50008),
        f"dn: ou=old,ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: old\n",
        person("twice", 50009),
        person("twice", 50010, ou="old,ou=people"),
        person("same", 50011),
        person("number", 50011),
    ]
    return "\n".join([okafor(), *others, *groups])


def rfc2307bis() -> str:
    groups = [
        f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\nobjectClass: numberedGroup\ncn: {name}\n"
        f"gidNumber: {gid}\nmember: cn=none\n"
        + "".join(f"member: uid={member},ou=people,{SUFFIX}\n" for member in MEMBERS[name])
        for name, gid in GROUP_NUMBERS.items()
    ]
    return "\n".join([okafor(), person("zhang", 50005), *groups])


def active_directory() -> str:
    """Entries as Active Directory has them, in OpenLDAP's copy of its schema; numbers come from the SIDs."""

    def sid(rid: int) -> str:
        return base64.b64encode(sid_bytes(f"{DOMAIN}-{rid}")).decode()

    must = "instanceType: 4\nnTSecurityDescriptor: x\nobjectCategory: cn=x\n"
    zh = base64.b64encode("阿达".encode()).decode()

    def user(name: str, rid: int, flags: int, display: str) -> str:
        return (
            f"dn: cn={name},ou=people,{SUFFIX}\nobjectClass: user\nobjectClass: principal\n"
            f"objectClass: ldapPublicKey\ncn: {name}\nsn: {name}\n"
            f"sAMAccountName: {name}\n{must}objectSid:: {sid(rid)}\nuserAccountControl: {flags}\nprimaryGroupID: 3\n"
            f"displayName: {display}\ngivenName:: {zh}\nhomeDirectory: /home/{name}\nsshPublicKey: {KEY}\n"
            f"userPassword: right of {name}\n"
        )

    groups = [
        f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: group\nobjectClass: principal\ncn: {name}\n"
        f"{must}groupType: 2\nobjectSid:: {sid(rid)}\n"
        + "".join(f"member: cn={member},ou=people,{SUFFIX}\n" for member in MEMBERS[name])
        for name, rid in {"proposal-2026-0988": 10988, "staff-BL-B7": 20007}.items()
    ]
    return "\n".join([user("okafor", 2, 512, "Ada Okafor"), user("zhang", 5, 514, "Zhang"), *groups])


RANGE = {"domain": DOMAIN, "first": 50000}
# OpenLDAP's copy of the schema has no rule to compare sAMAccountName, and no rule for members of members.
AD_NAMES = {
    "username": "cn",
    "nested": False,
    "full_name_zh": "givenName",
    "home": "homeDirectory",
    "group_class": "group",
}
LAYOUTS = {
    "rfc2307": (rfc2307, "nis", {}),
    "rfc2307bis": (rfc2307bis, "nis", {"schema": "rfc2307bis", "attributes": {"group_class": "groupOfNames"}}),
    "active-directory": (
        active_directory,
        "msuser",
        {"schema": "active-directory", "attributes": AD_NAMES, "sids": RANGE},
    ),
}


@pytest.fixture(scope="module")
def slapd(make_slapd):
    return make_slapd(rfc2307())


@pytest.fixture
def directory(slapd):
    return LdapDirectory(LdapSettings.model_validate(slapd.settings()))


@pytest.fixture(params=["yaml", *LAYOUTS])
def any_directory(request, tmp_path):
    """The file of the embedded default, and each schema: all know the same person."""
    if request.param == "yaml":
        (tmp_path / "directory.yaml").write_text(dump_people([ADA]), encoding="utf-8")
        return YamlDirectory(tmp_path / "directory.yaml")
    make, schema, how = LAYOUTS[request.param]
    server = request.getfixturevalue("make_slapd")(make(), schema)
    return LdapDirectory(LdapSettings.model_validate(server.settings(**how)))


def test_the_same_person_is_the_same_whatever_knows_them(any_directory):
    found = any_directory.person(Username("okafor"))
    assert found.model_copy(update={"sid": None}) == ADA
    assert found in tuple(any_directory.people())
    with pytest.raises(UnknownPersonError, match="knows nobody called “nemo”"):
        any_directory.person(Username("nemo"))


def test_a_password_is_checked_by_the_server_itself(directory):
    assert directory.check_password(Username("okafor"), "right of okafor").uid == 50002
    for wrong in ("right of zhang", "", "*", "\0", "x" * 10_000):
        assert directory.check_password(Username("okafor"), wrong) is None


def in_a_file(tmp_path):
    """The same faults as in the server's entries, in the file of the embedded default."""

    def one(name: str, number: int):
        return {"username": name, "full_name": {"en": name, "zh": name}, "uid": number, "gid": 50003}

    numbers = {"okafor": 50002, "system": 33, "over": 50006, "same": 50011, "number": 50011}
    people = [*(one(*pair) for pair in numbers.items()), one("twice", 50009), one("twice", 50010)]
    (tmp_path / "directory.yaml").write_text(yaml.safe_dump({"people": people, "locked": ["over"]}))
    return YamlDirectory(tmp_path / "directory.yaml")


@pytest.fixture(params=["yaml", "ldap"])
def faulty(request, tmp_path):
    return in_a_file(tmp_path) if request.param == "yaml" else request.getfixturevalue("directory")


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("system", PersonRefusedError, "uid 33 is below 1000"),
        ("over", LockedPersonError, "is (over|locked) in the directory"),
        ("twice", AmbiguousPersonError, "2 entries called “twice”"),
        ("same", AmbiguousPersonError, "gives uid 50011 of “same” to .*number"),
    ],
)
def test_an_entry_that_must_be_nobody_is_refused_with_the_reason(faulty, name, error, said):
    with pytest.raises(error, match=said):
        faulty.person(Username(name))
    names = {str(one.username) for one in faulty.people()}
    assert name not in names
    assert "okafor" in names


def test_an_account_that_is_not_over_yet_is_somebody(directory):
    assert directory.person(Username("valid")).uid == 50007


def test_the_number_and_the_sid_of_somebody_in_active_directory_are_both_told(make_slapd):
    make, schema, how = LAYOUTS["active-directory"]
    directory = LdapDirectory(LdapSettings.model_validate(make_slapd(make(), schema).settings(**how)))
    person = directory.person(Username("okafor"))
    assert (person.uid, person.sid) == (50002, f"{DOMAIN}-2")


def test_a_disabled_account_of_active_directory_is_nobody(make_slapd):
    make, schema, how = LAYOUTS["active-directory"]
    directory = LdapDirectory(LdapSettings.model_validate(make_slapd(make(), schema).settings(**how)))
    with pytest.raises(LockedPersonError):
        directory.person(Username("zhang"))


@pytest.mark.parametrize("name", ["*", "o*", "okafor)(uid=*", "*)(objectClass=*", "\\2a", "okafor\0"])
def test_characters_of_a_filter_find_nobody(directory, name):
    hostile = str.__new__(Username, name)
    with pytest.raises(UnknownPersonError):
        directory.person(hostile)
    with pytest.raises(UnknownPersonError):
        directory.check_password(hostile, "x")


def test_a_server_that_is_away_is_told_and_what_was_known_counts_for_a_bounded_time(make_slapd):
    server = make_slapd(rfc2307())
    settings = LdapSettings.model_validate(server.settings(seconds=1))
    fresh, remembering = LdapDirectory(settings), RememberingDirectory(LdapDirectory(settings), seconds=1.5)
    assert remembering.person(Username("okafor")).uid == 50002
    server.stop(signal.SIGKILL)
    with pytest.raises(LdapUnreachableError, match="does not answer as it should"):
        fresh.person(Username("okafor"))
    assert remembering.person(Username("okafor")).uid == 50002
    with pytest.raises(LdapUnreachableError):
        remembering.person(Username("zhang"))
    time.sleep(1.6)
    with pytest.raises(LdapUnreachableError):
        remembering.person(Username("okafor"))


def test_for_pages_an_answer_may_be_a_while_old_and_for_a_start_it_is_asked_anew(make_slapd, tmp_path):
    server = make_slapd(rfc2307())
    path = tmp_path / "directory.yaml"
    path.write_text(yaml.safe_dump({"ldap": server.settings(seconds=1, cached_seconds=2)}))
    for_pages, for_starts = open_directory(path, for_pages=True), open_directory(path)
    assert for_pages.person(Username("okafor")) == for_starts.person(Username("okafor"))
    server.stop(signal.SIGKILL)
    assert for_pages.person(Username("okafor")).uid == 50002
    with pytest.raises(LdapUnreachableError):
        for_starts.person(Username("okafor"))
    time.sleep(2.1)
    with pytest.raises(LdapUnreachableError):
        for_pages.person(Username("okafor"))


def test_a_server_that_hangs_is_waited_for_no_longer_than_was_said(make_slapd):
    server = make_slapd(rfc2307())
    directory = LdapDirectory(LdapSettings.model_validate(server.settings(seconds=1)))
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(LdapUnreachableError):
            directory.person(Username("okafor"))
        assert time.monotonic() - began < 8
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_a_server_that_nobody_vouches_for_gets_no_password(slapd):
    settings = slapd.settings()
    del settings["ca_file"]
    with pytest.raises(LdapUnreachableError):
        LdapDirectory(LdapSettings.model_validate(settings)).person(Username("okafor"))


def test_a_reader_who_is_not_let_in_is_told(slapd, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    settings = slapd.settings(bind_password_file=str(tmp_path / "wrong"))
    with pytest.raises(LdapUnreachableError) as told:
        LdapDirectory(LdapSettings.model_validate(settings)).person(Username("okafor"))
    assert "wrong" not in told.value.detail.en
    gone = slapd.settings(bind_password_file=str(tmp_path / "not-there"))
    with pytest.raises(LdapSettingsError, match="password of the directory's account cannot be read"):
        LdapDirectory(LdapSettings.model_validate(gone)).person(Username("okafor"))


@pytest.mark.parametrize("url", ["http://x", "ldap://", "ldaps://x/base"])
def test_an_address_that_is_none_is_refused(slapd, url):
    with pytest.raises(ValidationError):
        LdapSettings.model_validate(slapd.settings(url=url))


def test_a_file_says_which_directory_there_is(slapd, tmp_path):
    path = tmp_path / "directory.yaml"
    path.write_text(yaml.safe_dump({"ldap": slapd.settings()}))
    assert open_directory(path).person(Username("okafor")).uid == 50002
    path.write_text(dump_people([ADA]))
    assert open_directory(path).person(Username("okafor")) == ADA
    path.write_text(yaml.safe_dump({"ldap": {**slapd.settings(), "surplus": 1}}))
    with pytest.raises(LdapSettingsError, match="surplus"):
        open_directory(path)
    path.write_text(yaml.safe_dump({"ldap": slapd.settings(), "people": []}))
    with pytest.raises(LdapSettingsError, match="people"):
        open_directory(path)


@pytest.mark.parametrize("rid", [0, 1, 500, 199_999])
def test_numbers_and_sids_go_both_ways(rid):
    numbers = SidRange(domain=DOMAIN, first=50_000)
    sid = f"{DOMAIN}-{rid}"
    assert sid_text(sid_bytes(sid)) == sid
    number = numbers.number(sid)
    assert number is not None
    assert numbers.sid(number) == sid


def test_a_sid_of_another_domain_or_beyond_the_range_is_no_number():
    numbers = SidRange(domain=DOMAIN, first=50_000, size=1000)
    assert numbers.number("S-1-5-21-1-2-3-7") is None
    assert numbers.number(f"{DOMAIN}-1000") is None
    assert numbers.sid(49_999) is None
    with pytest.raises(ValueError, match="not the bytes of a SID"):
        sid_text(b"\x01\x05")
