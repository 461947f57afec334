"""Fills a Tiled server and asks it for ranges; runs in Tiled's own environment (see `catalogue_tiled.py`).

Takes the address on the command line, and one JSON document on standard input: ``records`` (key and metadata) and
``ranges`` (lowest and highest energy in keV). Prints how long each took (`yardstick.Taken`), and how many nodes Tiled
found.
"""

import json
import sys
import time
from functools import partial

from tiled.client import from_uri
from yardstick import Taken

KEY = "benchmark"


def main() -> None:
    given = json.load(sys.stdin)
    root = from_uri(sys.argv[1], api_key=KEY)
    started = time.perf_counter()
    for one in given["records"]:
        root.create_container(one["key"], metadata=one["metadata"])
    ingest = time.perf_counter() - started
    http = root.context.http_client
    times, totals = [], []
    for low, high in [given["ranges"][0], *given["ranges"]]:
        limits = {
            "filter[comparison][condition][operator]": ["ge", "le"],
            "filter[comparison][condition][key]": ["parameters.energy", "parameters.energy"],
            "filter[comparison][condition][value]": [low, high],
            "page[limit]": 25,
        }
        taken, answer = Taken.by(partial(http.get, f"{sys.argv[1]}/api/v1/search/", params=limits))
        times.append(taken)
        answer.raise_for_status()
        totals.append(answer.json()["meta"]["count"])
    print(json.dumps({"ingest_seconds": ingest, "range_seconds": times[1:], "totals": totals[1:]}))


if __name__ == "__main__":
    main()
