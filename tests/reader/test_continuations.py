"""Clauses that only continue something, and what they are found to continue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.edit.align import number_sentences
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon, find_anaphors
from ccf_pipeline.reader.facts import read_facts

Resolve = Callable[[str], list[tuple[str, set[str]]]]


@pytest.fixture(scope="module")
def resolve() -> Resolve:
    """The kinds of the clauses of a text that continue something, each with the words that it continues."""
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)

    def resolved(text: str) -> list[tuple[str, set[str]]]:
        found = read_facts(text, lexicon).continuations(number_sentences(text), graph)
        return [(one.kind, {text[head.start : head.end] for head in one.heads}) for one in found]

    return resolved


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("It measures 9 mm.", "size"),
        ("These are unchanged from the prior study.", "change"),
        ("Unchanged.", "change"),
        ("Likely due to aspiration.", "cause"),
        ("Etiology is uncertain.", "cause"),
        ("2. This could be artifact.", "cause"),
        ("Again, on the lateral view, this is difficult to assess.", "visibility"),
        ("Its margins are spiculated.", "reference"),
        ("The tip is in the SVC.", "part"),
        ("Associated atelectasis is noted.", "relation"),
        ("Recommend chest CT.", "advice"),
        ("A dedicated ___ is recommended.", "advice"),
        ("No further follow-up is needed.", "advice"),
        ("If clinically indicated, CT could further characterize this.", "advice"),
        ("Dr. ___ was paged at 3 pm.", "communication"),
        ("The remainder of the lungs is clear.", "exception"),
    ],
)
def test_a_clause_that_continues_something_is_known_by_its_grammar(sentence: str, kind: str) -> None:
    assert [found.kind for found in find_anaphors(sentence)] == [kind]


@pytest.mark.parametrize(
    "sentence",
    [
        "Both lungs are clear.",
        "Stable cardiomegaly.",
        "This examination is limited by motion.",
        "It is difficult to exclude a small effusion.",
        "There is no opacity to suggest pneumonia.",
        "No discrete correlate is seen on the lateral view.",
        "The distal tip of the PICC is in the SVC.",
        "Increased interstitial markings.",
        "The left effusion is unchanged.",
        "Previously noted left effusion has resolved.",
    ],
)
def test_a_sentence_with_a_subject_of_its_own_continues_nothing(sentence: str) -> None:
    assert find_anaphors(sentence) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A nodule is seen. The heart is enlarged. It measures 9 mm.", [("size", {"nodule"})]),
        ("Small effusion. Left base opacity. This opacity is new.", [("change", {"Left base opacity"})]),
        ("Left base opacity. Small effusion. This opacity is new.", [("change", {"Left base opacity"})]),
        ("Base opacity with small effusion. These are new.", [("change", {"opacity", "effusion"})]),
        ("A PICC is present. There is an effusion. It terminates in the SVC.", [("device", {"PICC"})]),
        ("An effusion is seen. There is a hyperdense azygos lobe. It is unchanged.", []),
        ("The heart is normal in size. It is unchanged.", [("change", {"heart is normal in size"})]),
        ("Fracture of a vertebral body. This vertebral body is dense.", [("reference", {"Fracture"})]),
        ("A nodule is seen. It is stable. It measures 9 mm.", [("change", {"nodule"}), ("size", {"nodule"})]),
        ("There is a nodule. Small effusion. CT is recommended.", [("advice", {"nodule"})]),
        ("There is a nodule. Small effusion. Decubitus views may be helpful.", [("advice", {"effusion"})]),
        ("Left effusion. The heart is enlarged. Dr. ___ was paged.", [("communication", {"Left effusion"})]),
        ("The lungs are clear. CT is recommended if symptoms persist.", []),
    ],
)  # fmt: skip
def test_a_clause_continues_what_it_can_mean(
    text: str, expected: list[tuple[str, set[str]]], resolve: Resolve
) -> None:
    assert resolve(text) == expected
