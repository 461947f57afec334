"""Names that are checked once, where they come in, and are more than strings afterwards."""

import re
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class MalformedNameError(BeamtorchError):
    """A name that cannot be one of its kind."""

    code = "malformed-name"
    status = 422
    title = Words(en="This name is not possible", zh="名称格式不对")


class Identifier(str):
    """A string of one kind with one shape; parsing it is the only way to make one."""

    __slots__ = ()
    kind: ClassVar[Words]
    pattern: ClassVar[re.Pattern[str]]

    def __new__(cls, text: str) -> Self:
        """Check the text against the shape of its kind."""
        if isinstance(text, cls):
            return text
        if not cls.fits(text):
            shown = text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - fits one line
            raise MalformedNameError(
                Words(
                    en=f"“{shown}” is not a {cls.kind.en}. "
                    "Allowed are letters, digits and . _ - (no spaces or slashes).",
                    zh=f"“{shown}”不是有效的{cls.kind.zh}。只能包含字母、数字和 . _ -（不含空格或斜杠）。",
                ),
                given=shown,
            )
        return super().__new__(cls, text)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as it is: it was checked when it was made."""
        return str.__new__, (type(self), str(self))

    @classmethod
    def fits(cls, text: str) -> bool:
        """Tell whether a text could be one, without an error."""
        return cls.pattern.fullmatch(text) is not None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic models carry the identifier and refuse what it refuses."""
        return core_schema.no_info_after_validator_function(
            cls._parsed, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _parsed(cls, text: str) -> Self:
        try:
            return cls(text)
        except MalformedNameError as error:
            raise ValueError(error.detail.en) from error
