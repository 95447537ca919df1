"""Taking statements out of sentences. What goes stands in {braces}, what stays in [brackets]."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.experts.rules.cutting import Said, cut_sentence

MARKED = re.compile(r"[{\[]([^}\]]*)[}\]]")


def cut(marked: str) -> str | None:
    said: list[Said] = []
    text, begin = "", 0
    for found in MARKED.finditer(marked):
        text += marked[begin : found.start()]
        said.append(Said(len(text), len(text) + len(found[1]), goes=found[0][0] == "{"))
        text += found[1]
        begin = found.end()
    return cut_sentence(text + marked[begin:], said)


def cut_words(text: str, *, goes: list[str], stays: list[str]) -> str | None:
    """For statements that share words: "lungs are clear" in "lungs are clear and well expanded"."""
    said = [
        Said(text.index(words), text.index(words) + len(words), words in goes) for words in [*goes, *stays]
    ]
    return cut_sentence(text, said)


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        (
            "No [focal consolidation], {pleural effusion}, or [pneumothorax].",
            "No focal consolidation or pneumothorax.",
        ),
        (
            "No [focal consolidation], [pleural effusion], or {pneumothorax}.",
            "No focal consolidation or pleural effusion.",
        ),
        (
            "No {focal consolidation}, [pleural effusion], or [pneumothorax].",
            "No pleural effusion or pneumothorax.",
        ),
        (
            "No [edema], {effusion}, [consolidation], or [pneumothorax].",
            "No edema, consolidation, or pneumothorax.",
        ),
        (
            "No [edema], {effusion}, [consolidation] or [pneumothorax].",
            "No edema, consolidation or pneumothorax.",
        ),
        ("There is no {pleural effusion} or [pneumothorax].", "There is no pneumothorax."),
        ("There is no [pleural effusion] nor {pneumothorax}.", "There is no pleural effusion."),
        (
            "There is no evidence of {consolidation}, [effusion], or [pneumothorax].",
            "There is no evidence of effusion or pneumothorax.",
        ),
        (
            "No definite {pneumothorax}, [effusion], or [consolidation].",
            "No definite effusion or consolidation.",
        ),
        ("Negative for {pneumothorax} or [effusion].", "Negative for effusion."),
        ("No large {pleural effusion} or [pneumothorax].", "No pneumothorax."),
        ("No [pneumothorax] or large {pleural effusions} are identified.", "No pneumothorax is identified."),
        ("No {pneumothorax} or large [pleural effusions] are seen.", "No large pleural effusions are seen."),
        (
            "No [consolidation], {effusion} or [pneumothorax] is seen.",
            "No consolidation or pneumothorax is seen.",
        ),
        ("No [focal consolidation], free air, or {pneumothorax}.", "No focal consolidation or free air."),
        ("No {pneumothorax} or {effusion}.", ""),
    ],
)
def test_an_item_of_a_list_of_denials_goes(sentence: str, left: str) -> None:
    assert cut(sentence) == left


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        (
            "The [lungs are clear] without {effusion} or [pneumothorax].",
            "The lungs are clear without pneumothorax.",
        ),
        ("The [lungs are clear] without {effusion} or {pneumothorax}.", "The lungs are clear."),
        ("The {lungs are clear} without [effusion] or [pneumothorax].", "No effusion or pneumothorax."),
        ("The {lungs are clear}, with no [effusion].", "No effusion."),
        ("[Lungs are hyperinflated] but there is no {pneumothorax}.", "Lungs are hyperinflated."),
        ("The {heart is normal in size}; there is no [pneumothorax].", "There is no pneumothorax."),
        ("The [heart is normal in size], and there is no {effusion}.", "The heart is normal in size."),
        ("{Heart size is normal} and [hila are unremarkable].", "Hila are unremarkable."),
        (
            "The [lungs are clear], the [hila are normal], and there is no {effusion}.",
            "The lungs are clear, and the hila are normal.",
        ),
        ("The [lungs are clear] except for a small {effusion}.", "The lungs are clear."),
        ("There is a small {effusion} but no [pneumothorax].", "No pneumothorax."),
        (
            "The [lungs are clear] of {consolidation}, [effusion] or [pneumothorax].",
            "The lungs are clear of effusion or pneumothorax.",
        ),
    ],
)
def test_a_clause_goes(sentence: str, left: str) -> None:
    assert cut(sentence) == left


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        (
            "Moderate [cardiomegaly] and small bilateral {pleural effusions} are present.",
            "Moderate cardiomegaly is present.",
        ),
        (
            "Moderate {cardiomegaly} and small bilateral [pleural effusions] are present.",
            "Small bilateral pleural effusions are present.",
        ),
        ("There are multiple {rib fractures} and a small [pneumothorax].", "There is a small pneumothorax."),
        (
            "Mild {edema}, small [effusions], and basilar [atelectasis].",
            "Small effusions and basilar atelectasis.",
        ),
        (
            "[Cardiomegaly] with mild {edema} and small [effusions] is unchanged.",
            "Cardiomegaly with small effusions is unchanged.",
        ),
        ("Small {effusion}, new since ___, and basilar [atelectasis].", "Basilar atelectasis."),
        ("Small left {effusion}, unchanged.", ""),
        ("Right lower lobe [opacity], consistent with {pneumonia}.", "Right lower lobe opacity."),
        ("Basilar [opacities] may reflect {atelectasis}.", "Basilar opacities are noted."),
        ("Basilar [opacities] are consistent with {atelectasis}.", "Basilar opacities are noted."),
        (
            "Basilar [opacity] could reflect {atelectasis} or [pneumonia].",
            "Basilar opacity could reflect pneumonia.",
        ),
        (
            "Basilar [opacity] due to a combination of {effusion} and [atelectasis].",
            "Basilar opacity due to atelectasis.",
        ),
        ("A [chest tube] with {pneumothorax} and no [effusion].", "A chest tube with no effusion."),
        ("A right {pneumothorax} with a small [effusion].", "There is a small effusion."),
    ],
)
def test_a_finding_goes_and_the_others_stay_as_they_were(sentence: str, left: str) -> None:
    assert cut(sentence) == left


def test_one_of_two_subjects_goes_and_the_verb_follows() -> None:
    text = "The heart size and mediastinal contours are normal."
    whole, part = "heart size and mediastinal contours are normal", "mediastinal contours are normal"

    assert cut_words(text, goes=[whole], stays=[part]) == "The mediastinal contours are normal."
    assert cut_words(text, goes=[part], stays=[whole]) == "The heart size is normal."


def test_one_of_two_predicates_goes() -> None:
    text = "The lungs are clear and well expanded."
    whole, part = "lungs are clear and well expanded", "lungs are clear"

    assert cut_words(text, goes=[part], stays=[whole]) == "The lungs are well expanded."
    assert cut_words(text, goes=[whole], stays=[part]) == "The lungs are clear."


@pytest.mark.parametrize(
    "sentence",
    [
        "Right {effusion} obscures the [consolidation].",
        "Right {effusion} with adjacent [atelectasis].",
        "A right {opacity}, consistent with [pneumonia].",
    ],
)
def test_what_leans_on_something_that_goes_is_not_cut(sentence: str) -> None:
    assert cut(sentence) is None


def test_a_denial_never_loses_the_word_that_makes_it_one() -> None:
    text = "No consolidation; effusion."
    said = [Said(3, 16, goes=True, denies=True), Said(18, 26, goes=False, denies=True)]

    assert cut_sentence(text, said) is None


def test_a_sentence_that_keeps_everything_is_only_finished() -> None:
    assert cut("no [effusion]") == "No effusion."


NOUNS = (
    "focal consolidation",
    "pleural effusion",
    "pneumothorax",
    "pulmonary edema",
    "acute fracture",
    "nodule",
)
HEADS = ("No ", "There is no ", "There is no evidence of ", "No definite ", "Negative for ")


@given(data=st.data())
def test_taking_items_out_of_a_list_leaves_the_others_in_order(data: st.DataObject) -> None:
    nouns = data.draw(st.lists(st.sampled_from(NOUNS), min_size=2, max_size=6, unique=True))
    goes = data.draw(st.sets(st.sampled_from(nouns), min_size=1, max_size=len(nouns) - 1))
    head = data.draw(st.sampled_from(HEADS))
    tail = data.draw(st.sampled_from(("", " identified") if " is " in head else ("", " is seen")))
    conjunction = data.draw(
        st.sampled_from((" or ", " nor ", ", or ") if len(nouns) > 2 else (" or ", " nor "))
    )
    listed = [f"{{{noun}}}" if noun in goes else f"[{noun}]" for noun in nouns]

    left = cut(head + ", ".join(listed[:-1]) + conjunction + listed[-1] + tail + ".")

    kept = [noun for noun in nouns if noun not in goes]
    assert left is not None
    assert left.startswith(head + kept[0])
    assert left.endswith(kept[-1] + tail + ".")
    assert [left.index(noun) for noun in kept] == sorted(left.index(noun) for noun in kept)
    assert not any(noun in left for noun in goes)
    assert not re.search(r",\s*,|  |, (?:or|nor)\b(?!.*\w)|,\.|\bor \.", left)
    assert len(re.findall(r"\b(?:or|nor)\b", left)) == (len(kept) > 1)


@given(st.text(alphabet="abc ,;.andorwithoutis", max_size=60), st.data())
def test_no_sentence_makes_the_cutter_fail(text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4)))
    said = [Said(edges[0], edges[1], goes=True), Said(edges[2], edges[3], goes=False)]

    left = cut_sentence(text, said)

    assert left is None or left == "" or left[-1] in ".?!"
