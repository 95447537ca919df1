"""The noun phrase that a mention stands in, in the words of its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ccf_pipeline.experts.rules.grammar import BLANK, VERB

_TOKEN = re.compile(r"[^\s,;:.()/]+|[,;:.()/]")
_STOPS_BEFORE = re.compile(
    r"[,;:.()/]|of|in|at|on|with|without|within|for|from|to|by|over|along|as|and|or|nor|but|versus|vs|a|an|the|this"
    r"|associated|adjacent|accompanying|superimposed|underlying|these|those|some|any|there|no|not|otherwise|which|that|again|also|more|most|likely|possibl[ey]|probabl[ey]"
    r"|suggest\w*|suspected|represent\w*|reflect\w*|favou?r\w*|due|secondary|compatible|consistent|may|might|could",
    re.IGNORECASE,
)
_STOPS_BEHIND = re.compile(
    r"[,;:.()/]|with|without|for|from|to|by|as|and|or|nor|but|versus|vs|otherwise|which|that|likely|possibl[ey]"
    r"|probabl[ey]|presumably|suggest\w*|represent\w*|reflect\w*|favou?r\w*|due|secondary|compatible|consistent|may"
    r"|might|could|no|not|most|unchanged|stable|causing|associated|both|x{3,}|_{2,}",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(r"(?:\s+(?:of|in|at|on|within|over|along|the|a|an|is|are))+$", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(an?) $", re.IGNORECASE)


def quote_phrase(text: str, start: int, end: int, others: Iterable[tuple[int, int]] = ()) -> tuple[str, str]:
    """Return the article and the words of the noun phrase around `text[start:end]`.

    Args:
        others: where other statements stand; the phrase does not reach into them.
    """
    least = max((b for _, b in others if b <= start), default=0)
    most = min((a for a, _ in others if a >= end), default=len(text))
    begin, finish = start, end
    for token in reversed(list(_TOKEN.finditer(text, least, start))):
        if _STOPS_BEFORE.fullmatch(token[0]) or VERB.fullmatch(token[0]):
            break
        begin = token.start()
    tokens = list(_TOKEN.finditer(text, end, most))
    for place, token in enumerate(tokens):
        before = text[finish - len("adjacent") : finish].lower()
        if before == "adjacent" and token[0].lower() == "to":
            continue
        if _SHARES_A_NOUN.search(text, start, finish) and token[0].lower() in ("and", "or"):
            continue
        # A blank closes a phrase ("costophrenic XXXX."); between two statements it is their link.
        following = tokens[place + 1][0] if place + 1 < len(tokens) else "." if most == len(text) else ""
        if _BLANK.fullmatch(token[0]) and following in (*",;:.",):
            finish = token.end()
        if _STOPS_BEHIND.fullmatch(token[0]) or VERB.fullmatch(token[0]):
            break
        finish = token.end()
    else:
        # It ran into the next statement: the words between them may belong to that one.
        finish = finish if most == len(text) else end
    article = _ARTICLE.search(text, 0, begin)
    return f"{article[1].lower()} " if article else "", _LOOSE_END.sub("", text[begin:finish])


_BLANK = re.compile(BLANK)
_SHARES_A_NOUN = re.compile(r"\b(?:upper|middle|mid|lower|left|right)$", re.IGNORECASE)
