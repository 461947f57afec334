"""Several statements to PostgreSQL in one go: an answer is awaited where it is read, and before the end.

Most of what a statement of an admission takes is the way there and back. The driver's pipeline
(https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html) sends what is written without waiting for each.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

UNREAD = "beamtorch_unread"
"""Option of a statement whose result nobody reads."""
_PIPELINE = "beamtorch_pipeline"


@contextmanager
def sent_together(connection: Connection) -> Iterator[bool]:
    """Wait only for what is read until the end of the block; False, and nothing of this, if it is not PostgreSQL.

    Raises
    ------
    DBAPIError
        What went wrong with a statement sent last.
    """
    # Asked for now: a connection that was lost in between has none any more.
    driver, info = connection.connection.driver_connection, connection.info
    if not isinstance(driver, psycopg.Connection):
        yield False
        return
    try:
        with driver.pipeline() as pipeline:
            info[_PIPELINE] = pipeline
            yield True
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
    finally:
        info.pop(_PIPELINE, None)


def fetch_what_is_read(engine: Engine) -> None:
    """Have the statements of an engine wait for their answers within `sent_together`, unless they have none."""

    @event.listens_for(engine, "after_cursor_execute")
    def fetch(
        connection: Connection, _cursor: object, _statement: str, _parameters: object, context: Any, _many: object
    ) -> None:
        pipeline = connection.info.get(_PIPELINE)
        is_plain_insert = context.isinsert and not context.compiled.effective_returning
        if pipeline is not None and not is_plain_insert and not context.execution_options.get(UNREAD):
            pipeline.sync()
