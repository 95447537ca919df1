"""Plan → the same sentences with one word exchanged, where a side or a degree is all that differs."""

from __future__ import annotations

import re
from collections.abc import Callable

from ccf_pipeline.records import Plan, Prompt, Sentence, SentenceEdit

_SIDE = re.compile(r"\b(left|right)(?=\b|-sided)", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}
_ARTICLE = re.compile(r"\b([Aa])n?(?=\s+(\w))")


def exchange_words(prompt: Prompt) -> list[SentenceEdit] | None:
    """The free sentences with the word exchanged; None where it means more than that, or is not there."""
    rewrite = _rewriter(prompt.plan)
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


def _rewriter(plan: Plan) -> Callable[[Sentence], str | None] | None:
    if plan.element == "side":
        return lambda sentence: _turned(sentence, plan)
    if plan.element == "severity":
        return lambda sentence: _regraded(sentence, plan)
    return None


def _turned(sentence: Sentence, plan: Plan) -> str | None:
    """Left for right; not where something that stays has a side, too."""
    if any(m.sentence == sentence.number and m.side for m in plan.must_stay):
        return None
    return _SIDE.sub(lambda found: _cased(_OTHER[found[1].lower()], found[1]), sentence.text)


def _regraded(sentence: Sentence, plan: Plan) -> str | None:
    """One degree for another; not where something that stays has the same."""
    was = {m.severity for m in plan.must_cease if m.sentence == sentence.number and m.severity}
    stays = {m.severity for m in plan.must_stay if m.sentence == sentence.number}
    if len(was) != 1 or was & stays or plan.must_appear[0].severity is None:
        return None
    (old,), new = was, plan.must_appear[0].severity
    pattern = re.compile(rf"\b{re.escape(old or '')}\b", re.IGNORECASE)
    if len(pattern.findall(sentence.text)) != 1:
        return None
    return _with_articles(pattern.sub(lambda found: _cased(new, found[0]), sentence.text))


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word


def _with_articles(text: str) -> str:
    return _ARTICLE.sub(lambda found: found[1] + ("n" if found[2].lower() in "aeiou" else ""), text)
