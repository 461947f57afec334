"""How an expected error of ours becomes what JupyterHub shows: a sentence, and no failure counted against the Hub."""

from html import escape
from typing import Any

from tornado.web import HTTPError

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

try:
    from jupyterhub.spawner import SpawnException
except ImportError:
    # JupyterHub 5 has no such exception.
    SpawnException = None


def shown(words: Words) -> str:
    """Return words as HTML in the way of the look: English, with the Chinese beside it for the page's script."""
    return f'<span data-zh="{escape(words.zh)}">{escape(words.en)}</span>'


def refusal(error: BeamtorchError, spawner: Any = None) -> Exception:
    """Return the exception that JupyterHub passes on to the user, by REST and on its pages.

    Parameters
    ----------
    error
        What stands in the way.
    spawner
        The spawner that raises it: JupyterHub 5 counts refusals as failures, five of which in a row would end the Hub.
    """
    said = f"{error.code}: {error.detail.en}"
    if SpawnException is not None:
        made: Exception = SpawnException(
            error.detail.en,
            reason=error.code,
            log_message=said,
            message_html=shown(error.detail),
            status_code=error.status,
        )
        return made
    if spawner is not None:
        _do_not_count(spawner)
    refused: Exception = HTTPError(error.status, said, reason=error.code)
    vars(refused).update(jupyterhub_message=error.detail.en, jupyterhub_html_message=shown(error.detail))
    return refused


def _do_not_count(spawner: Any) -> None:
    """Take one off the Hub's count of failures in a row before it adds one for this refusal."""
    handler = getattr(spawner, "handler", None)
    # The count is the application's; whoever starts without a handler is not counted either.
    if handler is not None:
        handler.settings["failure_count"] = handler.settings.get("failure_count", 0) - 1
