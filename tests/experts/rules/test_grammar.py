"""What is left of a sentence stands alone or is not written: cut at every word, over frames."""

from __future__ import annotations

import itertools

import pytest

from ccf_pipeline.experts.rules.grammar import is_plural, is_whole

SUBJECTS = ("the heart", "the aorta", "both lungs", "the costophrenic angles")
PREDICATES = ("enlarged", "mildly tortuous", "clear", "within normal limits")
TURNS = (", but", " but", " while", ", although", ", and", " and")
LINKS = ("consistent with", "likely representing", "which may reflect", "due to", "most suggestive of")
CAUSES = ("pneumonia", "a scar", "chronic granulomatous disease")


def statement(subject: str, predicate: str) -> str:
    return f"{subject} {'are' if subject.endswith('s') else 'is'} {predicate}"


@pytest.mark.parametrize("turn", TURNS)
def test_a_statement_joined_to_another_is_cut_between_the_two_only(turn: str) -> None:
    for (first, second), predicate in itertools.product(itertools.permutations(SUBJECTS, 2), PREDICATES):
        head, tail = statement(first, predicate), statement(second, predicate)
        whole = f"{head}{turn} {tail}"
        assert is_whole(whole + "."), whole
        words = whole.split()
        begun = len(head.split()) + len(turn.split()) - (turn.startswith(","))
        for count in range(len(head.split()) + 1, begun + len(second.split()) + 2):
            cut = " ".join(words[:count]).rstrip(",")
            assert not is_whole(cut + ".") or cut == head, cut


@pytest.mark.parametrize("link", LINKS)
def test_neither_a_link_without_its_cause_nor_a_cause_with_its_link_stands_alone(link: str) -> None:
    for noun, cause in itertools.product(("patchy opacities", "a nodule in the left base"), CAUSES):
        assert is_whole(f"There are {noun} {link} {cause}.")
        for count in range(1, len(link.split()) + 1):
            begun = " ".join(link.split()[:count])
            assert not is_whole(f"There are {noun}, {begun}."), begun
    assert not any(
        is_whole(f"{verb} emphysema.") for verb in ("Represent", "Represents", "May reflect", "Is")
    )


@pytest.mark.parametrize(
    "text",
    ["The heart.", "Small left effusion.", "No effusion or pneumothorax. The lungs are clear.", "Emphysema."],
)
def test_a_noun_and_a_denial_stand_alone(text: str) -> None:
    assert is_whole(text)


def test_things_behind_the_noun_make_no_plural() -> None:
    assert is_plural("effusions in the left base")
    assert not is_plural("partial collapse of the upper and lower lobes")
