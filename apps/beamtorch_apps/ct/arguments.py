"""The words of `beamtorch ct`."""

import argparse

from beamtorch_apps.ct.reconstruction import FILTERS


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    top = argparse.ArgumentParser(prog="beamtorch ct", description="Reconstruct tomography scans.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    info = _reading(verbs.add_parser("info", help="what a scan holds"))
    centre = _reading(verbs.add_parser("centre", help="find the axis of rotation"))
    look = _reading(verbs.add_parser("preview", help="one slice as a PNG"))
    recon = _reading(verbs.add_parser("recon", help="reconstruct rows into HDF5, and TIFF if asked"))
    for verb in (centre, look):
        verb.add_argument("--row", type=int, help="row of the detector; default: the middle one")
    for verb in (look, recon):
        verb.add_argument("-o", "--output", required=True, help="the file to write")
        verb.add_argument("--axis", type=float, help="column of the axis of rotation; default: find it")
        verb.add_argument("--filter", choices=FILTERS, default="ramp", help="ramp, or smoother (default: ramp)")
        verb.add_argument("--force", action="store_true", help="replace what is there")
    look.add_argument("--size", type=_natural, default=512, help="width in pixels (default: 512)")
    _recon_words(recon)
    _simulate_words(verbs.add_parser("simulate", help="write a simulated scan with known truth"))
    del info
    return top


def _reading(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    verb.add_argument("scan", help="the file of the scan: Data Exchange (.h5) or NXtomo (.nxs)")
    verb.add_argument("--json", action="store_true", help="print JSON")
    return verb


def _recon_words(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--rows", type=_rows, default=(0, None), metavar="FIRST:LAST", help="rows, the last exclusive; default: all"
    )
    verb.add_argument("--tiff", metavar="PLACE", help="TIFF as well: a folder for a series, a .tif file for one stack")
    verb.add_argument("--workers", type=_natural, help="threads (default: one for each core)")
    verb.add_argument("--dataset", metavar="ID", help="the scan's dataset in the catalogue, for the record")
    verb.add_argument("--register", action="store_true", help="enter the result in the catalogue")


def _simulate_words(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("output", help="the file to write")
    verb.add_argument("--name", help="name of the sample; default: the file's")
    verb.add_argument("--seed", type=int, default=0, help="the same seed gives the same scan")
    verb.add_argument("--size", type=_natural, default=256, help="columns of the detector")
    verb.add_argument("--rows", type=_natural, default=16, help="rows of the detector")
    verb.add_argument("--projections", type=_natural, default=180)
    verb.add_argument("--span", type=float, default=180.0, help="degrees (default: 180)")
    verb.add_argument("--axis", type=float, help="column of the axis of rotation; default: the middle")
    verb.add_argument("--layout", choices=("nxtomo", "exchange"), default="nxtomo")
    verb.add_argument("--energy", type=float, default=25.0, help="keV")
    verb.add_argument("--pixel-size", type=float, default=0.65, help="µm")
    verb.add_argument("--flats", choices=("before", "both"), default="before", help="when flats and darks are taken")
    verb.add_argument("--force", action="store_true", help="replace what is there")
    verb.add_argument("--json", action="store_true", help="print JSON")


def _natural(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is less than 1")
    return number


def _rows(word: str) -> tuple[int, int | None]:
    """Read ``FIRST:LAST``, ``FIRST:`` or one row."""
    first, colon, last = word.partition(":")
    try:
        start = int(first) if first else 0
        stop = (int(last) if last else None) if colon else start + 1
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{word}” is not FIRST:LAST, such as 0:2") from error
    if start < 0 or (stop is not None and stop <= start):
        raise argparse.ArgumentTypeError(f"“{word}” holds no rows; write FIRST:LAST, the last exclusive, such as 0:2")
    return start, stop
