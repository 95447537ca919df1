"""The page is data and a fixed script: whatever reports say, none of it becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.figures import Quality
from ccf_pipeline.quality.measure_build import Sampling, measure_build, write_report
from ccf_pipeline.quality.page import MOST_PAIR_BYTES, script_safe, write_page
from ccf_pipeline.quality.visible import made_visible
from ccf_pipeline.records import Record

HOSTILE = (
    "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)>"
    " \u202eedema\u202c \x1b[31mred\x07 \u2028"
)


class Tags(HTMLParser):
    """The tags of a page, and what its data element holds."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag == "script" and dict(attrs).get("id") == "data"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data += data


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


@pytest.fixture(scope="module")
def quality(build: Path) -> Quality:
    return measure_build(build, Sampling(60))


@pytest.fixture(scope="module")
def page(build: Path, quality: Quality) -> str:
    return write_report(build).read_text(encoding="utf-8")


def test_the_page_loads_nothing_from_anywhere(page: str) -> None:
    tags = parsed(page).found

    sources = [
        value for _, words in tags for name, value in words.items() if name in ("src", "srcset", "action")
    ]
    links = [value for tag, words in tags for name, value in words.items() if name == "href" and tag != "a"]
    assert sources == []
    assert links == []
    assert "url(" not in page
    assert "@import" not in page


def test_only_the_pages_own_script_and_style_may_run(page: str) -> None:
    (policy,) = [
        str(words["content"])
        for tag, words in parsed(page).found
        if tag == "meta" and words.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not [
        name for _, words in parsed(page).found for name in words if name.startswith("on") or name == "style"
    ]


def test_the_data_comes_back_whole(page: str) -> None:
    data = json.loads(parsed(page).data)

    assert data["pairs"]
    assert data["gates"]
    assert {pair["direction"] for pair in data["pairs"]} <= {"add", "swap", "remove"}


def test_a_hostile_report_stays_a_text(quality: Quality, records: list[Record]) -> None:
    hostile = records[0].model_copy(
        update={"counterfactual_text": HOSTILE, "why": HOSTILE, "study_id": "javascript:alert(1)"}
    )
    page = write_page(quality, load_graph(), [hostile], {}, notice=HOSTILE, pairs_in_build=1)

    tags = parsed(page)
    assert [tag for tag, _ in tags.found].count("script") == 2
    assert "img" not in [tag for tag, _ in tags.found]
    shown = json.loads(tags.data)["pairs"][0]["rejected"]
    assert "</script>" in shown
    assert not re.search("[\u202a-\u202e\u2028\x1b\x07]", shown)
    assert "⟨U+202E⟩" in shown


@given(st.text())
def test_no_text_can_end_the_element_that_holds_it(text: str) -> None:
    safe = script_safe({"text": text})

    assert not set("<>&\u2028\u2029") & set(safe)
    assert json.loads(safe)["text"] == text


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_nothing_stays_hidden_and_nothing_seen_is_lost(text: str) -> None:
    shown = made_visible(text)

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)
    assert (
        made_visible("Small left effusion — 3 × 4 mm.\nNo change.")
        == "Small left effusion — 3 × 4 mm.\nNo change."
    )


def test_a_page_of_any_number_of_rows_stays_small(quality: Quality, records: list[Record]) -> None:
    long = [record.model_copy(update={"counterfactual_text": "Edema. " * 3000}) for record in records * 3]
    page = write_page(quality, load_graph(), long, {}, notice="", pairs_in_build=320_000)

    assert MOST_PAIR_BYTES < 5_000_000
    assert len(page.encode()) < 5_000_000
