"""Taking items out of a list, with commas, "or", and verbs put right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ccf_pipeline.experts.rules.grammar import BLANK, COPULA, agree, is_plural

Span = tuple[int, int, bool]
"""Where a statement begins and ends, and whether it goes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a list, with what separates it from the one before."""

    separator: str
    text: str
    start: int
    end: int
    goes: bool = False
    before: str = ""
    """What stands in it before the first thing that it names."""
    behind: str = ""
    """What stands in it behind the last thing that it names."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A clause as a list: what stands before the items, the items, what stands after them."""

    head: str
    items: tuple[Item, ...]
    tail: str


def cut_list(words: str, spans: Sequence[Span], *, has_subject: bool = True) -> str | None:
    """The clause without the items that go; None when its items cannot be told apart.

    Args:
        has_subject: whether a verb behind the list agrees with it, and not with a word before the clause.
    """
    listing = _read_list(words, spans)
    if listing is None:
        return None
    kept = [item for item in listing.items if not item.goes]
    if not kept or len(kept) == len(listing.items):
        return None
    return _write_list(listing, kept, has_subject)


# --- reading --------------------------------------------------------------------------------

_SEPARATOR = re.compile(r",\s*(?:and/or|and|or|nor)\s+|,\s+|\s+(?:and/or|and|or|nor)\s+", re.IGNORECASE)
_DEGREE = r"(?:definite|convincing|obvious|appreciable|radiographic|discernible|overt|clear|gross|other)\s+"
_LINK = (
    r"reflect(?:ing|s)?|represent(?:ing|s)?|suggest(?:ing|s|ive of)?|due to|related to|secondary to"
    r"|(?:consistent|compatible|in keeping) with|(?:concerning|worrisome|suspicious) for"
    r"|shows?|demonstrates?|reveals?|(?:clear|free) of|free from"
)
_LEAD = re.compile(
    r"(?:(?:there|it|note|evidence)\b[^,]{0,40}?\b(?:is|are|was|were|made of)\s+"
    rf"|[^,]{{0,60}}?\b(?:{_LINK})\s+)?"
    rf"(?:(?:again|also|likely|probably|{BLANK})\s+)*"
    r"(?:(?:due to\s+)?an?\s+(?:combination|mixture) of\s+(?:both\s+)?)?"
    r"(?:(?:no|neither|without|negative for|free of|absence of|not)\s+)?"
    rf"(?:{_DEGREE})*(?:(?:evidence|signs?|suggestion|findings|indication)\s+(?:of|for)\s+)?(?:{_DEGREE})*",
    re.IGNORECASE,
)
_PARTICIPLE = re.compile(
    r"\s+(?:(?:is|are|was|were|has been|have been)\s+)?(?:again\s+|also\s+)?(?:seen|identified|present|noted|"
    r"visuali[sz]ed|detected|appreciated|evident|demonstrated|apparent|found)\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(r"\b(?:no|not|without|negative|free|absence|neither)\b", re.IGNORECASE)


def _read_list(words: str, spans: Sequence[Span]) -> Listing | None:
    nouns = [(a, b) for a, b, _ in spans if not COPULA.search(words, a, b)]
    cuts = [
        m
        for m in _SEPARATOR.finditer(words)
        if not any(a < m.end() and m.start() < b for a, b in nouns) and m.start() and m.end() < len(words)
    ]
    if not cuts:
        return None
    copulas = list(COPULA.finditer(words))
    if copulas and cuts[0].end() <= copulas[0].start() and all(a < copulas[0].start() for a, _, _ in spans):
        # "Heart and hila are stable and normal": only what stands before the verb is a list of things.
        cuts = [cut for cut in cuts if cut.end() <= copulas[0].start()]
    before = [c for c in copulas if c.end() <= cuts[0].start()]
    after = [c for c in copulas if c.start() >= cuts[-1].end()]
    framed = len(nouns) < len(spans)
    head_end = _find_head_end(words, cuts[0].start(), min([a for a, _ in nouns], default=len(words)))
    if before and framed:
        head_end = max(head_end, before[-1].end() + 1)
    tail_start = _find_tail_start(words, max([cuts[-1].end(), *(b for _, b in nouns)]), after)
    by_end = bool(before) and not after
    items = _split_items(words, cuts, head_end, tail_start)
    denied = _DENIAL.search(words, 0, head_end) is not None
    return _mark_items(Listing(words[:head_end], items, words[tail_start:]), spans, by_end, denied or framed)


def _find_head_end(words: str, first_cut: int, first_noun: int) -> int:
    state = _STATE_OF_ALL.match(words, 0, first_cut)
    if state:
        return state.end()
    found = _LEAD.match(words, 0, min(first_cut, first_noun))
    return found.end() if found else 0


# "Normal heart, hila and mediastinum": the state is that of every item, also when the first one goes.
_STATE_OF_ALL = re.compile(r"(?:normal|unremarkable|intact)\s+", re.IGNORECASE)


def _find_tail_start(words: str, behind: int, copulas: Sequence[re.Match[str]]) -> int:
    if copulas:
        start = copulas[0].start()
        return start - 1 if words[start - 1 : start] == " " else start
    found = _PARTICIPLE.search(words, behind)
    return found.start() if found else len(words)


def _split_items(
    words: str, cuts: Sequence[re.Match[str]], head_end: int, tail_start: int
) -> tuple[Item, ...]:
    items = []
    separator, begin = "", head_end
    for cut in cuts:
        if cut.start() >= tail_start or cut.start() < head_end:
            continue
        items.append(Item(separator, words[begin : cut.start()], begin, cut.start()))
        separator, begin = cut[0], cut.end()
    items.append(Item(separator, words[begin:tail_start], begin, tail_start))
    return tuple(items)


def _mark_items(
    listing: Listing, spans: Sequence[Span], by_end: bool, items_may_be_unknown: bool
) -> Listing | None:
    """Say of each item whether it goes; a piece that states nothing belongs to the item before it."""
    items: list[Item] = []
    head_end = len(listing.head)
    spans = [(max(a, head_end) if b > head_end else a, b, goes) for a, b, goes in spans]
    # What is said before the list, and stays, stays with the head: "the lungs are clear of …".
    told = sum(b <= len(listing.head) and not goes for _, b, goes in spans)
    for item in listing.items:
        named = [(a, b) for a, b, _ in spans if item.start <= (b - 1 if by_end else a) < item.end]
        own = [goes for a, b, goes in spans if (a, b) in named]
        told += len(own)
        if own and len(set(own)) > 1:
            return None
        if not own and items and not items_may_be_unknown:
            last = items[-1]
            items[-1] = replace(last, text=last.text + item.separator + item.text, end=item.end)
        else:
            begin = min([a for a, _ in named], default=item.start) - item.start
            end = max([b for _, b in named], default=item.end) - item.start
            goes = bool(own) and own[0]
            items.append(replace(item, goes=goes, before=item.text[:begin], behind=item.text[end:]))
    return replace(listing, items=tuple(items)) if told == len(spans) else None


# --- writing --------------------------------------------------------------------------------

_COMBINATION = re.compile(r"an? (?:combination|mixture) of (?:both )?$|both $", re.IGNORECASE)
_CONJUNCTION = re.compile(r"\b(?:and/or|and|or|nor)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|a|an|both)\s", re.IGNORECASE)


def _write_list(listing: Listing, kept: Sequence[Item], has_subject: bool) -> str:
    texts = [item.text for item in kept]
    first = listing.items[0]
    if first.goes and first.text.lower().startswith("the ") and listing.tail and not _ARTICLE.match(texts[0]):
        texts[0] = f"{first.text[:4]}{texts[0]}"
    head, tail = listing.head, listing.tail
    texts = _add_shared_words(texts, kept, listing)
    if len(kept) == 1:
        head = _COMBINATION.sub("", head)
    if len(kept) == 1 and has_subject:
        plural = is_plural(texts[0])
        tail = agree(tail, plural=plural)
        if not _DENIAL.search(head) and re.match(r"there\b", head, re.IGNORECASE):
            head = agree(head, plural=plural)
    return head + _join_items(texts, kept, listing.items) + tail


_OR = re.compile(r"\bor\b|/", re.IGNORECASE)
_ADJECTIVE = re.compile(r"\b[a-z]{3,}(?:al|ar|ic|ive|ous|ary)$", re.IGNORECASE)
_HEAD_NOUN = re.compile(r"[a-z]+$", re.IGNORECASE)
_PLACE_BEHIND = re.compile(r"\s+(?:in|at|within|along|over|of the|left|right|bilateral\w*)\b", re.IGNORECASE)
_IS_SHARED = re.compile(
    r"^(?!.*\b(?:no|not|without|than)\b)"
    r".*\b(?:left|right|bilateral|bi[a-z]+ar|basilar|apical|lobe|lung|base|of) $",
    re.IGNORECASE,
)
_IS_PLACE = re.compile(
    r"^(?:(?:left|right|bilateral|upper|middle|mid|lower|lobe|lung|zone|basilar|apical|base) )+$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:left|right|bilateral\w*|bi[a-z]+ar|basilar|apical|lobe|lung|base)\b", re.IGNORECASE
)


def _add_shared_words(texts: Sequence[str], kept: Sequence[Item], listing: Listing) -> list[str]:
    """Give the items that stay what they shared with the ones that go: a noun, or the place of alternatives.

    "Hilar and mediastinal contours" becomes "hilar contours", and "left basilar atelectasis or scarring"
    becomes "left basilar scarring".
    """
    shared, first, last = list(texts), listing.items[0], listing.items[-1]
    noun = _HEAD_NOUN.search(last.text)
    is_of_things = COPULA.search(listing.head) is None and not _ADJECTIVE.search(last.text)
    if last.goes and noun and is_of_things and _ADJECTIVE.search(shared[-1]):
        shared[-1] = f"{shared[-1]} {noun[0]}"
    is_denied = _DENIAL.search(listing.head) is not None
    are_alternatives = any(_OR.search(item.separator) for item in listing.items[1:])
    is_shared = _IS_SHARED if are_alternatives else _IS_PLACE
    are_placed = any(_PLACE.search(item.text) for item in kept)
    if first.goes and not is_denied and not are_placed and is_shared.search(first.before):
        shared[0] = f"{first.before}{shared[0]}"
    if not are_alternatives:
        return shared
    if last.goes and _PLACE_BEHIND.match(last.behind) and not _PLACE.search(kept[-1].text):
        shared[-1] = f"{shared[-1]}{last.behind}"
    return shared


def _join_items(texts: Sequence[str], kept: Sequence[Item], items: Sequence[Item]) -> str:
    words = [found[0] for item in items if (found := _CONJUNCTION.search(item.separator))]
    is_plain = len(words) == 1 and _CONJUNCTION.search(items[-1].separator) is not None
    if len(texts) == 1:
        return texts[0]
    if is_plain:
        oxford = items[-1].separator.startswith(",") and len(items) > 2
        comma = "," if oxford and len(texts) > 2 else ""
        return ", ".join(texts[:-1]) + f"{comma} {words[0]} {texts[-1]}"
    joined = texts[0]
    for text, item in zip(texts[1:], kept[1:], strict=True):
        joined += item.separator + text
    return joined
