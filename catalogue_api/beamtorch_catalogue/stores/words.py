"""Cutting texts into tokens, the same for whatever is stored and whatever is sought.

Folded Latin words, and Chinese by pairs of characters; so both databases find the same.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_LONGEST_TOKEN = 100
_HAN_RANGE = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN = re.compile(f"[{_HAN_RANGE}]")
_RUN = re.compile(rf"[{_HAN_RANGE}]+|[^\W_{_HAN_RANGE}]+")
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_UNFOLDED = re.compile(r"[\x00-\x7f\u4e00-\u9fff\u3001\u3002\uff08\uff09\uff0c\uff1a\uff1b\u201c\u201d]*")
"""Letters that folding leaves as they are but for their case, and what stands between words in Chinese."""
_SHORTEST_PREFIX = 3
"""A word of fewer Latin letters is sought as it stands: “h” would otherwise be in every file name."""
MARK = "\ue000"
"""Begins tokens that are no words of a text; a letter of nobody's alphabet, which both databases take as one."""


def tokens(written: str) -> list[str]:
    """Return the tokens of a text.

    A run of Chinese gives each pair of neighbours and its last character, so that every part of the run is a
    sequence of tokens and a single character is the beginning of one.
    """
    if written.isascii():
        return [word[:_LONGEST_TOKEN] for word in _ASCII_WORD.findall(written.lower())]
    if _UNFOLDED.fullmatch(written):
        return list(_tokens(written.lower()))
    folded = unicodedata.normalize("NFKD", written.replace(MARK, " ")).casefold()
    plain = unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))
    return list(_tokens(plain))


def _tokens(plain: str) -> Iterator[str]:
    for run in _RUN.findall(plain):
        if not run.isascii() and _HAN.match(run):
            yield from (run[i : i + 2] for i in range(len(run)))
        else:
            yield run[:_LONGEST_TOKEN]


def folded(written: str) -> str:
    """Return a text as names are compared: its tokens with a space around each."""
    return f" {' '.join(tokens(written))} "


def phrase(word: str) -> list[str]:
    """Return the tokens that a word of a query stands for, in their order."""
    found = tokens(word)
    # Inside a longer text the last character of a Chinese word is followed by something else.
    if len(found) > 1 and len(found[-1]) == 1 and _HAN.match(found[-1]) and _HAN.match(found[-2]):
        del found[-1]
    return found


def is_open(found: list[str]) -> bool:
    """Tell whether the last token of a phrase may be the beginning of a longer one."""
    last = found[-1]
    # Two Chinese characters are a whole token, whatever follows them.
    return len(last) == 1 if _HAN.match(last) else len(last) >= _SHORTEST_PREFIX


def marks(names: Iterable[str]) -> list[str]:
    """Return tokens that stand for names as they are, such as the proposal of a dataset."""
    return [f"{MARK}{name.encode().hex()}"[:_LONGEST_TOKEN] for name in names]
