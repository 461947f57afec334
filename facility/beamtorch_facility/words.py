"""A text in the two languages that every user sees."""

from pydantic import BaseModel, ConfigDict


class Words(BaseModel):
    """One text in English and Chinese; neither may be missing.

    Both are kept side by side so that a translation cannot be forgotten: there is no place to leave it out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en

    def within(self, language: str) -> str:
        """Return the text for a language tag such as ``zh-CN``; everything that is not Chinese reads English."""
        return self.zh if language.lower().startswith("zh") else self.en
