"""Who is let in to the review, and what a judgement has to be."""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ccf_pipeline.quality.review.app import Item, Sheet, review_app
from ccf_pipeline.quality.review.judgements import JudgementBook
from ccf_pipeline.quality.review.serving import serve_review

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


def test_another_pages_request_is_refused_even_with_the_cookie(
    reader: TestClient, book: JudgementBook
) -> None:
    said = {"item": 0, "opinion": "unsure"}

    for origin in ("http://evil.example", "http://127.0.0.1:2", "null", "https://127.0.0.1:1"):
        assert reader.post("/judgements", json=said, headers={"origin": origin}).status_code == 403
    assert book.everything() == []
    own = {"origin": "http://127.0.0.1:1"}
    assert reader.post("/judgements", json=said, headers=own).status_code == 200


def test_a_ticket_opens_once(book: JudgementBook) -> None:
    app = review_app(
        Sheet("R", "blind", (ITEM,)), book, token=TOKEN, hosts=frozenset({"127.0.0.1:1"}), tickets={"once"}
    )
    first, second = (TestClient(app, base_url="http://127.0.0.1:1", follow_redirects=False) for _ in range(2))

    assert first.get("/", params={"ticket": "once"}).status_code == 200
    assert first.get("/sheet").status_code == 200
    assert second.get("/", params={"ticket": "once"}).status_code == 403
    assert second.get("/sheet").status_code == 403


def test_reviews_on_two_ports_keep_their_cookies_apart(reader: TestClient, book: JudgementBook) -> None:
    app = review_app(Sheet("R", "blind", (ITEM,)), book, token="other", hosts=frozenset({"127.0.0.1:2"}))
    other = TestClient(app, base_url="http://127.0.0.1:2", follow_redirects=False)
    other.get("/", params={"token": "other"})

    assert list(reader.cookies) == ["ccf_review_1"]
    assert list(other.cookies) == ["ccf_review_2"]


@pytest.mark.parametrize(
    "cookie", ["ccf_review_1=caf\u00e9", "ccf_review_1=", "ccf_review_1", ";=;", "\u00ff=1"]
)
def test_a_cookie_of_odd_letters_opens_nothing(visitor: TestClient, cookie: str) -> None:
    assert visitor.get("/sheet", headers={"cookie": cookie.encode("latin-1")}).status_code == 403  # type: ignore[dict-item]


def test_a_body_without_end_is_cut_off(reader: TestClient, book: JudgementBook) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while taken < 1000:
            taken += 1
            yield b" " * 4096

    answer = reader.post("/judgements", content=endless(), headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert book.everything() == []


def test_the_book_is_closed_to_others(book: JudgementBook) -> None:
    files = list(book.path.parent.glob("judgements.sqlite*"))

    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_the_way_in_is_in_no_argument_list_and_the_server_answers_before_the_browser_is_opened(
    book: JudgementBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def browse(address: str) -> bool:
        door = Path(address.removeprefix("file://"))
        page = door.read_text("utf-8")
        way = page.split("url=")[1].split('"')[0]
        seen.extend([oct(door.stat().st_mode & 0o777), "ticket" not in address and "token" not in address])
        with urllib.request.urlopen(way, timeout=10) as answer:
            seen.append(answer.status)
        signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    printed: list[str] = []
    serve_review(Sheet("R", "blind", (ITEM,)), book, port=0, tell=printed.append, open_browser=True)

    assert seen == ["0o600", True, 200]
    assert "token=" in printed[0]
    assert not book.path.with_name("open.html").exists()


def test_a_report_that_is_not_on_the_sheet_is_not_there(reader: TestClient) -> None:
    assert reader.get("/items/1").status_code == 404
    assert reader.post("/judgements", json={"item": 1, "opinion": "unsure"}).status_code == 404
