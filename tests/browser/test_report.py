"""The page in a real browser, from disk, with the network cut: it works, and hostile reports do nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.measure_build import Sampling, measure_build
from ccf_pipeline.quality.page import write_page
from ccf_pipeline.records import Problem, Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = (
    "FINDINGS: </script><script>window.owned = 1</script><img src=x onerror='window.owned = 2'> "
    "\u202etfel\u202c \x1b[31mred\x1b[0m {{constructor}} <svg onload=window.owned=3> &lt;b&gt; \u2028 end."
)


@dataclass
class Opened:
    """A page with everything it complained of or tried to fetch."""

    page: Page
    said: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page over a small build, with one hostile row and one that was refused."""
    folder = tmp_path_factory.mktemp("page")
    write_demo_corpus(folder / "corpus", studies=60, seed=5, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    quality = measure_build(folder / "build", Sampling(50))
    build = BuildFolder(folder / "build")
    plan = build.plan_summary()
    assert plan is not None
    rows = list(build.accepted_records(plan.shards))
    page = write_page(
        quality,
        load_graph(),
        [hostile(rows[0]), refused(rows[1]), *rows[2:]],
        {},
        notice="Invented.",
        pairs_in_build=plan.plans,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    return folder / "report.html"


def hostile(record: Record) -> Record:
    return record.model_copy(
        update={
            "record_id": "hostile",
            "study_id": "javascript:alert(1)",
            "counterfactual_text": HOSTILE,
            "why": HOSTILE,
            "problems": (Problem(code="length_parity", message=HOSTILE, level="warn"),),
        }
    )


def refused(record: Record) -> Record:
    problem = Problem(code="self_contradiction", message="It says both.")
    return record.model_copy(update={"record_id": "refused", "accepted": False, "problems": (problem,)})


def opened(browser: Browser, file: Path, scheme: str = "light", width: int = 1280) -> Opened:
    context = browser.new_context(
        offline=True,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
    )
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("dialog", lambda dialog: found.said.append(f"dialog {dialog.message}"))
    found.page.on("request", lambda request: found.fetched.append(request.url))
    found.page.goto(file.as_uri())
    return found


def items(page: Page) -> list[str]:
    return [text.splitlines()[0] for text in page.locator("#list .item").all_inner_texts()]


def test_it_opens_from_disk_without_a_word_or_a_request(browser: Browser, file: Path) -> None:
    found = opened(browser, file)

    found.page.wait_for_selector("#pair h3")
    assert found.said == []
    assert [url for url in found.fetched if not url.startswith(("file:", "data:"))] == []
    for section in ("#gate-list .gate", "#heat button", "#views .rows", "#funnel-bars .name", ".graph path"):
        assert found.page.locator(section).count() > 0, section


def test_filters_leave_only_what_was_asked_for(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page
    everything = len(items(page))

    page.select_option("#by-direction", "remove")
    removed = items(page)
    page.select_option("#by-direction", "")
    page.select_option("#by-reason", "self_contradiction")
    contradicting = items(page)
    page.select_option("#by-reason", "")
    page.fill("#search", "no such words anywhere")
    nothing = page.inner_text("#pair")

    assert 0 < len(removed) < everything
    assert all(text.startswith("remove ") for text in removed)
    assert len(contradicting) == 1
    assert "No pair fits" in nothing


def test_a_cell_of_the_heat_map_shows_its_pairs(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page
    button = page.locator("#heat button").first
    title = button.get_attribute("title") or ""

    button.click()

    target = title.split(" → ")[1].split(":")[0]
    assert items(page)
    assert all(target in text for text in items(page))


def test_the_diff_marks_the_words_that_differ_and_no_others(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page
    page.select_option("#by-direction", "swap")

    sides = page.locator(".side p").all_inner_texts()
    gone = page.locator(".side del").all_inner_texts()
    come = page.locator(".side ins").all_inner_texts()

    assert gone or come
    rest = [
        page.evaluate(
            "tag => {"
            " const p = document.querySelectorAll('.side p')[tag === 'del' ? 0 : 1].cloneNode(true);"
            " p.querySelectorAll(tag).forEach(n => n.remove());"
            " return p.textContent; }",
            tag,
        )
        for tag in ("del", "ins")
    ]
    assert rest[0].split() == rest[1].split()
    assert sides[0] != sides[1]


def test_keys_go_through_the_pairs_and_to_the_search(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    chosen = page.locator('#list [aria-selected="true"]').get_attribute("id")
    page.keyboard.press("/")
    page.keyboard.type("no edema j k")
    typed = page.input_value("#search")
    page.keyboard.press("Escape")

    assert chosen == "item-1"
    assert typed == "no edema j k"
    assert page.input_value("#search") == ""


def test_hostile_reports_are_shown_and_do_nothing(browser: Browser, file: Path) -> None:
    found = opened(browser, file)

    found.page.fill("#search", "hostile")
    shown = found.page.inner_text("#pair")

    assert found.page.evaluate("window.owned") is None
    assert found.said == []
    assert found.page.locator("#pair img, #pair script, #pair svg, #pair a").count() == 0
    assert "</script>" in shown
    assert "⟨U+202E⟩" in shown
    assert "␛[31m" in shown
    assert "javascript:alert(1)" in shown
    assert not set("\u202a\u202b\u202c\u202d\u202e\x1b\u2028") & set(shown)


def test_the_policy_stops_a_script_that_gets_in_anyway(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page

    page.evaluate(
        "() => { const script = document.createElement('script');"
        " script.textContent = 'window.owned = 4'; document.body.append(script); }"
    )

    assert page.evaluate("window.owned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_systems_theme_until_told_otherwise(browser: Browser, file: Path, scheme: str) -> None:
    page = opened(browser, file, scheme).page
    other = "light" if scheme == "dark" else "dark"

    before = page.get_attribute("html", "data-theme")
    page.click("#theme")

    assert before == scheme
    assert page.get_attribute("html", "data-theme") == other


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, file: Path, scheme: str) -> None:
    """WCAG's 4.5 to 1 for what is read, in both themes."""
    page = opened(browser, file, scheme).page

    ratios = page.evaluate(
        """() => {
          const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          const light = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => linear(Number(v) / 255));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = (node) => {
            for (; node; node = node.parentElement) {
              const colour = getComputedStyle(node).backgroundColor;
              if (!/, 0\\)$|transparent/.test(colour)) return colour;
            }
            return "rgb(255, 255, 255)";
          };
          const read = [".lede", ".hint", ".gate .why", ".gate .name", ".side p", ".facts dt", ".badge",
            ".badge.good", ".item small", "del", "ins", ".notice", "summary"];
          return read.filter((name) => document.querySelector(name)).map((name) => {
            const node = document.querySelector(name);
            const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
            return [name, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
          });
        }"""
    )

    assert [name for name, ratio in ratios if ratio < 4.5] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, file: Path) -> None:
    page = opened(browser, file, width=390).page

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#theme")
    page.locator("#list .item").nth(1).click()
    assert page.locator(".side p").count() == 2


def test_a_finding_of_the_graph_is_shown_alone_by_keyboard(browser: Browser, file: Path) -> None:
    page = opened(browser, file).page
    spot = page.locator(".graph .spot.finding").first

    spot.focus()
    page.keyboard.press("Enter")

    assert spot.get_attribute("aria-pressed") == "true"
    lit = page.locator(".graph .line.lit").count()
    assert 0 < lit < page.locator(".graph .line").count()
