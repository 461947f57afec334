"""``python -m beamtorch_hub``: the `beamtorch` command where its script is not on the path."""

import sys

from beamtorch_hub.command import main

sys.exit(main())
