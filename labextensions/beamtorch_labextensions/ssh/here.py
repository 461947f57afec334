"""What an sshd depends on: what is installed here, and as whom the lab runs."""

import os
import pwd
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_labextensions.ssh.errors import SshNotPossibleError
from beamtorch_labextensions.ssh.sshd import Person, Programs

_BESIDE_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_SFTP_SERVERS = ("/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec")
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
_NSS_WRAPPER = ("libnss_wrapper.so*", "*-linux-*/libnss_wrapper.so*")
_USUAL_UMASK = 0o022


def find_programs(search_path: str) -> Programs:
    """Return what is installed.

    Raises
    ------
    SshNotPossibleError
        If there is no sshd, or it lacks its sftp-server.
    """
    sshd = shutil.which("sshd", path=f"{search_path}:{_BESIDE_PATH}")
    if sshd is None:
        raise SshNotPossibleError(
            Words(
                en="There is no sshd in this lab. Whoever makes its image installs openssh-server and libnss-wrapper.",
                zh="此实验室中没有 sshd。请镜像维护者安装 openssh-server 和 libnss-wrapper。",
            )
        )
    places = (*(Path(place) for place in _SFTP_SERVERS), Path(sshd).parents[1] / "libexec")
    sftp = next((place / "sftp-server" for place in places if (place / "sftp-server").is_file()), None)
    if sftp is None:
        raise SshNotPossibleError(
            Words(
                en=f"The sshd at {sshd} came without its sftp-server. Whoever makes this image adds it.",
                zh=f"{sshd} 缺少 sftp-server。请镜像维护者补充。",
            )
        )
    folders = (*(Path(place) for place in _LIBRARIES), Path(sys.prefix) / "lib")
    libraries = (found for folder in folders for name in _NSS_WRAPPER for found in sorted(folder.glob(name)))
    return Programs(sshd=Path(sshd), sftp_server=sftp, nss_wrapper=next(libraries, None), python=Path(sys.executable))


def this_person(username: str, environment: Mapping[str, str]) -> Person:
    """Return as what the lab runs.

    Raises
    ------
    SshNotPossibleError
        If it runs as root: sshd would change the user and lose the person's groups.
    """
    if os.geteuid() == 0:
        raise SshNotPossibleError(
            Words(
                en="This lab runs as root, and ssh leads only to labs that run as their person.",
                zh="此实验室以 root 身份运行；ssh 只能进入以本人身份运行的实验室。",
            )
        )
    shell = environment.get("SHELL", "")
    return Person(
        username=username,
        uid=os.geteuid(),
        gid=os.getegid(),
        home=Path(environment.get("HOME", "/")),
        shell=shell if os.access(shell, os.X_OK) else "/bin/sh",
        umask=_umask(),
    )


def check_name(person: Person, programs: Programs) -> None:
    """Make sure that sshd will know the person by name.

    Raises
    ------
    SshNotPossibleError
        If neither the system nor nss_wrapper tells it.
    """
    if programs.nss_wrapper is not None:
        return
    try:
        entry = pwd.getpwnam(person.username)
    except KeyError:
        entry = None
    if entry is None or (entry.pw_uid, entry.pw_gid) != (person.uid, person.gid):
        raise SshNotPossibleError(
            Words(
                en=f"No name belongs to user id {person.uid} in this lab, and sshd needs one. Whoever makes its image "
                "installs libnss-wrapper.",
                zh=f"用户编号 {person.uid} 在此实验室中没有用户名，而 sshd 需要它。请镜像维护者安装 libnss-wrapper。",
            )
        )


def _umask() -> int:
    """Return the umask of this process, read and not changed, for others write files meanwhile (proc(5))."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return _USUAL_UMASK
