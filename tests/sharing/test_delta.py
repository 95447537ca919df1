"""Pieces make the text again to the letter, and what is new in them holds no report's words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccf_pipeline.sharing.delta.delta import cut_into_pieces, foreign_shingles, join_pieces, phrase_text
from ccf_pipeline.sharing.delta.words import SHINGLE, Shingle, Words, shingles, word_key
from ccf_pipeline.sharing.nouns import Piece

REPORT = (
    "FINDINGS: There is a small left pleural effusion with adjacent atelectasis. No pneumothorax."
    " The patient is a 71-year-old man seen by Dr. ___ on ___.\n"
    "IMPRESSION: Small left pleural effusion."
)
# Few words, so that runs repeat; odd letters, so that case and length are put to the test.
WORDS = st.sampled_from(
    [
        "there",
        "is",
        "a",
        "left",
        "Effusion",
        "EFFUSION",
        "no",
        "No",
        "2",
        "___",
        "İ",
        "ß",
        "é",
        "K",
        "k",
        "edema",
    ]
)
GAPS = st.sampled_from([" ", " ", " ", ". ", ", ", "\n", "-", ": ", "  "])
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.tuples(WORDS, GAPS), max_size=40).map(lambda parts: "".join(w + g for w, g in parts)),
)


def new_text(pieces: tuple[Piece, ...]) -> list[str]:
    return [piece.text for piece in pieces if piece.source == "new"]


def new_shingles(pieces: tuple[Piece, ...]) -> set[Shingle]:
    return {shingle for text in new_text(pieces) for shingle in Words(text).shingles()}


@given(source=TEXTS, target=TEXTS)
@example(source="", target="")
@example(source="a", target="a a a a a a")
@example(source="İ İ İ İ", target="i̇ i̇ i̇ i̇")
def test_pieces_make_the_text_again(source: str, target: str) -> None:
    assert join_pieces(cut_into_pieces(target, source, {}), source, {}) == target


@given(source=TEXTS, target=TEXTS)
def test_no_new_piece_holds_four_words_of_the_report(source: str, target: str) -> None:
    told = new_shingles(cut_into_pieces(target, source, {}))

    assert told.isdisjoint(Words(source).shingles())


@given(source=TEXTS, target=TEXTS, others=st.lists(TEXTS, max_size=3))
def test_no_new_piece_holds_four_words_of_any_report_and_phrases_bring_them_back(
    source: str, target: str, others: list[str]
) -> None:
    held = {shingle for other in others for shingle in Words(other).shingles()}
    wanted = held.intersection(foreign_shingles(target, source))
    numbers = {shingle: number for number, shingle in enumerate(sorted(wanted))}
    spelled = {number: phrase_text(shingle) for shingle, number in numbers.items()}

    pieces = cut_into_pieces(target, source, numbers)

    assert join_pieces(pieces, source, spelled) == target
    assert new_shingles(pieces).isdisjoint(held)


def test_a_phrase_that_eats_into_a_copied_run_tells_nothing_of_other_reports() -> None:
    source = "there is no acute edema"
    target = "moderately severe and there is no acute fracture of a rib"
    others = ["severe and there is", "no acute fracture of"]
    held = {shingle for other in others for shingle in Words(other).shingles()}
    numbers = {shingle: n for n, shingle in enumerate(sorted(held & set(foreign_shingles(target, source))))}

    pieces = cut_into_pieces(target, source, numbers)

    assert [piece.source for piece in pieces if piece.source != "new"] == ["phrase", "phrase"]
    assert new_shingles(pieces).isdisjoint(held)


@pytest.mark.parametrize(
    "spelling",
    [
        "EFFUSION",
        "effusions",
        "ｅｆｆｕｓｉｏｎ",
        "еffusiоn",
        "effu\u00adsion",
        "eff\u200busion",
        "e\u0301ffusion",
        "𝐞𝐟𝐟𝐮𝐬𝐢𝐨𝐧",
        "eﬀusion",
    ],
)
def test_a_word_is_the_same_however_it_is_spelled(spelling: str) -> None:
    assert Words(f"small {spelling}.").keys == ["small", "effusion"]


@given(text=st.text())
def test_the_key_of_a_key_is_the_key(text: str) -> None:
    for key in Words(text).keys:
        assert key
        assert word_key(key) == key


def test_rare_words_of_the_report_are_copied_and_known_ones_are_not() -> None:
    source = "There is a zebraline opacity of the left lung."
    target = "The right lung holds a Zebralines marking."

    new = new_text(cut_into_pieces(target, source, {}))

    assert not any("zebra" in text.lower() for text in new)
    assert any("right lung" in text for text in new)


def test_three_words_of_another_report_are_a_phrase_where_one_is_rare() -> None:
    other = "Calcified zebraline nodule."
    target = "There may be a calcified zebraline nodule, or none."
    runs = set(foreign_shingles(target, "")) & {run for _, run in Words(other).runs()}

    pieces = cut_into_pieces(target, "", dict.fromkeys(runs, 0))

    assert [piece.source for piece in pieces] == ["new", "phrase", "new"]


def test_a_report_is_copied_from_end_to_end() -> None:
    pieces = cut_into_pieces(REPORT, REPORT, {})

    assert [piece.source for piece in pieces] == ["report", "new"]
    assert pieces[1].text == "."


def test_kept_sentences_are_copied_however_short() -> None:
    changed = "FINDINGS: Heart size is enlarged now. No pneumothorax.\nIMPRESSION: New cardiomegaly."

    new = " ".join(new_text(cut_into_pieces(changed, REPORT, {})))

    assert "pneumothorax" not in new
    assert "cardiomegaly" in new


@pytest.mark.parametrize("word", ["71", "___", "old"])
def test_what_points_to_a_person_is_never_told(word: str) -> None:
    changed = "FINDINGS: This old man of 71 years, known to ___ since long, has edema."

    assert word not in " ".join(new_text(cut_into_pieces(changed, REPORT, {}))).split()


def test_case_and_commas_do_not_hide_words_of_the_report() -> None:
    changed = "THERE IS A SMALL, left Pleural; Effusion with adjacent edema."

    pieces = cut_into_pieces(changed, REPORT, {})

    assert join_pieces(pieces, REPORT, {}) == changed
    assert [word for text in new_text(pieces) for word in Words(text).keys] == ["edema"]


@pytest.mark.parametrize(
    "piece",
    [
        Piece(source="report", first=0, count=10_000),
        Piece(source="report", first=-1, count=1),
        Piece(source="report", first=0, count=0),
        Piece(source="phrase", phrase=7, first=0, count=1),
        Piece(source="report", first=0, count=1, respelled=({"word": 99, "keep": 0},)),  # type: ignore[arg-type]
    ],
)
def test_pieces_that_do_not_fit_make_nothing(piece: Piece) -> None:
    assert join_pieces([piece], REPORT, {}) is None


def test_shingles_are_all_runs_of_four() -> None:
    assert list(shingles(["a", "b", "c", "d", "e"])) == [("a", "b", "c", "d"), ("b", "c", "d", "e")]
    assert list(shingles(["a"] * (SHINGLE - 1))) == []


@given(source=TEXTS, sentence=st.lists(WORDS, min_size=1, max_size=8), before=TEXTS, after=TEXTS)
def test_a_borrowed_sentence_is_copied_whole_however_short(
    source: str, sentence: list[str], before: str, after: str
) -> None:
    borrowed = " ".join(sentence)
    run = tuple(Words(borrowed).keys)
    target = f"{before}. {borrowed}. {after}"

    pieces = cut_into_pieces(target, source, {run: 0}, [run])

    assert join_pieces(pieces, source, {0: phrase_text(run)}) == target
    assert all(
        run != tuple(Words(text).keys[n : n + len(run)]) for text in new_text(pieces) for n in range(99)
    )
