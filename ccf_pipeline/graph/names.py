"""Finding a concept by what a person calls it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph.model import Concept


def find_concept(spoken: str, concepts: Sequence[Concept]) -> Concept:
    """The concept meant by an id, a label, a form, or a loose spelling; findings come first."""
    wanted = _strip_punctuation(spoken)
    by_standing = sorted(concepts, key=lambda c: ("finding", "attribute", "normal_state").index(c.kind))
    for names in (_list_ids_and_labels, _list_forms):
        for concept in by_standing:
            if wanted in map(_strip_punctuation, names(concept)):
                return concept
    raise unknown_concept(spoken, concepts)


def unknown_concept(spoken: str, concepts: Iterable[Concept]) -> GraphError:
    """An error that names what the person may have meant."""
    names = {
        _strip_punctuation(name): concept for concept in concepts for name in _list_ids_and_labels(concept)
    }
    close = difflib.get_close_matches(_strip_punctuation(spoken), names, n=6, cutoff=0.75)
    meant = list(dict.fromkeys(f"{names[name].label} ({names[name].id})" for name in close))[:3]
    hint = f"Did you mean {' or '.join(meant)}?" if meant else "Ask by a label or an id of the graph file."
    return GraphError(f"`{spoken}` is not a concept of the graph", hint=hint)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to a misspelt one, if any is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def _list_ids_and_labels(concept: Concept) -> tuple[str, ...]:
    return concept.id, concept.id.partition("_")[2], concept.label


def _list_forms(concept: Concept) -> tuple[str, ...]:
    return *concept.forms, *concept.exact_forms


def _strip_punctuation(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
