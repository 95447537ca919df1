"""A small transformer that learns from texts alone which of two is chosen; it starts from random weights.

It sees the order of words, which the linear readers do not. Needs torch (the extra `probe`); fetches nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.quality.probe.scorer import import_torch

VOCABULARY, WIDTH, HEADS, LAYERS = 4096, 48, 4, 2
MOST_TOKENS = 160
BATCH, EPOCHS, LEARNING_RATE = 32, 5, 1e-3
_TOKEN = re.compile(r"[a-z]+|\d+|[.,:;]")


class Encoder:
    """Scores texts; train it on pairs of which the first is chosen."""

    def __init__(self, seed: int = 0) -> None:
        self._torch = import_torch()
        self._torch.manual_seed(seed)
        self._model = _build_model(self._torch)
        self._order = np.random.Generator(np.random.PCG64(seed))

    def train(self, chosen: Sequence[str], rejected: Sequence[str]) -> None:
        """Learn that each chosen text scores higher than the rejected one beside it."""
        torch = self._torch
        better, worse = _tokenize(chosen), _tokenize(rejected)
        optimizer = torch.optim.AdamW(self._model.parameters(), lr=LEARNING_RATE)
        self._model.train()
        for _ in range(EPOCHS):
            for batch in _cut_batches(self._order.permutation(len(better))):
                loss = torch.nn.functional.softplus(self._read(worse[batch]) - self._read(better[batch]))
                optimizer.zero_grad()
                loss.mean().backward()
                optimizer.step()

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how much each text looks like a chosen one."""
        self._model.eval()
        tokens, scores = _tokenize(texts), []
        with self._torch.no_grad():
            for batch in _cut_batches(np.arange(len(texts))):
                scores += self._read(tokens[batch]).tolist()
        # The same text scores the same, whichever texts stand in its batch.
        return np.round(np.asarray(scores), 4)

    def _read(self, tokens: NDArray[np.int64]) -> Any:
        return self._model(self._torch.from_numpy(tokens))


def _tokenize(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the words of each text as numbers, a row a text, filled up with noughts."""
    tokens = np.zeros((len(texts), MOST_TOKENS), dtype=np.int64)
    for row, text in enumerate(texts):
        words = _TOKEN.findall(text.lower())[:MOST_TOKENS]
        tokens[row, : len(words)] = [1 + zlib.crc32(word.encode()) % (VOCABULARY - 1) for word in words]
    return tokens


def _cut_batches(order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]


def _build_model(torch: Any) -> Any:
    nn = torch.nn

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
            self.places = nn.Embedding(MOST_TOKENS, WIDTH)
            layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True)
            self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
            self.score = nn.Linear(WIDTH, 1)

        def forward(self, tokens: Any) -> Any:
            tokens = tokens[:, : max(1, int((tokens > 0).sum(dim=1).max()))]
            is_empty = tokens == 0
            is_empty[:, 0] = False  # a text without a word still has a place to look at
            places = torch.arange(tokens.shape[1])
            seen = self.layers(self.words(tokens) + self.places(places), src_key_padding_mask=is_empty)
            kept = (~is_empty)[..., None]
            return self.score((seen * kept).sum(dim=1) / kept.sum(dim=1))[:, 0]

    return Model()
