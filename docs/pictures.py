"""The README's pictures, made anew from an invented corpus: `make pictures`.

    .venv/bin/python docs/pictures.py [FOLDER]

Writes report-light.png, -dark, -phone and -pairs, graph.png, and flow.png: a run of the flow on a Prefect
server of its own, with its artifacts. It needs a Chromium on the path, and no network: the page is opened
from disk, the server answers to this machine only, and both are gone when the pictures are there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
from PIL import Image
from playwright.sync_api import sync_playwright

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.graph.draw import draw_graph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.measure_build import measure_build, write_report
from ccf_pipeline.settings import BuildSettings, CorpusSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STUDIES = 400
COLOURS = 64
SERVER_STARTS_IN, PAGE_SETTLES_IN = 180, 8  # seconds
ROOT = Path(__file__).parents[1]
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
        with prefect_server(Path(temporary) / "prefect") as server:
            picture_of_run(browser, server, run_of_flow(Path(temporary), server), folder / "flow.png")
        browser.close()
    draw_graph(load_graph(), folder / "graph.png")
    for file in sorted(folder.glob("*.png")):
        make_small(file)
        print(f"{file}  {file.stat().st_size // 1024} KB")


def report_in(folder: Path) -> Path:
    """The page of a build with images."""
    write_demo_corpus(folder / "corpus", studies=STUDIES, seed=7)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
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


# --- a flow run -----------------------------------------------------------------------------


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """A server of its own with its pages, as long as it is needed; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    home.mkdir(mode=0o700)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=surroundings(home, address), stdout=log, stderr=log)
        try:
            wait_for(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def surroundings(home: Path, address: str) -> dict[str, str]:
    """Prefect's settings: a home of its own, and nobody told of it."""
    return {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_UI_API_URL": f"{address}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < SERVER_STARTS_IN and server.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/api/health", timeout=5).is_success:
                return
        time.sleep(1)
    sys.exit("error: Prefect's server did not start")


def run_of_flow(folder: Path, server: str) -> str:
    """Build a data set of the same corpus as a flow; gives the run's id."""
    config = folder / "build.toml"
    config.write_text('out = "as-a-flow"\n[corpus]\nkind = "demo"\npath = "corpus"\n[shards]\nsize = 100\n')
    request = "BuildRequest(config='build.toml', shards_at_once=2)"
    code = f"from flows.build_dataset import *; build_dataset({request})"
    home = folder / "prefect"
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=surroundings(home, server), check=True)
    runs = httpx.post(f"{server}/api/flow_runs/filter", json={"limit": 1}, timeout=30).json()
    return str(runs[0]["id"])


def picture_of_run(browser: Browser, server: str, run: str, out: Path) -> None:
    """The page of a run with its tasks over time and its artifacts; nothing is fetched from elsewhere."""

    def stay_here(route: Route) -> None:
        if route.request.url.startswith(server):
            route.continue_()
        else:
            route.abort()

    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 990})
    context.route("**/*", stay_here)
    page = context.new_page()
    page.goto(f"{server}/runs/flow-run/{run}")
    page.get_by_role("tab", name="Artifacts").or_(page.get_by_text("Artifacts", exact=True)).first.click(
        timeout=60_000
    )
    page.wait_for_timeout(PAGE_SETTLES_IN * 1000)
    page.screenshot(path=str(out))
    context.close()


def make_small(file: Path) -> None:
    """A palette is enough for a page, and a quarter of the bytes."""
    with Image.open(file) as image:
        small = image.convert("RGB").quantize(COLOURS)
    small.save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
