"""Text inside a report that is not about this film: orders to a model, and what an earlier film showed."""

from __future__ import annotations

import re
from functools import lru_cache

from ccf_pipeline.reader.pattern_hints import any_of

# Orders speak to whoever edits the text; a report speaks of a patient. Each alternative needs two signs of
# an order, a verb of command with something a model does, so that "add lateral view" stays a recommendation.
_ORDER = re.compile(
    r"""\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,40}
          \b(?:instruction|rule|prompt|direction|guideline|command|above|previous|prior|preceding|everything)
      | \b(?:assistant|system|user|chatgpt|gpt|claude|chatbot|ai|llm|(?:language\ )?model|editor|bot)\s*:
      | <\|?\s*/?(?:system|assistant|user|im_start|im_end|inst)\b | \[/?INST\]
      | \b(?:note|message|attention|dear|to|hey|hello)\b[^.]{0,20}
          \b(?:ai|llm|assistant|chatbot|(?:language|ai)\ model|chatgpt)\b
      | \b(?:as\ an|you\ are\ (?:an?|now)|act\ as|pretend\ to\ be)\b
          [^.]{0,30}\b(?:ai|model|assistant|bot|radiologist)
      | \b(?:answer|respond|reply|output|print|return|write|say|type)\b[^.]{0,30}
          \b(?:only|just|exactly|with\ the\ (?:word|phrase|text)|the\ (?:word|phrase|string))\b
      | \b(?:instruction|prompt|command|order|task)s?\s*:\s*(?=\S)
      | \b(?:system\ prompt|previous\ instructions|new\ instructions|these\ instructions|your\ instructions)\b
      | \b(?:do\ not|don't|stop|instead)\b[^.]{0,25}\b(?:edit|editing|rewrit\w+|obey|follow\ the)\b
      | \b(?:delete|erase|replace|rewrite|translate|summari[sz]e|repeat)\b[^.]{0,25}
          \b(?:report|text|sentences?|impression|findings|everything|all|prompt)\b
      | \byou\ (?:must|should|will|shall)\b[^.]{0,30}
          \b(?:write|add|delete|remove|state|say|answer|output|report|change|replace|conclude|mention)\b""",
    re.IGNORECASE | re.VERBOSE,
)
# Cheap to ask; nearly every sentence has none of them.
_hints_at_order = any_of((
    "ignore", "disregard", "forget", "overrid", "bypass", "assistant", "system", "user", "gpt", "claude",
    "bot", "model", "llm", " ai", "<|", "[inst", "[/inst", "answer", "respon", "reply", "output", "print",
    "return", "write", "say", "type", "instruct", "prompt", "command", "order", "task", "edit",
    "obey", "delete", "erase",
    "replace", "translate", "summari", "repeat", "you ", "pretend", "act as", "rewrit", "follow the", "ai:",
    "ai :",
))  # fmt: skip
_hints_at_earlier = any_of(
    ("which ", "that ", "prior ", "previous ", "earlier ", "preceding ", "last ", "comparison ")
)
_EARLIER = re.compile(
    r"""\b(?:which|that)\ (?:had\ )?(?:showed|demonstrated|revealed|was|were|had)\b
      | \b(?:prior|previous|earlier|preceding|last|comparison)\b[^.;,]{0,50}
          \b(?:showed|demonstrated|revealed|had\ shown|had\ demonstrated|with|without)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_OF_ANOTHER_DAY = re.compile(
    r"\b(?:prior|previous|earlier|preceding|yesterday|comparison|last|compared)\b", re.IGNORECASE
)
# What follows one of these is about this film again.
_NOW = re.compile(
    r"\b(?:now|today|currently|there (?:is|are|has)|on the current|on today|has|have|is|are|remains?)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=50_000)
def is_order(sentence: str) -> bool:
    """True if a sentence tells a model what to do; remembered, for reading and checking ask it in turn."""
    return _hints_at_order(sentence.lower()) and _ORDER.search(sentence) is not None


def told_of_earlier(sentence: str) -> tuple[int, int] | None:
    """The part of a sentence that tells what an earlier film showed."""
    if not _hints_at_earlier(sentence.lower()) or not _OF_ANOTHER_DAY.search(sentence):
        return None
    found = _EARLIER.search(sentence)
    if found is None:
        return None
    back = re.compile(r"[;,]").search(sentence, found.end())
    while back is not None and not _NOW.match(sentence[back.end() :].lstrip()):
        back = re.compile(r"[;,]").search(sentence, back.end())
    return found.end(), back.start() if back else len(sentence)
