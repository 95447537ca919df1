"""How fast a whole build is with the rules expert: demo corpus without images, one process.

.venv/bin/python bench/build.py [STUDIES]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import BuildSettings, CorpusSettings


def main(studies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        write_demo_corpus(corpus, studies=studies, as_zip=True, images=False)
        settings = BuildSettings(out=Path(folder) / "build", corpus=CorpusSettings(kind="demo", path=corpus))
        begun, cpu_begun = time.perf_counter(), time.process_time()
        summary = walk.build(settings)
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plans = summary.plan.plans
    print(f"studies                       {studies}")
    print(f"counterfactuals               {plans}, {summary.accepted / plans:.1%} accepted")
    print(f"counterfactuals per CPU second {plans / cpu_seconds:.0f}")
    print(f"wall seconds                  {seconds:.1f}")
    print(f"peak resident                 {peak:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
