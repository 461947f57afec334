"""How much one question may take."""

import resource

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024**2


class Limits(BaseModel):
    """What bounds the reader's children."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_once: int = Field(default=32, ge=1, description="children at once")
    of_one_person: int = Field(default=8, ge=1, description="children at once in one person's name")
    open_seconds: float = Field(default=10.0, gt=0, description="for opening a file")
    work_seconds: float = Field(default=30.0, gt=0, description="for a task, waiting included")
    cpu_seconds: int = Field(default=20, ge=1, description="of a processor, for a task")
    memory_mib: int = Field(default=4096, ge=64, description="address space of a task")
    result_mib: int = Field(default=16, ge=1, description="of what a task gives back")

    def take_on(self, *, is_work: bool) -> None:
        """Bind this process; it cannot get out of it again."""
        hard = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 256, resource.RLIMIT_FSIZE: self.result_mib * MIB}
        if is_work:
            hard |= {resource.RLIMIT_CPU: self.cpu_seconds, resource.RLIMIT_AS: self.memory_mib * MIB}
        for kind, most in hard.items():
            allowed = resource.getrlimit(kind)[1]
            value = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(kind, (value, value))
