"""Keeps what opens doors out of the log: codes and tokens in addresses, also in the words of an error.

JupyterHub does so for the requests that it logs; Tornado's own lines about one that failed have the whole address.
"""

import logging
import re

_SECRET = re.compile(r"(?<=[?&])([^=&\s]*(?:token|auth|key|code|state|xsrf)[^=&\s]*=)[^&\s)\"']+", re.IGNORECASE)


class SecretsInAddresses(logging.Filter):
    """Replaces the values of telling parameters by “[secret]”."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the secrets."""
        record.msg = hidden(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(hidden(argument) for argument in record.args)
        return True


class _Told:
    """An object as a log tells it."""

    def __init__(self, what: object) -> None:
        self._what = what

    def __repr__(self) -> str:
        return _without(repr(self._what))

    def __str__(self) -> str:
        return _without(str(self._what))


def hidden(said: object) -> object:
    """Return something that a log tells without the secrets of addresses in it; numbers stay numbers."""
    if isinstance(said, str):
        return _without(said)
    return said if isinstance(said, int | float) else _Told(said)


def _without(text: str) -> str:
    return _SECRET.sub(r"\1[secret]", text)


def keep_secrets() -> None:
    """Do so for Tornado's lines in this process; the same again changes nothing."""
    for name in ("tornado.general", "tornado.application"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, SecretsInAddresses) for known in logger.filters):
            logger.addFilter(SecretsInAddresses())
