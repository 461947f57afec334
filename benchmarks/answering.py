"""Waiting for a server that a benchmark started."""

import time

import httpx


def wait_until_it_answers(url: str, seconds: float = 60) -> None:
    """Return as soon as an address answers with success; raise if it does not in time."""
    until = time.monotonic() + seconds
    last: object = "nothing came"
    while time.monotonic() < until:
        try:
            answer = httpx.get(url, trust_env=False)
        except httpx.TransportError as error:
            last = error
        else:
            if answer.is_success:
                return
            last = answer.status_code
        time.sleep(0.1)
    message = f"{url} did not answer within {seconds:g} s: {last}"
    raise TimeoutError(message)
