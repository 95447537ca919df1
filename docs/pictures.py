"""The README's pictures, made anew from an invented corpus: `make pictures`.

    .venv/bin/python docs/pictures.py [FOLDER]

Writes report-light.png, -dark, -phone and -pairs, and graph.png. It needs a Chromium
on the path, and no network: the page is opened from disk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image
from playwright.sync_api import sync_playwright

from ccf_pipeline import pipeline
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.io.drawing import draw_graph
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.pipeline_quality import measure_build, write_report
from ccf_pipeline.settings import BuildSettings, CorpusSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STUDIES = 400
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def main(folder: Path) -> None:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"error: no browser is installed (looked for {', '.join(BROWSERS)})")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as running:
        page = report_in(Path(temporary))
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        picture(browser, page, folder / "report-light.png", "light", DESK)
        picture(browser, page, folder / "report-dark.png", "dark", DESK, "#changes")
        picture(browser, page, folder / "report-phone.png", "light", PHONE)
        picture(browser, page, folder / "report-pairs.png", "light", DESK, "#browser")
        browser.close()
    draw_graph(load_graph(), folder / "graph.png")
    for file in sorted(folder.glob("*.png")):
        make_small(file)
        print(f"{file}  {file.stat().st_size // 1024} KB")


def report_in(folder: Path) -> Path:
    """The page of a build with images."""
    write_demo_corpus(folder / "corpus", studies=STUDIES, seed=7)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    pipeline.build(BuildSettings(out=folder / "build", corpus=corpus))
    measure_build(folder / "build")
    return write_report(folder / "build")


def picture(
    browser: Browser,
    file: Path,
    out: Path,
    scheme: Literal["light", "dark"],
    size: dict[str, int],
    section: str | None = None,
) -> None:
    """What a reader sees first, or a section of the page."""
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": size["width"], "height": size["height"]},
        offline=True,
        reduced_motion="reduce",
    )
    page: Page = context.new_page()
    page.goto(file.as_uri())
    if section == "#browser":
        page.select_option("#by-direction", "swap")
    if section is not None:
        page.evaluate("name => document.querySelector(name).scrollIntoView()", section)
    page.screenshot(path=str(out))
    context.close()


def make_small(file: Path) -> None:
    """A palette is enough for a page, and a quarter of the bytes."""
    with Image.open(file) as image:
        small = image.convert("RGB").quantize(200)
    small.save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
