"""Finding a concept by what a person calls it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph.model import Concept


def find_concept(spoken: str, concepts: Sequence[Concept]) -> Concept:
    """The concept meant by an id, a label, a form, or a loose spelling; findings come first."""
    wanted = _loose(spoken)
    by_standing = sorted(concepts, key=lambda c: ("finding", "attribute", "normal_state").index(c.kind))
    for names in (_ids_and_labels, _forms):
        for concept in by_standing:
            if wanted in map(_loose, names(concept)):
                return concept
    raise unknown_concept(spoken, concepts)


def unknown_concept(spoken: str, concepts: Iterable[Concept]) -> GraphError:
    """An error that names what the person may have meant."""
    names = {_loose(name): concept for concept in concepts for name in _ids_and_labels(concept)}
    close = difflib.get_close_matches(_loose(spoken), names, n=6, cutoff=0.75)
    meant = list(dict.fromkeys(f"{names[name].label} ({names[name].id})" for name in close))[:3]
    hint = f"Did you mean {' or '.join(meant)}?" if meant else "Ask by a label or an id of the graph file."
    return GraphError(f"`{spoken}` is not a concept of the graph", hint=hint)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to a misspelt one, if any is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def _ids_and_labels(concept: Concept) -> tuple[str, ...]:
    return concept.id, concept.id.partition("_")[2], concept.label


def _forms(concept: Concept) -> tuple[str, ...]:
    return *concept.forms, *concept.exact_forms


def _loose(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
