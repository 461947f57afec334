"""Compositions: chemical elements from symbols, formulas and Chinese names."""

from beamtorch_catalogue.formula import SYMBOLS, elements
from beamtorch_catalogue.query.errors import Spot, UnknownElementError

_CHINESE = (
    "氢氦锂铍硼碳氮氧氟氖钠镁铝硅磷硫氯氩钾钙钪钛钒铬锰铁钴镍铜锌镓锗砷硒溴氪铷锶钇锆铌钼锝钌铑钯银镉铟锡锑碲碘氙铯钡镧铈镨钕钷钐铕钆铽镝钬铒铥镱"
    "镥铪钽钨铼锇铱铂金汞铊铅铋钋砹氡钫镭锕钍镤铀镎钚镅锔锫锎锿镄钔锘铹𬬻𬭊𬭳𬭛𬭶鿏𫟼𬬭鿔鿭𫓧镆𫟷鿬鿫"
)
_BY_NAME = dict(zip(_CHINESE, SYMBOLS, strict=True))
"""The official names of the elements, one character each, by atomic number."""
_BY_FOLDED = {symbol.lower(): symbol for symbol in SYMBOLS}


def elements_of(given: str, spot: Spot) -> frozenset[str]:
    """Return the elements of a symbol (Ce, 铈) or a formula (CeO2).

    Raises
    ------
    UnknownElementError
        If there is none, or something beside them.
    """
    if given in SYMBOLS:
        return frozenset({given})
    if given and all(character in _BY_NAME for character in given):
        return frozenset(_BY_NAME[character] for character in given)
    found = elements(given)
    if not found:
        meant = _BY_FOLDED.get(given.lower())
        hint_en, hint_zh = (f" Did you mean {meant}?", f"是否指 {meant}？") if meant else ("", "")
        spot.refuse(
            UnknownElementError, "this is no chemical element and no formula. Write symbols such as Ce,O "
            f"or a formula such as CeO2; capitals count.{hint_en}",
            f"不是化学元素或化学式。请写元素符号（如 Ce,O）或化学式（如 CeO2），区分大小写。{hint_zh}", meant,
        )  # fmt: skip
    return found
