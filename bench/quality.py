"""How good the embedded expert's data set is, and how fast that is measured: the table of docs/quality.md.

    .venv/bin/python bench/quality.py [STUDIES | BUILD]

With a number, or without anything, a demo corpus is invented and built; a folder is measured as it is.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.quality.measure_build import measure_build, write_report
from ccf_pipeline.quality.tables import quality_markdown
from ccf_pipeline.settings import BuildSettings, CorpusSettings

STUDIES = 1000


def main(said: str) -> None:
    if not said.isdigit():
        measure(Path(said))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_demo_corpus(folder / "corpus", studies=int(said), seed=7, images=False)
        corpus = CorpusSettings(kind="demo", path=folder / "corpus")
        walk.build(BuildSettings(out=folder / "build", corpus=corpus))
        measure(folder / "build")


def measure(build: Path) -> None:
    begun = time.process_time()
    quality = measure_build(build)
    measured = time.process_time()
    page = write_report(build, build / "report.html")
    written = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(quality_markdown(quality))
    print(f"measured in {measured - begun:.1f} s of CPU, page in {written - measured:.1f} s", end="")
    print(f" and {page.stat().st_size / 1e6:.1f} MB; at most {memory} MB of memory")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(STUDIES))
