"""A build that is killed over and over ends in the bytes of one that was left in peace."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline.engine.build_folder import BuildFolder
from tests.faults.answering import CONCURRENCY
from tests.faults.harness import (
    Forge,
    Ledger,
    asked_by_run,
    clear,
    dataset_of,
    journalled,
    only_first_quick,
    serving,
)

SIGKILLED = -9


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


def kill_builds(kills: int, corpus: Path, forge: Forge, port: int, folder: Path, seed: int) -> Ledger:
    """Kill builds at random moments, so often in all; start each again until it is done."""
    chance = random.Random(seed)
    begun = time.monotonic()
    assert forge.run(corpus, folder / "undisturbed", port=port) == 0, forge.log.read_text()[-2000:]
    whole_seconds = time.monotonic() - begun
    undisturbed = dataset_of(folder / "undisturbed")
    asked_by_run(port)
    ledger, run = Ledger(), 0
    while ledger.kills < kills:
        out = folder / "build"
        clear(out)
        ledger.builds += 1
        code = SIGKILLED
        while code != 0:
            run += 1
            kept_before = journalled(out)
            # Now and then the restarted process is killed at once: recovery itself is interrupted.
            longest = 0.05 if chance.random() < 0.1 else whole_seconds
            seconds = chance.uniform(0, longest) if ledger.kills < kills else 600.0
            code = forge.run_until(seconds, corpus, out, port=port, run=run)
            asked, kept = asked_by_run(port).get(run, set()), journalled(out)
            ledger.acknowledged_asked_again += len(asked & kept_before)
            if code == SIGKILLED:
                ledger.kills += 1
                ledger.asked_again.append(len(asked - kept))
            else:
                assert code == 0, forge.log.read_text()[-2000:]
        BuildFolder(out).verify()
        ledger.identical += dataset_of(out) == undisturbed
    return ledger


def holds(ledger: Ledger) -> None:
    print(ledger.told())
    assert ledger.identical == ledger.builds
    assert ledger.acknowledged_asked_again == 0
    assert max(ledger.asked_again) <= CONCURRENCY


@pytest.mark.parametrize("kills", only_first_quick([5, 30]))
def test_some_kills_change_nothing(
    kills: int, corpus: Path, forge: Forge, port: int, quick_folder: Path
) -> None:
    holds(kill_builds(kills, corpus, forge, port, quick_folder, seed=5))


@pytest.mark.shows(
    "killed at any moment",
    "the next run goes on; at most the requests under way are asked again, the bytes are the same",
)
@pytest.mark.faults
def test_a_thousand_kills_change_nothing(corpus: Path, forge: Forge, port: int, quick_folder: Path) -> None:
    holds(kill_builds(1000, corpus, forge, port, quick_folder, seed=7))


@pytest.mark.shows(
    "killed at every start",
    "each start gets further",
)
@pytest.mark.slow
def test_a_process_killed_at_every_start_still_gets_there(
    corpus: Path, forge: Forge, port: int, quick_folder: Path
) -> None:
    """Twenty-five kills within the first moments, then one run in peace."""
    chance = random.Random(3)
    assert forge.run(corpus, quick_folder / "undisturbed", port=port) == 0
    for run in range(25):
        forge.run_until(chance.uniform(0, 0.05), corpus, quick_folder / "build", port=port, run=run)

    assert forge.run(corpus, quick_folder / "build", port=port, run=99) == 0

    assert dataset_of(quick_folder / "build") == dataset_of(quick_folder / "undisturbed")
