"""Plan → the same sentences with one word exchanged, where a side or a degree is all that differs."""

from __future__ import annotations

import re
from collections.abc import Callable

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Mention, Plan, Prompt, Sentence, SentenceEdit

_SIDE = re.compile(r"\b(left|right)(?=\b|-sided)", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}
_ARTICLE = re.compile(r"\b([Aa])n?(?=\s+(\w))")


def exchange_words(prompt: Prompt, graph: ConceptGraph) -> list[SentenceEdit] | None:
    """The free sentences with the word exchanged; None where it means more than that, or is not there."""
    rewrite = _choose_rewriter(prompt.plan, graph)
    if rewrite is None:
        return None
    edits = []
    for sentence in prompt.sentences:
        if sentence.number not in prompt.plan.free_sentences:
            continue
        text = rewrite(sentence)
        if text is None or text == sentence.text:
            return None
        edits.append(SentenceEdit(action="replace", number=sentence.number, text=text))
    return edits


def _choose_rewriter(plan: Plan, graph: ConceptGraph) -> Callable[[Sentence], str | None] | None:
    if plan.element == "side":
        return lambda sentence: _turn_side(sentence, plan)
    if plan.element == "severity":
        return lambda sentence: _replace_degree(sentence, plan, graph)
    return None


def _turn_side(sentence: Sentence, plan: Plan) -> str | None:
    """Left for right; not where something that stays has a side, too."""
    if any(m.sentence == sentence.number and m.side for m in plan.must_stay):
        return None
    return _SIDE.sub(lambda found: _match_case(_OTHER[found[1].lower()], found[1]), sentence.text)


def _replace_degree(sentence: Sentence, plan: Plan, graph: ConceptGraph) -> str | None:
    """One degree for another; not where something that stays has the same."""
    graded = [m for m in plan.must_cease if m.sentence == sentence.number and m.severity]
    was = {graph.severity_grade(m.severity or "") for m in graded}
    stays = {graph.severity_grade(m.severity or "") for m in plan.must_stay if _is_graded(m, sentence)}
    new = plan.must_appear[0].severity
    if len(was) != 1 or was & stays or new is None:
        return None
    words = {word for grade in was if grade is not None for word in graph.file.severity_grades[grade]}
    alternatives = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    found = list(re.finditer(rf"\b(?:{alternatives})\b", sentence.text, re.IGNORECASE))
    if not found:
        return None
    # Of two words the one before the finding is its own: "moderate edema with moderate congestion".
    end = max(m.end for m in graded) - sentence.start
    old = next((word for word in reversed(found) if word.start() < end), found[0])
    if old[0].lower().endswith("ly"):
        new = _make_adverb(new, graph)
    if new is None:
        return None
    return _fix_articles(
        f"{sentence.text[: old.start()]}{_match_case(new, old[0])}{sentence.text[old.end() :]}"
    )


def _is_graded(mention: Mention, sentence: Sentence) -> bool:
    return mention.sentence == sentence.number and mention.severity is not None


def _make_adverb(word: str, graph: ConceptGraph) -> str | None:
    """The degree before "enlarged": markedly for marked, if the graph knows such a word."""
    adverb = f"{word}ly"
    return adverb if graph.severity_grade(adverb) is not None else None


def _match_case(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word


def _fix_articles(text: str) -> str:
    return _ARTICLE.sub(lambda found: found[1] + ("n" if found[2].lower() in "aeiou" else ""), text)
