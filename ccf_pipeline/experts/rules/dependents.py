"""Take clauses out of a sentence that only continued what went."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccf_pipeline.experts.rules.grammar import agree, finish_sentence, is_plural, split_label
from ccf_pipeline.records import Dependent, Mention, Plan, Sentence

_POINTING = re.compile(
    r"^(?:more )?(?:specifically|in particular|in addition|additionally|however|moreover|furthermore),"
    r"|,?\s*\b(?:otherwise|elsewhere)\b,?|\b(?:remainder|rest) of (?:the )?|\bremaining\b"
    r"|(?<=\bno )(?:other|additional|further)\b|(?<=\bany )(?:other|additional|further)\b"
    r"|\b(?:associated|underlying|superimposed|adjacent|accompanying|surrounding|concomitant|coexist(?:ing|ent))\b",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(?:\s*[;,–—-]+\s*|\s+)(?:and|but|although|though|however|while|whereas)?[\s,]*\Z")
_OPENING = re.compile(r"[\s,;]*(?:and|but|although|though|however|while|whereas)?[\s,]*")


def going_in(sentence: Sentence, plan: Plan) -> tuple[Dependent, ...]:
    """The clauses of a sentence that go because they only continue what goes."""
    return tuple(one for one in plan.dependents if one.goes and one.sentence == sentence.number)


def is_only_dependent(sentence: Sentence, plan: Plan) -> bool:
    """True if the whole sentence goes because it only continues what goes."""
    return any(one.is_whole and not one.is_rewritten for one in going_in(sentence, plan))


def cut_clauses(sentence: Sentence, going: Sequence[Dependent], plan: Plan) -> tuple[Sentence, Plan]:
    """The sentence without the clauses that go, and the plan with what else it says where that stands now."""
    if not going:
        return sentence, plan
    label, _ = split_label(sentence.text)
    text = sentence.text
    told = {"must_cease": list(plan.must_cease), "must_stay": list(plan.must_stay)}
    for clause in sorted(going, key=lambda one: one.start, reverse=True):
        start, end = clause.start - sentence.start, clause.end - sentence.start
        joint = _JOINT.search(text, len(label), start) if start > len(label) else None
        opening = _OPENING.match(text, end)
        start, end = (joint.start(), end) if joint else (start, opening.end() if opening else end)
        text = text[:start] + text[end:]
        for name, mentions in told.items():
            moved = (_move_mention(m, sentence, clause, start, end) for m in mentions)
            told[name] = [m for m in moved if m is not None]
    cut = sentence.model_copy(update={"text": text, "end": sentence.start + len(text)})
    return cut, plan.model_copy(update={name: tuple(mentions) for name, mentions in told.items()})


def _move_mention(
    mention: Mention, sentence: Sentence, clause: Dependent, start: int, end: int
) -> Mention | None:
    """A mention where it stands without the letters from `start` to `end`; None if it went with them."""
    if mention.sentence != sentence.number or mention.start < clause.start:
        return mention
    if mention.start < clause.end:
        return None
    return mention.model_copy(
        update={"start": mention.start - (end - start), "end": mention.end - (end - start)}
    )


def pointing_to_nothing(words: str) -> str:
    """The words without the one by which they are other than something else."""
    bare = finish_sentence(_POINTING.sub(" ", words))
    found = re.match(r"(?:the |both )?([a-z ]+?) (?=is |are |appears? )", bare, re.IGNORECASE)
    return agree(bare, plural=is_plural(found[1])) if found else bare
