"""The reader's self-test: sentences that must be read right before a build begins."""

from __future__ import annotations

from ccf_pipeline.records import Mention
from ccf_pipeline.steps.reading.lexicon import Lexicon, packaged
from ccf_pipeline.steps.reading.reader import read_text


def misread_sentences(lexicon: Lexicon) -> list[str]:
    """What the reader gets wrong of its golden sentences, each in a line; nothing when all is well."""
    return [problem for golden in packaged("golden.yaml") for problem in _problems(golden, lexicon)]


def _problems(golden: dict[str, str | list[str]], lexicon: Lexicon) -> list[str]:
    text = str(golden["text"])
    mentions = read_text(text, lexicon)
    said = [_words(mention) for mention in mentions]
    missing = [claim for claim in golden["says"] if not any(set(claim.split()) <= words for words in said)]
    problems = [f"{text!r} should say {claim}" for claim in missing]
    if not golden["says"] and any(mention.concept.startswith("fnd_") for mention in mentions):
        problems.append(f"{text!r} should say nothing of a finding")
    return problems


def _words(mention: Mention) -> set[str]:
    details = (
        mention.concept,
        mention.polarity,
        mention.side,
        mention.region,
        mention.severity,
        mention.temporality,
    )
    return {word for word in details if word is not None}
