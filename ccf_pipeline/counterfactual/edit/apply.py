"""Steps by sentence → the counterfactual report, laid out as the factual one."""

from __future__ import annotations

import re

from ccf_pipeline.counterfactual.edit.align import same_words
from ccf_pipeline.reader.sentences import split_sentences
from ccf_pipeline.records import Edit, Plan, Sentence, SentenceEdit, Study

ITEM = re.compile(r"(\d{1,2})\. (?=\S)")
_OWN_NUMBER = re.compile(r"\A\s*\[\d{1,4}\]\s*")

Piece = tuple[str, str, int]
"""A section, the words of a sentence in it, and the number of the sentence they came from, or 0."""


def apply_steps(steps: tuple[SentenceEdit, ...], plan: Plan, study: Study) -> Edit:
    """Lay the sentences out again, section by section; a section left without sentences is left out."""
    changed = {step.number: step for step in steps if step.action != "insert"}
    inserted: dict[int, list[str]] = {}
    for step in steps:
        if step.action == "insert":
            inserted.setdefault(step.number, []).append(step.text)
    pieces: list[Piece] = []
    for sentence in study.sentences:
        change = changed.get(sentence.number)
        if change is None:
            pieces.append((sentence.section, sentence.text, sentence.number))
        elif change.action == "replace":
            pieces += _replace_sentence(sentence, change.text)
        for addition in inserted.get(sentence.number, ()):
            pieces += [(sentence.section, text, 0) for text in _cut_sentences(addition, sentence.section)]
    text, sentences = _lay_out(_count_list_anew(pieces, study))
    return Edit(
        plan_id=plan.plan_id,
        steps=steps,
        text=text,
        sentences=sentences,
        origins=tuple([origin for _, _, origin in pieces]),
        problem=None,
    )


def unapplied(plan: Plan, study: Study, problem: str) -> Edit:
    """The factual report, and why the answer could not be applied to it."""
    return Edit(
        plan_id=plan.plan_id,
        steps=(),
        text=study.text,
        sentences=study.sentences,
        origins=tuple(sentence.number for sentence in study.sentences),
        problem=problem,
    )


def _replace_sentence(sentence: Sentence, words: str) -> list[Piece]:
    """The sentences of new words; the one that only repeats the old sentence is still that sentence."""
    texts = _cut_sentences(words, sentence.section)
    old = same_words(sentence.text)
    repeats = next((place for place, text in enumerate(texts) if same_words(text) == old), None)
    kept = (sentence.section, sentence.text, sentence.number)
    return [kept if at == repeats else (sentence.section, text, 0) for at, text in enumerate(texts)]


def _cut_sentences(words: str, section: str) -> list[str]:
    """New words cut into sentences, without the number or heading that they were shown under."""
    squeezed = " ".join(_OWN_NUMBER.sub("", words).split())
    if section and squeezed.upper().startswith(f"{section.upper()}: "):
        squeezed = squeezed[len(section) + 2 :]
    return [squeezed[start:end] for start, end in split_sentences(squeezed)]


def _count_list_anew(pieces: list[Piece], study: Study) -> list[Piece]:
    """Count a numbered list anew: a gap where an item went would tell the pair apart."""
    numbered = {section for section in ("findings", "impression") if _is_numbered(study, section)}
    counts = dict.fromkeys(numbered, 0)
    renumbered: list[Piece] = []
    for section, words, origin in pieces:
        if section in numbered and ITEM.match(words):
            counts[section] += 1
            words = ITEM.sub(f"{counts[section]}. ", words, count=1)
        renumbered.append((section, words, origin))
    return renumbered


def _is_numbered(study: Study, section: str) -> bool:
    """True if a section is a list counted from 1 without a gap."""
    texts = [sentence.text for sentence in study.sentences if sentence.section == section]
    numbers = [int(match.group(1)) for text in texts if (match := ITEM.match(text))]
    return bool(numbers) and numbers == list(range(1, len(numbers) + 1))


def _lay_out(pieces: list[Piece]) -> tuple[str, tuple[Sentence, ...]]:
    text = ""
    section_open = ""
    sentences: list[Sentence] = []
    for number, (section, words, _) in enumerate(pieces, start=1):
        if section != section_open:
            text += ("\n" if text else "") + f"{section.upper()}: "
            section_open = section
        else:
            text += " " if text else ""
        start = len(text)
        text += words
        sentences.append(Sentence(number=number, section=section, start=start, end=len(text), text=words))
    return text, tuple(sentences)
