"""What can be wrong with the directory or with somebody in it."""

from beamtorch_facility.directory import DirectoryError
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class LdapUnreachableError(DirectoryError):
    """The LDAP server does not answer, or not as it should."""

    code = "ldap-unreachable"
    title = Words(en="The directory of people does not answer", zh="人员目录无响应")


class LdapSettingsError(DirectoryError):
    """The settings of the LDAP server are not what they should be."""

    code = "ldap-settings"
    title = Words(en="The settings of the directory cannot be used", zh="目录设置无效")


class PersonRefusedError(BeamtorchError):
    """Somebody is in the directory, but must not become anybody to the kernel."""

    code = "person-refused"
    status = 403
    title = Words(en="The directory's entry cannot be used", zh="目录条目不可用")


class LockedPersonError(PersonRefusedError):
    """The account is locked or over."""

    code = "account-locked"
    title = Words(en="The account is locked", zh="账户已锁定")


class AmbiguousPersonError(PersonRefusedError):
    """Several entries have one name or one number."""

    code = "person-ambiguous"
    title = Words(en="Several entries for one person", zh="同一人有多个条目")
