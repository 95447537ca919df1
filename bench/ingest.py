"""How fast and how small a whole corpus is read: generated reports in a zip, and tables, to Study Parquet.

    .venv/bin/python bench/ingest.py [STUDIES]

The whole of MIMIC-CXR is 227,835 studies; the target is five minutes on two cores and 1 GB resident.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline.corpora.ingest import MIMIC_STUDIES, ingest
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import CorpusSettings


def measure(corpus: Path, out: Path) -> None:
    """Ingest in a process of its own, so that writing the corpus does not count."""
    begun, cpu_begun = time.perf_counter(), time.process_time()
    funnel = ingest(CorpusSettings(kind="mimic", path=corpus), out)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"studies found                 {funnel.found}, {funnel.used} used")
    print(f"wall seconds                  {seconds:.1f} (CPU {cpu_seconds:.1f})")
    print(f"studies per second            {funnel.found / seconds:.0f}")
    print(f"seconds for {MIMIC_STUDIES}            {seconds * MIMIC_STUDIES / funnel.found:.0f}")
    print(f"peak resident                 {peak:.0f} MB")
    print(f"Study Parquet                 {(out / 'studies.parquet').stat().st_size / 1e6:.0f} MB")


def main(studies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus, out = Path(folder) / "corpus", Path(folder) / "out"
        write_demo_corpus(corpus, studies=studies, as_zip=True, images=False)
        subprocess.run([sys.executable, __file__, "--measure", str(corpus), str(out)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
