"""Who is let in to the review, and what a judgement has to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ccf_pipeline.quality.review.app import Item, Sheet, review_app
from ccf_pipeline.quality.review.judgements import JudgementBook

TOKEN = "a-token"
ITEM = Item(
    record_id="r1", shown="counterfactual", direction="add", target="Edema", question="Plausible?", text="A."
)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JudgementBook]:
    with JudgementBook(tmp_path / "judgements.sqlite") as opened:
        yield opened


@pytest.fixture
def visitor(book: JudgementBook) -> TestClient:
    app = review_app(Sheet("R", "blind", (ITEM,)), book, token=TOKEN, hosts=frozenset({"127.0.0.1:1"}))
    return TestClient(app, base_url="http://127.0.0.1:1", follow_redirects=False)


@pytest.fixture
def reader(visitor: TestClient) -> TestClient:
    answer = visitor.get("/", params={"token": TOKEN})
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    return visitor


@pytest.mark.parametrize("path", ["/", "/sheet", "/items/0", "/items/0/image", "/review.js", "/nothing"])
def test_who_has_no_token_learns_nothing(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 403
    assert "A." not in answer.text


def test_a_wrong_token_opens_nothing(visitor: TestClient) -> None:
    assert visitor.get("/", params={"token": "another"}).status_code == 403
    assert visitor.get("/sheet").status_code == 403


def test_another_host_name_is_refused_even_with_the_cookie(reader: TestClient) -> None:
    """What a page elsewhere can do by letting its own name point here."""
    assert reader.get("/sheet", headers={"host": "evil.example:1"}).status_code == 403


def test_a_page_may_load_nothing_from_elsewhere(reader: TestClient) -> None:
    policy = reader.get("/").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_judgement_is_kept_with_its_report_and_reader(reader: TestClient, book: JudgementBook) -> None:
    said = {"item": 0, "opinion": "implausible", "reasons": ["contradicts itself"], "seconds": 3.21}
    assert reader.post("/judgements", json=said).status_code == 200
    assert reader.post("/judgements", json={**said, "opinion": "unsure"}).status_code == 200

    (holding,) = book.holding()
    assert (holding.record_id, holding.reader, holding.opinion) == ("r1", "R", "unsure")
    assert len(book.everything()) == 2
    assert reader.get("/sheet").json()["opinions"] == ["unsure"]
    assert reader.get("/items/0").json()["said"]["reasons"] == ["contradicts itself"]


@pytest.mark.parametrize(
    "said",
    [
        {"item": 0, "opinion": "splendid"},
        {"item": -1, "opinion": "unsure"},
        {"item": 0, "opinion": "unsure", "reasons": ["<script>"]},
        {"item": 0, "opinion": "unsure", "comment": "x" * 3000},
        {"item": 0, "opinion": "unsure", "reader": "somebody else"},
        [],
    ],
)
def test_what_is_no_judgement_is_not_kept(reader: TestClient, book: JudgementBook, said: object) -> None:
    assert reader.post("/judgements", json=said).status_code == 422
    assert book.everything() == []


def test_a_form_of_another_page_cannot_judge(reader: TestClient, book: JudgementBook) -> None:
    answer = reader.post(
        "/judgements", content='{"item":0,"opinion":"unsure"}', headers={"content-type": "text/plain"}
    )

    assert answer.status_code == 415
    assert book.everything() == []


def test_a_report_that_is_not_on_the_sheet_is_not_there(reader: TestClient) -> None:
    assert reader.get("/items/1").status_code == 404
    assert reader.post("/judgements", json={"item": 1, "opinion": "unsure"}).status_code == 404
