"""ccf-build demo: the whole walk on an invented corpus, with nothing to install, ask or pay for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.cli.run import run_build


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the demo goes.", callback=on_disk)] = Path(
        "ccf-demo"
    ),
    studies: Annotated[int, typer.Option("--studies", "-n", min=1, help="How many studies to invent.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed invents other patients.")] = 7,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Invent a small MIMIC-shaped corpus and build counterfactual preference data from it.

    No network, GPU or key. No patient is behind the reports.
    """
    from ccf_pipeline.cli.showing import console
    from ccf_pipeline.demo import write_demo_corpus
    from ccf_pipeline.settings import BuildSettings, CorpusSettings, PlanSettings

    corpus = out / f"corpus-{studies}-{seed}"
    if not (corpus / "truth.jsonl.gz").is_file():
        write_demo_corpus(corpus, studies=studies, seed=seed)
    console(quiet=quiet or as_json).print(
        f"corpus     {corpus} ({studies} invented studies)\n", soft_wrap=True
    )
    # A build.toml that happens to lie here is somebody's own build: the demo does not read it.
    settings = BuildSettings(
        out=out / f"build-{studies}-{seed}",
        corpus=CorpusSettings(kind="demo", path=corpus),
        plan=PlanSettings(seed=seed),
    )
    run_build(settings, show_pair=True, as_json=as_json, quiet=quiet)
