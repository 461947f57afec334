"""What can be wrong with a directory of our own kind."""

from beamtorch_facility.directory import DirectoryError
from beamtorch_facility.words import Words


class LdapUnreachableError(DirectoryError):
    """The LDAP server does not answer, or not as it should."""

    code = "ldap-unreachable"
    title = Words(en="The directory of people does not answer", zh="人员目录无响应")


class LdapSettingsError(DirectoryError):
    """The settings of the LDAP server are not what they should be."""

    code = "ldap-settings"
    title = Words(en="The settings of the directory cannot be used", zh="目录设置无效")
