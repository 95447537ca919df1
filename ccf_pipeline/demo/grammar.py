"""The small grammar that the demo's sentences are written in.

`[a|b|]` is one of its ways, `{name}` a slot; both nest and either may come out empty. Blanks, articles,
full stops and the first capital are put right at the end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeVar

_T = TypeVar("_T")
_TOKENS = re.compile(r"[\[\]|]|\{\w+\}|[^\[\]|{}]+")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


class _Slot(str):
    """The name of a value that the writer fills in."""

    __slots__ = ()


class _Choice(tuple["_Sequence", ...]):
    """Ways to go on."""

    __slots__ = ()


_Sequence = tuple["str | _Slot | _Choice", ...]


def pick(rng: random.Random, options: Sequence[_T]) -> _T:
    """One of the options, several times faster than `rng.choice`."""
    return options[int(rng.random() * len(options))]


def expand(template: str, rng: random.Random, slots: Mapping[str, str]) -> str:
    """Choose a way through the template; the result may still have doubled blanks."""
    parts: list[str] = []
    _walk(_parse(template), rng, slots, parts)
    return "".join(parts)


def write_sentence(template: str, rng: random.Random, slots: Mapping[str, str]) -> str:
    """Choose a way through the template and finish it as a sentence."""
    return finish_sentence(expand(template, rng, slots))


def finish_sentence(text: str) -> str:
    """Single blanks, right articles, a capital and a full stop."""
    text = " ".join(text.split()).replace(" ,", ",").replace(" .", ".")
    text = _ARTICLE.sub(r"\1n ", text)
    if text[-1] not in ".?":
        text += "."
    return text[0].upper() + text[1:]


def _walk(sequence: _Sequence, rng: random.Random, slots: Mapping[str, str], parts: list[str]) -> None:
    for node in sequence:
        kind = type(node)
        if kind is str:
            parts.append(node)  # type: ignore[arg-type]
        elif kind is _Slot:
            parts.append(slots[node])  # type: ignore[index]
        else:
            _walk(node[int(rng.random() * len(node))], rng, slots, parts)  # type: ignore[arg-type]


@cache
def _parse(template: str) -> _Sequence:
    tokens = _TOKENS.findall(template)
    sequence, rest = _parse_sequence(tokens, 0)
    if rest != len(tokens) or "".join(tokens) != template:
        raise ValueError(f"unbalanced template: {template}")
    return sequence


def _parse_sequence(tokens: list[str], at: int) -> tuple[_Sequence, int]:
    nodes: list[str | _Slot | _Choice] = []
    while at < len(tokens) and tokens[at] not in ("|", "]"):
        token = tokens[at]
        if token == "[":
            choice, at = _parse_choice(tokens, at + 1)
            nodes.append(choice)
        else:
            nodes.append(_Slot(token[1:-1]) if token[0] == "{" else token)
            at += 1
    return tuple(nodes), at


def _parse_choice(tokens: list[str], at: int) -> tuple[_Choice, int]:
    ways: list[_Sequence] = []
    while True:
        way, at = _parse_sequence(tokens, at)
        ways.append(way)
        if at >= len(tokens):
            raise ValueError("a choice is not closed: " + "".join(tokens))
        at += 1
        if tokens[at - 1] == "]":
            return _Choice(ways), at
