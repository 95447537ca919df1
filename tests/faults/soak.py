"""Build for long beside a server that is slow, busy, cut and wrong, with kills and a disk that fills up.

python -m tests.faults.soak MINUTES FOLDER, or `make soak`: every build is killed now and then until it ends,
in two stretches of time no file may grow as far as it should. After each kill it is checked that no answer
was lost or bought twice and no file torn; each build must come to the same data set. Memory, open files,
threads and time per row are written to FOLDER/soak.csv and drawn in FOLDER/soak.svg.
"""

from __future__ import annotations

import csv
import itertools
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.verify import check_build
from ccf_pipeline.errors import MissingInput
from tests.faults.harness import (
    Forge,
    asked_by_run,
    clear,
    dataset_of,
    forging,
    journalled,
    kill,
    serving,
    told_by,
)

STUDIES = 300
SAMPLES_PER_SECOND = 2
KILLED_AFTER_SECONDS = (5.0, 120.0)
FULL_AT_BYTES = 400_000
FULL = ((0.3, 0.4), (0.6, 0.7))
"""The parts of the time in which the disk is full."""
DISK_REFUSED = 74


@dataclass
class Sample:
    """A look at the process that builds."""

    seconds: float
    process: int
    megabytes: float
    open_files: int
    threads: int
    answers: int


@dataclass
class Soak:
    """The counts of all runs so far."""

    builds: int = 0
    kills: int = 0
    refused: int = 0
    bought_twice: int = 0


def soak(minutes: float, folder: Path) -> tuple[Soak, list[Sample]]:
    """Build again and again until the time is over; raise an AssertionError where a promise is broken."""
    corpus, out, chance = folder / "corpus", folder / "build", random.Random(1)
    write_demo_corpus(corpus, studies=STUDIES, seed=11, images=False)
    total, samples, expected = Soak(), list[Sample](), dict[str, str]()
    begun, runs = time.monotonic(), itertools.count(1)
    with serving() as port, forging(folder / "log.txt") as forge:
        while (passed := (time.monotonic() - begun) / 60 / minutes) < 1:
            known, run = journalled(out), next(runs)
            is_full = any(first <= passed < last for first, last in FULL)
            limits = {"RLIMIT_FSIZE": FULL_AT_BYTES} if is_full else {}
            pid = forge.begin(corpus, out, port=port, run=run, limits=limits)
            killed_at = time.monotonic() + chance.uniform(*KILLED_AFTER_SECONDS)
            watcher = threading.Thread(target=_watch, args=(pid, out, killed_at, begun, samples))
            watcher.start()
            code = forge.end()
            watcher.join()
            total.bought_twice += len(asked_by_run(port).get(run, set()) & known)
            _require_sound(out, known, code, forge)
            total.kills += code < 0
            total.refused += code == DISK_REFUSED
            if code == 0:
                total.builds += 1
                expected = expected or dataset_of(out)
                assert dataset_of(out) == expected, "another data set"
                clear(out)
            print(f"{time.monotonic() - begun:7.0f} s: run {run} ended with {code}, {total}", flush=True)
    assert not total.bought_twice
    return total, samples


def _require_sound(out: Path, known: set[str], code: int, forge: Forge) -> None:
    assert code in (0, -9, DISK_REFUSED), told_by(forge)
    assert journalled(out) >= known, "an acknowledged answer is gone"
    try:
        found = check_build(out)
    except MissingInput:
        return  # killed before anything was begun
    assert (found.damaged, found.lost_answers, found.audit) == ((), 0, None), found


def _watch(pid: int, out: Path, killed_at: float, begun: float, samples: list[Sample]) -> None:
    """Look at a process until it ends or its time is over."""
    while (seen := _look(pid, out, begun)) is not None:
        samples.append(seen)
        if time.monotonic() >= killed_at:
            kill(pid)
            return
        time.sleep(1 / SAMPLES_PER_SECOND)


def _look(pid: int, out: Path, begun: float) -> Sample | None:
    process = Path(f"/proc/{pid}")
    try:
        lines = (process / "status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        if "VmRSS" not in told:
            return None  # it has ended, and nobody has waited for it yet
        files = len(list((process / "fd").iterdir()))
    except OSError:
        return None
    tally = BuildFolder(out).noted_tally()
    megabytes = int(told["VmRSS"].split()[0]) / 1024
    return Sample(
        time.monotonic() - begun, pid, megabytes, files, int(told["Threads"]), tally.get("judged", 0)
    )


def _seconds_per_row(samples: list[Sample]) -> Iterator[tuple[float, float]]:
    """Yield when so many rows of one process were judged, and how long each took."""
    for _, group in itertools.groupby(samples, key=lambda sample: sample.process):
        last: Sample | None = None
        for one in group:
            if last is not None and one.answers > last.answers:
                yield one.seconds, (one.seconds - last.seconds) / (one.answers - last.answers)
            if last is None or one.answers != last.answers:
                last = one


def draw(samples: list[Sample]) -> str:
    """Return a picture of the four figures over time, each in a panel of its own."""
    panels = {
        "memory, MB": [(one.seconds, one.megabytes) for one in samples],
        "open files": [(one.seconds, float(one.open_files)) for one in samples],
        "threads": [(one.seconds, float(one.threads)) for one in samples],
        "seconds per row": list(_seconds_per_row(samples)),
    }
    end = max((one.seconds for one in samples), default=1.0)
    parts = []
    for number, (name, points) in enumerate(panels.items()):
        top, most = 20 + 130 * number, max((value for _, value in points), default=1.0) or 1.0
        dots = "".join(
            f'<circle cx="{60 + 700 * x / end:.1f}" cy="{top + 100 - 100 * y / most:.1f}" r="1.2"/>'
            for x, y in points
        )
        parts.append(
            f'<text x="60" y="{top - 5}">{name}: at most {most:.4g}, over {end:.0f} s</text>'
            f'<rect x="60" y="{top}" width="700" height="100" fill="none" stroke="#999"/>{dots}'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 540" font-family="sans-serif"'
        f' font-size="12">{"".join(parts)}</svg>\n'
    )


def main() -> None:
    minutes, folder = float(sys.argv[1]), Path(sys.argv[2])
    clear(folder)
    folder.mkdir(parents=True)
    total, samples = soak(minutes, folder)
    with (folder / "soak.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Sample.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(map(asdict, samples))
    (folder / "soak.svg").write_text(draw(samples))
    print(f"{total}; {folder / 'soak.svg'}")


if __name__ == "__main__":
    main()
