"""How an expected error of ours becomes what JupyterHub shows: a sentence, and no failure counted against the Hub."""

from html import escape

from jupyterhub.spawner import SpawnException

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


def shown(words: Words) -> str:
    """Return words as HTML in the way of the look: English, with the Chinese beside it for the page's script."""
    return f'<span data-zh="{escape(words.zh)}">{escape(words.en)}</span>'


def refusal(error: BeamtorchError) -> SpawnException:
    """Return the exception that JupyterHub passes on to the user, by REST and on its pages."""
    return SpawnException(
        error.detail.en,
        reason=error.code,
        log_message=f"{error.code}: {error.detail.en}",
        message_html=shown(error.detail),
        status_code=error.status,
    )
