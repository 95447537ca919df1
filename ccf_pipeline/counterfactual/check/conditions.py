"""Whether the condition of a relation holds between two statements: yes, no, or not known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import REST, Case
from ccf_pipeline.graph import Condition, Relation
from ccf_pipeline.records import Mention

_QUALIFIED = re.compile(
    r"\b(?:no|without|not|any)\b[^.;,]{0,25}\b(?:large|larger|sizeable|sizable|significant|substantial|displaced"
    r"|overt|frank|gross|lobar|new|additional|further|definite|obvious|moderate|interstitial|dominant|residual"
    r"|recurrent|tension|acute displaced)\b",
    re.IGNORECASE,
)
_ACUITY = {
    "acute": re.compile(r"\b(?:acute(?:ly)?|new(?:ly)?|recent(?:ly)?|developing)\b", re.IGNORECASE),
    "subacute": re.compile(r"\b(?:subacute|healing)\b", re.IGNORECASE),
    "chronic": re.compile(
        r"\b(?:chronic(?:ally)?|old|healed|remote|long-?standing|prior|stable)\b", re.IGNORECASE
    ),
}
_EXTENTS = ("segment", "lobe", "lung")
_LOBAR = re.compile(r"\b(?:lobar|lobe|collapsed?)\b", re.IGNORECASE)
_SMALL = re.compile(
    r"\b(?:sub-?segmental|plate-?like|linear|discoid|band-?like|bibasilar|minor|minimal|trace)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\b(?:whole|entire|complete(?:ly)?|hemithorax|white-?out|total)\b", re.IGNORECASE)


def holds(relation: Relation, first: Mention, second: Mention, case: Case) -> bool | None:
    """True if a relation applies to two statements of the counterfactual; None where that cannot be told.

    Severity, acuity and place are those of the relation's source, or of its target where the source is a
    normal state; a note is for people.
    """
    when = relation.when
    if when is None:
        return True
    below = case.graph.descendants(relation.source)
    source, target = (
        (first, second) if first.concept == relation.source or first.concept in below else (second, first)
    )
    told = target if case.graph.concept(relation.source).kind == "normal_state" else source
    answers = set(_iter_answers(when, told, source, target, case))
    return False if False in answers else None if None in answers else True


def _iter_answers(
    when: Condition, told: Mention, source: Mention, target: Mention, case: Case
) -> Iterator[bool | None]:
    words = f"{case.words_of(source)} \n {case.words_of(target)}".replace("minor fissure", "fissure")
    if when.wording:
        yield _has_wanted_word(words, when.wording)
    if when.not_wording:
        yield not _has_wanted_word(words, when.not_wording)
    if when.no_exception:
        yield REST.search(words) is None
    if when.unqualified:
        yield not is_qualified(case.words_of(source))
    if when.definite:
        yield "uncertain" not in (source.polarity, target.polarity)
    if when.same_side:
        yield case.graph.overlaps((source.side, None), (target.side, None))
    if when.side:
        yield None if told.side is None else told.side in (when.side, "bilateral")
    if when.views:
        yield _match_view(when.views, case.views)
    if when.acuity:
        yield _match_acuity(when.acuity, case.words_of(told))
    if when.min_severity or when.max_severity:
        yield _match_severity(when, told, case)
    if when.regions:
        yield _match_region(when.regions, told, case)
    if when.min_extent:
        yield _match_extent(when.min_extent, case.words_of(told))


def is_qualified(words: str) -> bool:
    """True if only a part is denied: "no large effusion"."""
    return _QUALIFIED.search(words) is not None


def is_called_old(words: str) -> bool:
    """True if a sentence calls something old, or healing."""
    return any(_ACUITY[acuity].search(words) for acuity in ("chronic", "subacute"))


def _has_wanted_word(words: str, wanted: tuple[str, ...]) -> bool:
    return _compile_words(wanted).search(words) is not None


@lru_cache(maxsize=512)
def _compile_words(wanted: tuple[str, ...]) -> re.Pattern[str]:
    parts = (re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in wanted)
    return re.compile(rf"\b(?:{'|'.join(parts)})\b", re.IGNORECASE)


def _match_view(wanted: tuple[str, ...], known: frozenset[str]) -> bool | None:
    if known & set(wanted):
        return True
    apart = {"upright": {"supine"}, "supine": {"upright", "PA"}, "PA": {"AP", "supine"}, "AP": {"PA"}}
    if any(known & apart.get(view, set()) for view in wanted):
        return False
    return True if "upright" in wanted and "PA" in known else None


def _match_acuity(wanted: tuple[str, ...], words: str) -> bool | None:
    said = {acuity for acuity, pattern in _ACUITY.items() if pattern.search(words)}
    return bool(said & set(wanted)) if said else None


def _match_severity(when: Condition, told: Mention, case: Case) -> bool | None:
    grade = case.graph.severity_grade(told.severity) if told.severity else None
    if grade is None:
        return None
    least = case.graph.severity_grade(when.min_severity) if when.min_severity else None
    most = case.graph.severity_grade(when.max_severity) if when.max_severity else None
    return (least is None or grade >= least) and (most is None or grade <= most)


def _match_region(wanted: tuple[str, ...], told: Mention, case: Case) -> bool | None:
    if told.region is None:
        return None
    return any(case.graph.overlaps((None, told.region), (None, region)) for region in wanted)


def _match_extent(wanted: str, words: str) -> bool | None:
    if _WHOLE.search(words):
        return True
    if _SMALL.search(words):
        return False
    if _LOBAR.search(words):
        return _EXTENTS.index(wanted) <= _EXTENTS.index("lobe")
    return None
