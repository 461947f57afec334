"""How a work is cited in a text: like APA, by GB/T 7714-2015, and in BibTeX."""

import re
from datetime import date

from beamtorch_catalogue.citing.work import Stage, Work
from beamtorch_catalogue.wire.publications import Creator
from beamtorch_facility.words import Words

BIBTEX_TYPE = "application/x-bibtex"
TEXT_TYPE = "text/x-bibliography"
_MOST_APA, _FIRST_APA = 20, 19
_MOST_GBT = 3
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}


def citation(work: Work, accessed: date) -> Words:
    """Return the two citations: English readers get APA's, Chinese ones that of GB/T 7714."""
    return Words(en=apa(work), zh=gbt_7714(work, accessed))


def apa(work: Work) -> str:
    """Return a citation in the manner of APA's 7th edition.

    A name whose parts nobody named stays as it is; to shorten it would be to guess which one is the family's.
    """
    names = [_apa_name(creator) for creator in work.creators]
    if len(names) > _MOST_APA:
        people = f"{', '.join(names[:_FIRST_APA])}, … {names[-1]}"
    elif len(names) > 1:
        people = f"{', '.join(names[:-1])}, & {names[-1]}"
    else:
        people = names[0] if names else _line(work.publisher.en)
    title = work.title.en if work.title else withheld(work).en
    publisher = f" {_ended(_line(work.publisher.en))}" if names else ""
    start = f"{people} ({work.year})."
    return f"{start} {_line(title)} [Data set].{publisher} {work.url}"


def gbt_7714(work: Work, accessed: date) -> str:
    """Return a citation by GB/T 7714-2015, of a data set on line (DS/OL), with the day of the visit."""
    names = [_line(creator.name.zh) for creator in work.creators[:_MOST_GBT]]
    if len(work.creators) > _MOST_GBT:
        names.append("等")
    people = ", ".join(names) or _line(work.publisher.zh)
    title = work.title.zh if work.title else withheld(work).zh
    return f"{people}. {_line(title)}[DS/OL]. {_line(work.publisher.zh)}, {work.year}[{accessed:%Y-%m-%d}]. {work.url}."


def bibtex(work: Work) -> str:
    """Return an entry of BibTeX (biblatex's ``@dataset``); its text is UTF-8."""
    authors = " and ".join(_bibtex_name(creator) for creator in work.creators) or f"{{{_tex(work.publisher.en)}}}"
    title = work.title.en if work.title else withheld(work).en
    fields = {
        "author": authors,
        "title": f"{{{_tex(title)}}}",
        "year": f"{work.year:04d}",
        "publisher": f"{{{_tex(work.publisher.en)}}}",
        "url": work.url,
    }
    if work.pid.startswith("10."):
        fields["doi"] = work.pid
    lines = [f"  {name:<9} = {{{value}}}" for name, value in fields.items()]
    return f"@dataset{{{re.sub('[^A-Za-z0-9]+', '-', work.pid)},\n" + ",\n".join(lines) + "\n}\n"


def withheld(work: Work) -> Words:
    """Say what can be told instead of a title."""
    if work.stage is Stage.WITHHELD and work.available_at is not None:
        day = f"{work.available_at:%Y-%m-%d}"
        return Words(en=f"Under embargo until {day}: {work.pid}", zh=f"保护期至 {day}：{work.pid}")
    return Words(en=f"Not open: {work.pid}", zh=f"未开放：{work.pid}")


def _apa_name(creator: Creator) -> str:
    if creator.family_name is None or creator.given_name is None:
        return _line(creator.name.en)
    # "Jean-Luc Paul" becomes "J.-L. P."
    words = [part for part in creator.given_name.split() if part]
    short = " ".join("-".join(f"{part[0]}." for part in word.split("-") if part) for word in words)
    return f"{_line(creator.family_name)}, {short}"


def _bibtex_name(creator: Creator) -> str:
    if creator.family_name is None or creator.given_name is None:
        return f"{{{_tex(creator.name.en)}}}"
    return f"{_tex(creator.family_name)}, {_tex(creator.given_name)}"


def _tex(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in _line(text))


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _line(text: str) -> str:
    return " ".join(text.split())
