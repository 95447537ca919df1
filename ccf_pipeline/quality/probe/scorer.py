"""A small scorer of a film and a report, trained by preferences; it can learn a taste for texts alone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.errors import MissingInput
from ccf_pipeline.files.installed import install_command
from ccf_pipeline.quality.probe.pairs import Film

BUCKETS = 1 << 14
WIDTH = 64
BATCH = 64
LEARNING_RATE = 2e-3
_TOKEN = re.compile(r"[a-z]+|[.,]")


@dataclass(frozen=True)
class Preference:
    """A film and a text that are to score higher than another film and text."""

    film: Film
    text: str
    other_film: Film
    other_text: str


class Scorer:
    """Films and texts meet in a product of features; each text has a liking of its own beside it."""

    def __init__(self, seed: int) -> None:
        self._torch = import_torch()
        self._torch.manual_seed(seed)
        self._model = _build_model(self._torch)
        self._order = np.random.Generator(np.random.PCG64(seed))
        self._bags: dict[str, NDArray[np.int64]] = {}

    def train(self, preferences: Sequence[Preference], epochs: int) -> None:
        """Learn that the first film and text of each preference go together better."""
        torch = self._torch
        optimizer = torch.optim.AdamW(self._model.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        self._model.train()
        for _ in range(epochs):
            order = self._order.permutation(len(preferences))
            for begin in range(0, len(order), BATCH):
                batch = [preferences[n] for n in order[begin : begin + BATCH]]
                seen = self._see([p.film for p in batch])
                # Most preferences are between texts: the film, which costs most, is looked at once.
                is_other = any(p.other_film is not p.film for p in batch)
                other = self._see([p.other_film for p in batch]) if is_other else seen
                better = self._match(seen, [p.text for p in batch])
                worse = self._match(other, [p.other_text for p in batch])
                loss = torch.nn.functional.softplus(worse - better).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()

    def score(self, films: Sequence[Film], texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each film and its text go together."""
        self._model.eval()
        scores = []
        with self._torch.no_grad():
            for begin in range(0, len(films), 4 * BATCH):
                some = slice(begin, begin + 4 * BATCH)
                scores += self._match(self._see(films[some]), texts[some]).tolist()
        return np.asarray(scores)

    def _see(self, films: Sequence[Film]) -> Any:
        return self._model.film(self._torch.from_numpy(np.stack(films))[:, None])

    def _match(self, seen: Any, texts: Sequence[str]) -> Any:
        torch = self._torch
        bags = [self._count_words(text) for text in texts]
        offsets = np.cumsum([0, *map(len, bags)])[:-1]
        words = torch.from_numpy(np.concatenate(bags))
        return self._model(seen, words, torch.from_numpy(offsets))

    def _count_words(self, text: str) -> NDArray[np.int64]:
        if text not in self._bags:
            words = _TOKEN.findall(text.lower())
            runs: Iterable[str] = (
                " ".join(words[n : n + size]) for size in (1, 2, 3) for n in range(len(words))
            )
            self._bags[text] = np.array(
                sorted({zlib.crc32(run.encode()) % BUCKETS for run in runs}) or [0], dtype=np.int64
            )
        return self._bags[text]


def import_torch() -> Any:
    """Return torch, or say how it is had."""
    try:
        import torch
    except ImportError as error:
        raise MissingInput(
            "the probe needs torch, which is not installed", hint=install_command("probe")
        ) from error
    return torch


def _build_model(torch: Any) -> Any:
    nn = torch.nn

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            layers: list[Any] = []
            for inner, outer in ((1, 16), (16, 32), (32, 64), (64, 64)):
                layers += [nn.Conv2d(inner, outer, 3, stride=2, padding=1), nn.BatchNorm2d(outer), nn.ReLU()]
            # Where something is tells as much as what it is: the last map keeps its places.
            self.film = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, WIDTH))
            self.words = nn.EmbeddingBag(BUCKETS, WIDTH, mode="sum")
            self.liking = nn.EmbeddingBag(BUCKETS, 1, mode="sum")
            nn.init.normal_(self.words.weight, std=0.02)
            nn.init.zeros_(self.liking.weight)

        def forward(self, seen: Any, words: Any, offsets: Any) -> Any:
            said = self.words(words, offsets)
            return (seen * said).sum(dim=1) / WIDTH**0.5 + self.liking(words, offsets)[:, 0]

    return Model()
