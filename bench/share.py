"""Does a delta hold no report text, come back to the letter, and never take another version for its own?

Builds from the demo corpus with the rules expert, shares it at L1, makes it again, then tries wrong corpora:
edited reports, another seed, Windows line ends. A silent error is a row that comes back other than it was.

.venv/bin/python bench/share.py [STUDIES] [--write]
"""

from __future__ import annotations

import contextlib
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.files.arrow import read_nouns
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing.data import planned_texts, strings_to_leave
from ccf_pipeline.sharing.delta.words import words_of
from ccf_pipeline.sharing.nouns import RehydrateSummary
from ccf_pipeline.sharing.rehydrate import rehydrate
from ccf_pipeline.sharing.share import FinishedBuild, share

EDITED = 200
RESULTS = Path(__file__).parent / "results" / "share.md"

Tell = Callable[[str, object], None]


def main(studies: int, *, write: bool) -> None:
    told: list[str] = []

    def tell(what: str, found: object) -> None:
        told.append(f"{what:26} {found}".rstrip())
        print(told[-1], flush=True)

    with tempfile.TemporaryDirectory() as place:
        measure(Path(place), studies, tell)
    if write:
        command = f"python bench/share.py {studies} --write"
        lines = "\n".join(told)
        RESULTS.write_text(
            f"# Sharing at L1\n\nWritten by `{command}`: the demo corpus and the expert `rules`; the peak of"
            f" memory is that of the process so far.\n\n```\n{lines}\n```\n",
            encoding="utf-8",
        )


def measure(folder: Path, studies: int, tell: Tell) -> None:
    tell("studies", studies)
    write_demo_corpus(folder / "corpus", studies=studies, seed=7, images=False)
    settings = BuildSettings(out=folder / "build", corpus=corpus_at(folder / "corpus"))
    with timed("to build", tell):
        summary = walk.build(settings)
    with timed("to share", tell):
        shared = share(folder / "build", folder / "L1", level="L1")
    tell("pairs shared at L1", f"{shared.rows} of {summary.accepted} accepted")
    tell("bytes", f"{sum(file.bytes for file in shared.files):,}")
    tell("phrases told by place", shared.phrases)
    tell("leaks, by the scan", len(shared.scan.leaks))
    tell("shingles of reports found", count_shingles(folder / "L1", folder / "build"))
    originals = {record.record_id: record for record in FinishedBuild.open(folder / "build").records()}
    with timed("to rehydrate", tell):
        made = rehydrate(folder / "L1", corpus_at(folder / "corpus"), folder / "same")
    compare(folder, "same", made, originals, tell)
    tell("files byte for byte", count_same_files(folder / "build", folder / "same"))
    for name, spoil in WRONG.items():
        corpus = folder / f"{name} corpus"
        write_demo_corpus(corpus, studies=studies, seed=7, images=False)
        spoil(corpus, studies)
        compare(folder, name, rehydrate(folder / "L1", corpus_at(corpus), folder / name), originals, tell)


@contextlib.contextmanager
def timed(doing: str, tell: Tell) -> Iterator[None]:
    wall, cpu = time.monotonic(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    tell(doing, f"{wall:.0f} s, of CPU {cpu:.0f} s; peak of memory {peak:,.0f} MiB")


def compare(
    folder: Path, name: str, made: RehydrateSummary, originals: dict[str, Record], tell: Tell
) -> None:
    rebuilt = [record for path in ccf_files(folder / name) for record in read_nouns(path, Record)]
    silent = sum(originals[record.record_id] != record for record in rebuilt)
    tell(name, f"{len(rebuilt)} of {made.shared} rebuilt, {silent} silent errors")
    for reason in made.missing:
        tell("", f"  {reason.count} missing: {reason.reason}")


def count_shingles(share_folder: Path, build: Path) -> int:
    """Counted apart from the scan: four words in a row of any report in any string of any file."""
    told = {shingle for _, _, text in strings_to_leave(share_folder) for shingle in words_of(text).shingles()}
    finished = FinishedBuild.open(build)
    reports = planned_texts(finished.folder, finished.summary.plan.shards)
    return len({shingle for _, text in reports for shingle in words_of(text).shingles()} & told)


def count_same_files(build: Path, rebuilt: Path) -> str:
    files = list(ccf_files(build / "dataset"))
    same = sum(path.read_bytes() == (rebuilt / "data/ccf" / path.name).read_bytes() for path in files)
    return f"{same} of {len(files)}"


def ccf_files(dataset: Path) -> Iterator[Path]:
    yield from sorted((dataset / "data" / "ccf").glob("*.parquet"))


def edit_reports(corpus: Path, studies: int) -> None:
    """Words exchanged, dropped and misspelled, sentences cut off, in some reports."""
    chance = random.Random(0)
    for path in chance.sample(reports_of(corpus), min(EDITED, max(1, studies // 20))):
        text = path.read_bytes().decode()
        head, _, body = text.partition("FINDINGS") if "FINDINGS" in text else ("", "", text)
        words = body.split(" ")
        at = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words[at] = ""
            case 1:
                words[at] = words[at][::-1] + "x"
            case 2:
                words = words[: max(at, 3)]
            case _:
                other = chance.randrange(len(words))
                words[at], words[other] = words[other], words[at]
        joined = "FINDINGS" if "FINDINGS" in text else ""
        path.write_bytes(f"{head}{joined}{' '.join(words)}".encode())


def invent_others(corpus: Path, studies: int) -> None:
    """Other reports under the same ids."""
    others = corpus.with_name("others")
    write_demo_corpus(others, studies=studies, seed=8, images=False)
    for mine, theirs in zip(reports_of(corpus), reports_of(others), strict=False):
        mine.write_bytes(theirs.read_bytes())


def end_lines_as_windows(corpus: Path, studies: int) -> None:
    for path in reports_of(corpus):
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def reports_of(corpus: Path) -> list[Path]:
    return sorted(corpus.rglob("s*.txt"))


def corpus_at(path: Path) -> CorpusSettings:
    return CorpusSettings(kind="demo", path=path)


WRONG: dict[str, Callable[[Path, int], None]] = {
    "edited reports": edit_reports,
    "another seed": invent_others,
    "Windows line ends": end_lines_as_windows,
}

if __name__ == "__main__":
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    main(int(numbers[0]) if numbers else 10_000, write="--write" in sys.argv)
