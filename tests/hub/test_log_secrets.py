"""Addresses in logs keep their secrets, whoever writes the line."""

import logging

import pytest

from beamtorch_hub.log_secrets import SecretsInAddresses


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET /hub/oauth_callback?code=abc&state=x.y== (127.0.0.1)", "?code=[secret]&state=[secret] (127.0.0.1)"),
        ("GET /hub/api?token=0123&limit=5", "?token=[secret]&limit=5"),
        ("POST /hub/login?_xsrf=2%7Cab&next=/hub/", "?_xsrf=[secret]&next=/hub/"),
        ("GET /hub/home?encode=no", "?encode=[secret]"),
        ("GET /user/okafor/lab?reset", "/lab?reset"),
        ("no address: code=7", "no address: code=7"),
    ],
)
def test_the_values_of_telling_parameters_are_not_written(caplog, said, written):
    logger = logging.getLogger("a test of secrets")
    logger.addFilter(SecretsInAddresses())
    logger.warning("%d %s", 403, said)
    assert written in caplog.messages[-1]
    logger.warning(said.replace("%", "%%"))
    assert written in caplog.messages[-1].replace("%%", "%")
