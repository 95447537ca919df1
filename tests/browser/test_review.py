"""The review as a clinician uses it: a real browser, the real command, keys, a kill in the middle."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.quality.review.judgements import JudgementBook
from ccf_pipeline.records import Judgement
from ccf_pipeline.settings import BuildSettings, CorpusSettings


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    write_demo_corpus(folder / "corpus", studies=30, seed=5)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return folder / "build"


@contextlib.contextmanager
def reviewing(build: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address it printed."""
    command = [sys.executable, "-m", "ccf_pipeline.cli", "review", str(build), "--no-open", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def kept(build: Path, reader: str) -> list[Judgement]:
    with JudgementBook(build / "review" / "judgements.sqlite") as book:
        return [one for one in book.holding() if one.reader == reader]


def ready(page: Any, number: int) -> None:
    page.locator("#count", has_text=f"report {number} of").wait_for()


def judged(page: Any, number: int) -> None:
    page.locator("#count", has_text=f", {number} judged").wait_for()


def test_twenty_judgements_by_keyboard_survive_a_kill_and_a_reload(built: Path, browser: Any) -> None:
    who = ["--name", "A. Reader", "--pairs", "20"]
    with reviewing(built, *who) as (process, address):
        page = browser.new_page()
        page.goto(address)
        for number in range(1, 11):
            ready(page, number)
            if number % 3:
                page.keyboard.press("p")
            else:
                page.keyboard.press("i")
                judged(page, number)
                page.keyboard.press("1")
                page.keyboard.press("Enter")
        judged(page, 10)
        process.kill()
        process.wait()
        page.keyboard.press("p")
        page.wait_for_selector("#problem:not([hidden])")
        assert "no longer answers" in page.inner_text("#problem")
        page.close()
    assert len(kept(built, "A. Reader")) == 10

    with reviewing(built, *who) as (_, address):
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(address)
        ready(page, 11)  # the first report without a judgement
        page.reload()
        ready(page, 11)
        for number in range(11, 21):
            ready(page, number)
            page.keyboard.press("u" if number == 20 else "p")
            judged(page, number)
        page.wait_for_selector("#done:not([hidden])")
        page.close()
    said = kept(built, "A. Reader")

    assert problems == []
    assert [sum(one.opinion == kind for one in said) for kind in ("plausible", "implausible", "unsure")] == [
        16,
        3,
        1,
    ]
    assert {one.reasons for one in said if one.opinion == "implausible"} == {("contradicts itself",)}
    assert (built / "review" / "judgements.parquet").is_file()


def test_side_by_side_shows_both_reports_what_changed_and_the_image(built: Path, browser: Any) -> None:
    with reviewing(built, "--name", "B. Reader", "--pairs", "20", "--side-by-side") as (_, address):
        page = browser.new_page()
        page.goto(address)
        ready(page, 1)
        assert page.locator("#texts article").count() == 2
        assert page.locator("ins").count() + page.locator("del").count() > 0
        image = page.locator("#picture img")
        image.wait_for()
        assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 100

        page.keyboard.press("c")
        page.keyboard.type("Looks odd to me, <b>really</b>.")
        page.keyboard.press("Escape")
        page.keyboard.press("u")
        judged(page, 1)
        page.keyboard.press("Enter")
        ready(page, 2)
        page.keyboard.press("ArrowLeft")
        ready(page, 1)
        assert page.input_value("#comment") == "Looks odd to me, <b>really</b>."
        page.close()

    (said,) = kept(built, "B. Reader")
    assert (said.mode, said.opinion, said.shown) == ("side_by_side", "unsure", "counterfactual")
