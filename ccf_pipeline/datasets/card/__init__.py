"""The papers of a data set: README.md (its card), LICENSE.md and croissant.json; no report text in any."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ccf_pipeline.datasets.card.body import (
    DECIDES_HEADING,
    QUALITY_HEADING,
    card_body,
    decides_section,
    quality_section,
)
from ccf_pipeline.datasets.card.contents import CardMatter
from ccf_pipeline.datasets.card.croissant import croissant_text
from ccf_pipeline.datasets.card.evidence import Evidence, read_probe, read_quality
from ccf_pipeline.datasets.card.head import card_head
from ccf_pipeline.datasets.card.licences import licence_text
from ccf_pipeline.datasets.write import WrittenDataset
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.records import BuildSummary, CorpusTerms, Lineage
from ccf_pipeline.settings import DatasetSettings, PriceSettings


def write_card(
    written: WrittenDataset,
    summary: BuildSummary,
    lineage: Lineage,
    terms: CorpusTerms,
    chosen: DatasetSettings,
    reviews: Mapping[str, int],
    *,
    prices: PriceSettings | None = None,
    build: Path | None = None,
    vouched: tuple[str, ...] = (),
) -> None:
    """Write the papers beside the data; README.md comes last.

    Args:
        reviews: how many relations that bear on these rows are reviewed, cited, derived, mined, taught.
        prices: what a million tokens cost, where somebody said so.
        build: the build folder, where quality.json is looked for.
        vouched: who vouched for the hosts that were asked, a line each.
    """
    beside = build or written.folder.parent
    matter = CardMatter(
        written=written,
        summary=summary,
        lineage=lineage,
        terms=terms,
        chosen=chosen,
        reviews=reviews,
        evidence=Evidence(quality=read_quality(beside), probe=read_probe(beside), vouched=vouched),
        prices=prices or PriceSettings(),
    )
    write_text(written.folder / "LICENSE.md", licence_text(terms), private=True)
    write_text(written.folder / "croissant.json", croissant_text(matter), private=True)
    card = f"---\n{card_head(matter)}---\n\n{card_body(matter)}"
    write_text(written.folder / "README.md", card, private=True)


def tell_quality(card: str, build: Path) -> str:
    """Return a card with what was measured of its build since it was written; all else stays as it is."""
    evidence = Evidence(quality=read_quality(build), probe=read_probe(build))
    sections = {QUALITY_HEADING: quality_section(evidence), DECIDES_HEADING: decides_section(evidence)}
    for heading, text in sections.items():
        section = re.compile(rf"^{heading}\n.*?(?=\n\n## )", re.MULTILINE | re.DOTALL)
        found = section.search(card)
        if found is not None:
            card = card[: found.start()] + text + card[found.end() :]
    return card
