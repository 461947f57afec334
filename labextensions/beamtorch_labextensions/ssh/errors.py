"""Why ssh does not lead into this lab, told before a connection is made."""

from beamtorch_facility.words import Words
from beamtorch_labextensions.errors import LabExtensionError


class SshNotPossibleError(LabExtensionError):
    """Something that sshd needs is not there."""

    code = "ssh-not-possible"
    status = 501
    title = Words(en="ssh is not possible here", zh="此处无法使用 ssh")


class NoSshKeyError(LabExtensionError):
    """No public key of the person counts, so that nobody could come in."""

    code = "no-ssh-key"
    status = 409
    title = Words(en="No ssh key is known", zh="没有可用的 ssh 公钥")
