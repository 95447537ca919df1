"""Taking statements out of a sentence: a clause that goes, an item of a list that goes, the rest unharmed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ccf_pipeline.experts.rules.grammar import (
    BLANK,
    COPULA,
    DENIED_OR_NORMAL,
    FRAMES,
    VERB,
    finish_sentence,
    is_plural,
    is_whole,
    lower_first,
    words_in,
)
from ccf_pipeline.experts.rules.lists import cut_list
from ccf_pipeline.records import Side


@dataclass(frozen=True, slots=True)
class Said:
    """A statement in a sentence: where it stands, whether it goes, whether it is a denial, and its side."""

    start: int
    end: int
    goes: bool
    denies: bool = False
    side: Side | None = None


Bond = Literal["free", "with", "without", "dependent"]
"""How a clause hangs on the one before it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence that makes statements of its own."""

    separator: str
    bond: Bond
    start: int
    end: int
    holds_verb: bool = False
    """Whether a hanging clause has the only verb: "opacities *may reflect* atelectasis"."""


def cut_sentence(text: str, said: Sequence[Said], idle: frozenset[str] = FRAMES) -> str | None:
    """Return the sentence without the statements that go.

    Args:
        idle: words that tell nothing by themselves; a clause with others is worth keeping.

    Returns:
        The empty text when nothing is left, and None when the sentence cannot be cut safely.
    """
    if not any(statement.goes for statement in said):
        return finish_sentence(text)
    body = text.rstrip().removesuffix(".")
    clauses = _split_clauses(body, said)
    rest = [_cut_clause(body, clause, _list_within(clause, said)) for clause in clauses]
    if any(piece is None for piece in rest) or _loses_more(body, rest, clauses, said, idle):
        return None
    pieces = _drop_idle_clauses(body, [piece or "" for piece in rest], clauses, said, idle)
    whole = _join_clauses(body, clauses, pieces)
    if not whole:
        return whole
    is_safe = _has_whole_denials(body, whole, said) and _keeps_its_sense(body, whole, said)
    return whole if is_safe else None


_DENIAL = re.compile(
    r"\b(?:no|not|without|negative|free|clear|absence|absent|neither|nor|resolved)\b", re.IGNORECASE
)


def _has_whole_denials(body: str, whole: str, said: Iterable[Said]) -> bool:
    """True if no denial lost the word that makes it one."""
    kept = [body[s.start : s.end].lower() for s in said if s.denies and not s.goes]
    sentences = [sentence.lower() for sentence in whole.split(". ")]
    return all(_DENIAL.search(sentence) for words in kept for sentence in sentences if words in sentence)


_SIDES = {
    "left": re.compile(r"\bleft", re.IGNORECASE),
    "right": re.compile(r"\bright", re.IGNORECASE),
    "bilateral": re.compile(r"\b(?:bilateral|both|bi(?:bas|ap)|lungs|bases)", re.IGNORECASE),
}


def _keeps_its_sense(body: str, whole: str, said: Iterable[Said]) -> bool:
    """True if what is left can stand alone, and no side or alternative of what stays went with what goes.

    "Either atelectasis or infiltrate" cannot lose one of the two, and the scar of "bibasilar atelectasis or
    scarring" would lose its place.
    """
    if not is_whole(whole) or (_EITHER.search(body) and not _EITHER.search(whole) and " or " in whole):
        return False
    if _TURN.search(body) and not _TURN.search(whole) and " or " in whole:
        # "A, but B or C cannot be excluded" is two statements: of one of them nothing may join the other.
        pieces = [piece.rstrip(".").casefold() for piece in whole.split(". ")]
        if not all(piece in body.casefold() for piece in pieces):
            return False
    findings = (s for s in said if not (s.goes or s.denies or DENIED_OR_NORMAL.search(body, s.start, s.end)))
    sides = [_SIDES[s.side] for s in findings if s.side]
    return all(side.search(whole) or not side.search(body) for side in sides)


_TURN = re.compile(r"\b(?:but|however|although|though|while|whereas)\b", re.IGNORECASE)
_EITHER = re.compile(r"\beither\b", re.IGNORECASE)


def _list_within(clause: Clause, said: Iterable[Said]) -> list[Said]:
    return [statement for statement in said if clause.start <= statement.start < clause.end]


def _cut_clause(body: str, clause: Clause, said: list[Said]) -> str | None:
    words = body[clause.start : clause.end]
    if not any(statement.goes for statement in said):
        return words
    if all(statement.goes for statement in said):
        return ""
    spans = [(s.start - clause.start, s.end - clause.start, s.goes) for s in said]
    return cut_list(words, spans, has_subject=clause.bond == "free")


def _loses_more(
    body: str,
    rest: Sequence[str | None],
    clauses: Sequence[Clause],
    said: Sequence[Said],
    idle: frozenset[str],
) -> bool:
    """True if "with possible hemothorax", of which nothing is known, would go with what it is told beside."""
    return any(rest) and any(
        not before and clause.bond == "with" and not _list_within(clause, said) and _tells(body, clause, idle)
        for before, clause in zip(rest, clauses[1:], strict=False)
    )


def _tells(body: str, clause: Clause, idle: frozenset[str]) -> bool:
    return not words_in(re.sub(BLANK, "", body[clause.start : clause.end])) <= idle


def _drop_idle_clauses(
    body: str, rest: list[str], clauses: list[Clause], said: Sequence[Said], idle: frozenset[str]
) -> list[str]:
    """Drop the clauses that state nothing (", unchanged") with the clause that they hang on.

    A first clause in words that the graph does not know is kept: in "postoperative changes with a scar" the
    operation stays when the scar goes.
    """
    kept = list(rest)
    silent = [not _list_within(clause, said) for clause in clauses]
    for number in range(1, len(clauses)):
        if silent[number] and not kept[number - 1]:
            kept[number] = ""
    if silent[0] and len(clauses) > 1 and not any(kept[1:]):
        words = re.sub(BLANK, "", body[: clauses[0].end])
        stands = clauses[1].bond in ("with", "without") or VERB.search(words) is not None
        if clauses[1].bond == "dependent" or not stands or words_in(words) <= idle:
            kept[0] = ""
    return kept


_SUBJECT = re.compile(r"[^,;]+?\b(?:is|are|was|were|appears?|remains?)\s", re.IGNORECASE)
_OTHERWISE = re.compile(r"(?:but |and )?otherwise,?\s+", re.IGNORECASE)


def _join_clauses(body: str, clauses: list[Clause], rest: list[str]) -> str | None:
    """Put what is left together; a clause whose support went stands as a sentence of its own."""
    sentences: list[list[str]] = []
    for number, (clause, words) in enumerate(zip(clauses, rest, strict=True)):
        if not words:
            if sentences and number and rest[number - 1]:
                sentences[-1] = _drop_link(sentences[-1], clause, body)
            continue
        lost_support = number > 0 and not rest[number - 1]
        if sentences and (clause.bond == "free" or not lost_support):
            sentences[-1] += [_link(clause, words, clauses[number - 1], lost_support), words]
            continue
        if number == 0:
            alone: str | None = words
        elif clause.bond == "free":
            alone = _add_subject(body, clauses[0], _OTHERWISE.sub("", words, count=1))
        else:
            alone = _make_sentence_of_clause(clause.bond, words)
        if alone is None:
            return None
        sentences.append([alone])
    return " ".join(finish_sentence("".join(pieces)) for pieces in sentences)


def _add_subject(body: str, first: Clause, words: str) -> str:
    """Give "clear of effusion" the subject that stood before what went: "the lungs are clear of effusion"."""
    subject = _SUBJECT.match(body, 0, first.end)
    if subject and not VERB.search(words) and _PREDICATE.match(words):
        return f"{subject[0]}{words}"
    return words


_PREDICATE = re.compile(r"(?:grossly |otherwise )?(?:clear|normal|unremarkable|free|intact)\b", re.IGNORECASE)


def _link(clause: Clause, words: str, before: Clause, lost_support: bool) -> str:
    """ "With an effusion and no edema" becomes "with no edema"."""
    takes_over = lost_support and before.bond == "with" and words.lower().startswith("no ")
    return before.separator if takes_over and clause.separator.strip(" ,") == "and" else clause.separator


_DANGLING = re.compile(r"\s(?:is|are|was|were)$")


def _drop_link(pieces: list[str], gone: Clause, body: str) -> list[str]:
    """The sentence so far, when the clause that would have followed goes: its "and" and its verb go on.

    "Hyperinflated but clear lungs" keeps its noun when "clear" goes.
    """
    *before, last = pieces
    noun = re.search(r"\w+$", body[gone.start : gone.end])
    if gone.bond == "free" and noun and _ADJECTIVES.fullmatch(last):
        return [*before, f"{last} {noun[0]}"]
    if gone.bond == "dependent":
        if _DANGLING.search(last):
            return [*before, f"{last} noted"]
        if gone.holds_verb and not VERB.search(last):
            return [*before, f"{last} {'are' if is_plural(last) else 'is'} noted"]
    if len(before) > 1 and before[-1] == ", " and gone.separator == ", and ":
        return [*before[:-1], ", and ", last]
    return pieces


_ADJECTIVES = re.compile(r"(?:\w+ly )?\w+(?:ed|ive)(?: appearing)?", re.IGNORECASE)
_ON_SOMETHING_ELSE = re.compile(
    r"\b(?:adjacent|overlying|underlying|associated|accompanying|superimposed|its|their)\b", re.IGNORECASE
)


_ARTICLE = re.compile(r"^(?:an?|the|any)\s+", re.IGNORECASE)


def _make_sentence_of_clause(bond: Bond, words: str) -> str | None:
    """A clause that hung on another, as a sentence; None when it makes no sense by itself."""
    if bond == "dependent" or _ON_SOMETHING_ELSE.match(words):
        return None
    if bond == "without":
        return f"No {_ARTICLE.sub('', words)}"
    if re.match(r"(?:no|not|neither)\b", words, re.IGNORECASE) or VERB.search(words):
        return words
    return f"There {'are' if is_plural(words) else 'is'} {lower_first(words)}"


# --- where clauses begin ----------------------------------------------------------------------

# "Consistent with", "compared with" and the like are one idea: their "with" opens no clause.
_WITH = (
    r"(?<!consistent)(?<!compatible)(?<!keeping)(?<!compared)(?<!associated)(?<!together)(?<!along)"
    r"(?<!comparison),?\s+(?P<with>with(?!in|\s+respect|\s+the\s+tip|\s+tip|\s+lead)"
    r"|except(?:\s+for)?|aside\s+from|apart\s+from|other\s+than)\s+"
)
_WITHOUT = r",?\s+(?:and\s+|but\s+)?(?P<without>without)\s+"
# De-identification often blanks "likely": in "opacity, XXXX atelectasis" the blank links two statements.
_DEPENDENT = (
    rf"(?P<dependent>,\s+(?={BLANK}\s+[a-z])|,?\s+(?=(?:{BLANK}\s+)?(?:"
    r"(?:consistent|compatible|in\s+keeping)\s+with\b|suggest(?:ive|ing)\b|represent(?:ing|s)\b"
    r"|reflect(?:ing|s)\b|favou?r(?:ing|ed)\b|concerning\s+for\b|worrisome\s+for\b|suspicious\s+for\b|questionable\s+for\b|likely\b"
    r"|possibly\b|probably\b|due\s+to\b|related\s+to\b|secondary\s+to\b|(?:may|could|might)\s+(?:represent|reflect|be)\b"
    r"|obscuring\b|blunting\b(?=\s+the)|tracking\b))|,?\s+(?=which\b|that\b))"
)
_FREE = (
    r"\s*;\s+|\s+[–—-]{1,2}\s+|,?\s+(?:but|however,?|although|though|while|whereas)\s+"
    r"|,?\s+and\s+(?=(?:no|there)\b)|,\s+(?=(?:no|there)\s)|,?\s+(?=otherwise\s)"
)
_BOUNDARY = re.compile(f"{_WITHOUT}|{_WITH}|{_DEPENDENT}|(?P<free>{_FREE})", re.IGNORECASE)
_JOINT = re.compile(r",\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
_LISTS_AFTER = re.compile(
    r"\b(?:there|it)\s+(?:is|are|was|were)\b|\b(?:shows?|demonstrates?|reveals?)\b", re.IGNORECASE
)


ADJECTIVES_AT_MOST = 2


def _split_clauses(body: str, said: Sequence[Said]) -> list[Clause]:
    found = [
        (m.start(), m.end(), _find_bond(m))
        for m in _BOUNDARY.finditer(body)
        if not _is_covered(m, said) and not _is_list_item(m, body)
    ]
    found = [cut for cut in found if cut[0] and cut[1] < len(body)]
    found += [(start, end, "free") for start, end in _iter_joints_between_verbs(body, found, said)]
    found += [
        cut
        for cut in _iter_joints_behind_states(body, said)
        if all(cut[1] <= a or b <= cut[0] for a, b, _ in found)
    ]
    clauses: list[Clause] = []
    separator, bond, begin = "", _FREE_BOND, 0
    for start, end, next_bond in sorted(found):
        # "might be due to …" is one link, not a clause that says nothing and another one.
        is_silent = not any(begin <= s.start < start for s in said)
        if bond == "dependent" and is_silent:
            continue
        # "With small but increasing effusion": nothing was stated yet, so "but" joins two adjectives.
        if (
            body[start:end].strip() == "but"
            and is_silent
            and len(body[begin:start].split()) <= ADJECTIVES_AT_MOST
        ):
            continue
        clauses.append(_make_clause(body, separator, bond, begin, start))
        separator, bond, begin = body[start:end], next_bond, end
    clauses.append(_make_clause(body, separator, bond, begin, len(body)))
    return clauses


def _is_list_item(boundary: re.Match[str], body: str) -> bool:
    """True if a blank behind a comma names one more denied or normal thing: "heart, XXXX and hila"."""
    is_blank = re.match(BLANK, body[boundary.end() :]) is not None
    return is_blank and boundary.lastgroup == "dependent" and DENIED_OR_NORMAL.search(body) is not None


def _iter_joints_behind_states(body: str, said: Iterable[Said]) -> Iterator[tuple[int, int, Bond]]:
    """Yield the joints around a statement without a verb: "heart size normal and lungs are clear"."""
    for statement in said:
        words = body[statement.start : statement.end]
        if not _STATE.search(words) or VERB.search(words):
            continue
        behind = _JOINT.match(body, statement.end)
        if behind and behind.end() < len(body):
            yield behind.start(), behind.end(), "free"
        before = [
            joint for joint in _JOINT.finditer(body, 0, statement.start) if joint.end() == statement.start
        ]
        if before and VERB.search(body, 0, before[0].start()):
            yield before[0].start(), before[0].end(), "free"


_STATE = re.compile(
    r"\s(?:normal|clear|unremarkable|stable|intact|enlarged|within normal limits)$", re.IGNORECASE
)


def _make_clause(body: str, separator: str, bond: Bond, start: int, end: int) -> Clause:
    holds_verb = bond == "dependent" and _LINKING_VERB.match(body, start, end) is not None
    return Clause(separator, bond, start, end, holds_verb)


_FREE_BOND: Bond = "free"
_LINKING_VERB = re.compile(
    r"(?:(?:most )?(?:likely|probably|possibly) )?(?:may|could|might|represents|reflects|suggests)\b",
    re.IGNORECASE,
)


def _find_bond(boundary: re.Match[str]) -> Bond:
    for kind in _BONDS:
        if boundary.lastgroup == kind:
            return kind
    return "free"


_BONDS: tuple[Bond, ...] = ("with", "without", "dependent")


def _is_covered(boundary: re.Match[str], said: Iterable[Said]) -> bool:
    return any(s.start < boundary.end() and boundary.start() < s.end for s in said)


def _iter_joints_between_verbs(
    body: str, found: Sequence[tuple[int, int, Bond]], said: Sequence[Said]
) -> Iterator[tuple[int, int]]:
    """The joints where a second verb begins a statement of its own: "heart is normal and hila are clear"."""
    for first, second in itertools.pairwise(VERB.finditer(body)):
        between = [cut for cut in found if first.end() <= cut[0] and cut[1] <= second.start()]
        if any(bond in ("dependent", "free") for _, _, bond in between):
            continue
        begin = max((end for _, end, _ in between), default=first.end())
        joints = [m for m in _JOINT.finditer(body, begin, second.start()) if not _is_covered(m, said)]
        if joints:
            # After "there is no" a list may follow, so the last joint opens the new statement.
            lists = between or _LISTS_AFTER.search(body, 0, first.end() + 1) or not COPULA.fullmatch(first[0])
            chosen = joints[-1] if lists else joints[0]
            yield chosen.start(), chosen.end()
