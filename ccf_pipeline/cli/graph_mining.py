"""ccf-build graph mine and extract: what a corpus says of the graph, by counting or by a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError, Unfinished

if TYPE_CHECKING:
    from ccf_pipeline.settings import BuildSettings

Corpus = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        help="KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr; that of build.toml if left out.",
        show_default=False,
    ),
]
Graph = Annotated[
    Path | None,
    typer.Option("--graph", help="A graph file; the one that comes along if left out.", show_default=False),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Read only the first so many studies.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything as JSON for a program.")]


def mine(
    corpus: Corpus = None,
    graph: Graph = None,
    limit: Limit = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="A .csv or .json file for every relation.", show_default=False, callback=on_disk
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Processes that read; one per processor if left out.", show_default=False
        ),
    ] = None,
    min_support: Annotated[
        int, typer.Option("--min-support", min=1, help="Studies that must assert a concept, or a pair.")
    ] = 5,
    fdr: Annotated[
        float, typer.Option("--fdr", min=1e-9, max=0.5, help="Share of false discoveries to put up with.")
    ] = 0.05,
    stamp: Annotated[
        str,
        typer.Option(
            "--stamp",
            help="Write the counts into the file of --graph, beside its relations, under this corpus name.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Count which concepts a corpus asserts together, and set that beside the graph.

    Confirmed, unseen and contradicted are the graph's own relations; proposed ones it does not have;
    explained ones go together only because both go with a third. Only --stamp changes the graph:
    relations that the corpus confirms or contradicts get its counts, and taught ones it confirms are mined.
    """
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.files.worker_pool import available_cpus
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.graph.review_files import stamp_evidence
    from ccf_pipeline.mining.mined import Thresholds, collect_evidence
    from ccf_pipeline.mining.mined_file import refuse_other_endings, write_mined
    from ccf_pipeline.mining.run import mine_corpus

    if out is not None:
        refuse_other_endings(out)
    settings = _make_settings(corpus, graph, limit)
    if stamp and settings.graph is None:
        raise SettingsError("--stamp writes into a graph file", hint="Name the file with --graph.")
    loaded = load_graph(settings.graph)
    thresholds = Thresholds(min_support=min_support, fdr=fdr)
    try:
        with progress_bars(quiet=as_json) as progress:
            report = mine_corpus(
                settings.corpus, loaded, thresholds, workers=workers or available_cpus(), progress=progress
            )
    except KeyboardInterrupt:
        raise Unfinished("stopped before the end", hint="Run it again; nothing was written.") from None
    if out is not None:
        write_mined(report, out)
    if stamp and settings.graph is not None:
        stamp_evidence(settings.graph, collect_evidence(report, stamp))
    if as_json:
        typer.echo(report.model_dump_json())
        return
    from ccf_pipeline.cli.graph_findings import print_mined

    print_mined(report, loaded, out)


def extract(
    base_url: Annotated[
        str,
        typer.Option("--base-url", help="Where it is served: http://127.0.0.1:8000/v1 or unix:/a/socket."),
    ],
    model: Annotated[str, typer.Option("--model", help="The model's name on that server.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for answers and results.", callback=on_disk)],
    corpus: Corpus = None,
    graph: Graph = None,
    limit: Limit = None,
    batch: Annotated[int, typer.Option("--batch", min=1, max=200, help="Reports asked about at once.")] = 20,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, help="Questions under way at once.")
    ] = 8,
    min_cases: Annotated[
        int, typer.Option("--min-cases", min=1, help="Reports that must show a relation.")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Have a language model extract diseases and features from reports, and compare with the graph.

    Answers are kept in the folder as they come: the same command goes on where it stopped and asks
    nothing twice. The graph is never changed; a draft of one is written for `ccf-build graph diff`.
    """
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.experts.chat import ChatExpert
    from ccf_pipeline.experts.guard import allow_endpoint, rules_of
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.mining.extracted_file import open_extraction, write_extraction
    from ccf_pipeline.mining.extraction import draft_graph
    from ccf_pipeline.mining.run import extract_relations

    settings = _make_settings(corpus, graph, limit)
    endpoint = allow_endpoint(base_url, rules_of(settings))
    expert = ChatExpert((endpoint,), model, concurrency=concurrency)
    loaded = load_graph(settings.graph)
    journal = open_extraction(out)
    try:
        with progress_bars(quiet=as_json) as progress:
            report = extract_relations(
                settings.corpus,
                loaded,
                expert,
                journal,
                batch_size=batch,
                min_cases=min_cases,
                progress=progress,
            )
    except KeyboardInterrupt:
        raise Unfinished(f"{out}: stopped before the end") from None
    write_extraction(out, report, draft_graph(report, loaded))
    if as_json:
        typer.echo(report.model_dump_json())
        return
    from ccf_pipeline.cli.graph_findings import print_extracted

    print_extracted(report, loaded, out)


def _make_settings(corpus: str | None, graph: Path | None, limit: int | None) -> BuildSettings:
    from ccf_pipeline.cli.options import corpus_flags
    from ccf_pipeline.settings import load_settings

    return load_settings(None, {"graph": graph, "corpus": {**corpus_flags(corpus), "limit": limit}})
