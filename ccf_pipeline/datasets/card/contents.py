"""Everything a card is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccf_pipeline.datasets.card.evidence import Evidence
from ccf_pipeline.datasets.write import SPLIT_FILES, WrittenDataset
from ccf_pipeline.records import BuildSummary, CorpusTerms, Lineage
from ccf_pipeline.settings import DatasetSettings, PriceSettings

NAME = "CXR-CounterFact"


@dataclass(frozen=True)
class CardMatter:
    """The written data set, its source, the program that made it, and who may see it."""

    written: WrittenDataset
    summary: BuildSummary
    lineage: Lineage
    terms: CorpusTerms
    chosen: DatasetSettings
    reviews: Mapping[str, int]
    evidence: Evidence
    prices: PriceSettings

    def files_of(self, config: str) -> dict[str, list[str]]:
        """The files of a config by split, as paths below the data set's folder."""
        folder = self.written.folder / "data" / config
        return {
            split: [path.relative_to(self.written.folder).as_posix() for path in found]
            for split in SPLIT_FILES.values()
            if (found := sorted(folder.glob(f"{split}-*-of-*")))
        }
