"""The catalogue as a process: settings from the environment, tables brought up to date, then served."""

import logging
import os
import sys

from beamtorch_facility.errors import BeamtorchError


class _WithoutQuery(logging.Filter):
    """Keeps query strings out of the log: OAuth codes pass there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the path of an access line at its question mark."""
        if isinstance(record.args, tuple):
            cut = (a.partition("?")[0] if isinstance(a, str) and a.startswith("/") else a for a in record.args)
            record.args = tuple(cut)
        return True


def main() -> int:
    """Serve until told to stop; return the exit code."""
    # Not above: the process that reads batches loads this module, too, and would load all of these for nothing.
    from beamtorch_catalogue.app import create_app  # noqa: PLC0415
    from beamtorch_catalogue.sendfile import SendfileProtocol  # noqa: PLC0415
    from beamtorch_catalogue.settings import CatalogueSettings  # noqa: PLC0415
    from beamtorch_service.serving import serve  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # Every call to the Hub would be a line, and alembic announces what did not change.
    for name in ("httpx", "alembic.runtime"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_WithoutQuery())
    try:
        settings = CatalogueSettings.from_environment(os.environ)
        app = create_app(settings)
    except BeamtorchError as error:
        print(f"beamtorch catalogue: {error.detail.en}", file=sys.stderr)  # noqa: T201 - the process's last words
        return error.exit_code
    serve(app, settings.hub, log_config=None, http=SendfileProtocol)
    return 0


if __name__ == "__main__":
    sys.exit(main())
