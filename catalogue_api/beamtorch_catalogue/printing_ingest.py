"""What an ingest did, as a terminal shows it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beamtorch_catalogue.ingesting import IngestReport

_MOST_TOLD = 20


def ingest_report(report: "IngestReport") -> str:
    """Return what an ingest did, with what a person should look at."""
    counts = (
        f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, {len(report.broken)} broken"
    )
    extra = [
        (report.registered, "registered already"),
        (len(report.refused), "refused"),
        (len(report.unreadable), "not readable"),
        (len(report.missing), "files gone"),
        (len(report.returned), "files back"),
        (report.copied, "files copied"),
        (report.there, "files there already"),
        (report.walked, "walked through"),
        (report.waiting, "waiting"),
    ]
    lines = [counts + "".join(f", {count} {what}" for count, what in extra if count)]
    told = (
        ("broken", report.broken),
        ("refused", report.refused),
        ("not readable", report.unreadable),
        ("not told", report.untold),
    )
    for title, items in told:
        lines += _some([f"{title}: {item.name}: {item.problem.en}" for item in items], title)
    lines += _some([f"gone: {path}" for path in report.missing], "gone")
    lines += _some([f"not copied, unknown format: {path}" for path in report.left], "not copied")
    if report.waiting:
        lines.append(
            f"The catalogue does not answer, or has a fault. {report.waiting} datasets wait in {report.spool}; nothing "
            "is lost. When it is back: beamtorch catalogue ingest --send"
        )
    return "\n".join(lines)


def _some(lines: list[str], title: str) -> list[str]:
    more = len(lines) - _MOST_TOLD
    return [*lines[:_MOST_TOLD], *([f"{title}: … and {more} more"] if more > 0 else [])]
