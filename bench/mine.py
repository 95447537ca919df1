"""How long `ccf-build graph mine` takes over a corpus as large as MIMIC-CXR, and how much memory.

python bench/mine.py              30,000 invented studies, and what that makes for 227,835
python bench/mine.py 227835       all of them (a minute or two more for the generating)
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.files.worker_pool import available_cpus
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.mining.run import mine_corpus
from ccf_pipeline.settings import CorpusSettings

MIMIC_STUDIES = 227_835


def main(studies: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ccf-bench-") as folder:
        write_demo_corpus(Path(folder), studies=studies, seed=7, as_zip=True, images=False)
        corpus = CorpusSettings(kind="demo", path=Path(folder))
        graph = load_graph()
        started = time.perf_counter()
        report = mine_corpus(corpus, graph, workers=available_cpus())
        seconds = time.perf_counter() - started
    print(f"{report.studies_read} studies, {len(report.relations)} relations, {available_cpus()} workers")
    print(f"{seconds:.1f} s, {studies / seconds:.0f} studies a second")
    if studies < MIMIC_STUDIES:
        minutes = seconds / studies * MIMIC_STUDIES / 60
        print(f"at that rate {MIMIC_STUDIES} take {minutes:.1f} minutes")
    # The kernel counts a worker's peak from before it became one, so only this process tells the truth.
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
