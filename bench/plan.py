"""How fast a corpus is planned, how even the plan is, and whether it depends on anything but the corpus.

.venv/bin/python bench/plan.py [STUDIES] [SEED]

The demo corpus is written without pictures; an empty file stands for each, so that images are matched.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.demo.studies import generate_studies
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.records import PlanSummary
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PlanSettings, ShardSettings

SHARD_SIZES = (500, 137)


def main(studies: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        write_demo_corpus(corpus, studies=studies, seed=seed, as_zip=True, images=False)
        _stand_in_for_images(corpus, studies, seed)
        digests = []
        for size in SHARD_SIZES:
            settings = BuildSettings(
                out=Path(folder) / f"build-{size}",
                corpus=CorpusSettings(kind="demo", path=corpus),
                plan=PlanSettings(seed=seed),
                shards=ShardSettings(size=size),
            )
            materials = Materials.load(settings)
            begun = time.process_time()
            with open_build(settings.out, materials.identity) as build:
                summary = plan_build(build, materials)
                seconds = time.process_time() - begun
                digests.append(_digest(build, summary))
            told = f"{seconds:.1f} CPU seconds, {studies / seconds:.0f} a second"
            print(f"{studies} studies in shards of {size}: {told}")
    _show(summary)
    print(f"same plans in shards of {' and '.join(map(str, SHARD_SIZES))}: {len(set(digests)) == 1}")
    print(f"peak resident  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _stand_in_for_images(corpus: Path, studies: int, seed: int) -> None:
    for study in generate_studies(studies, seed):
        for image in study.images:
            path = corpus / study.folder / f"{image.dicom_id}.{'dcm' if image.is_dicom else 'jpg'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def _digest(build: BuildFolder, summary: PlanSummary) -> str:
    """Of all plans in their order, whatever shard they lie in."""
    digest = hashlib.sha256()
    for shard in range(summary.shards):
        for entry in build.planned_studies(shard):
            digest.update(entry.model_dump_json().encode())
    return digest.hexdigest()


def _show(summary: PlanSummary) -> None:
    print(f"counterfactuals  {summary.plans}, {summary.matched_images} with a matched image")
    print(f"{'finding':28}{'studies':>8}{'gained':>8}{'lost':>8}{'apart':>8}{'weight':>8}")
    for entry in summary.balance:
        apart = (entry.gained - entry.lost) / max(entry.gained, entry.lost, 1)
        told = f"{entry.studies:8}{entry.gained:8}{entry.lost:8}{apart:8.1%}{entry.weight:8}"
        print(f"{entry.finding:28}{told}  {entry.standing}  {entry.limit}".rstrip())


if __name__ == "__main__":
    main(*(int(said) for said in (*sys.argv[1:], *("20000", "7")[len(sys.argv) - 1 :])))
