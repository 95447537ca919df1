"""ccf-build attest: write down who vouches that reports may go to a public host."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.places import on_disk

CONDITIONS = """\
Reports under a data use agreement may leave this machine only for a host that keeps nothing of them.
PhysioNet asks for zero data retention, no training and no human review, recommends models of your own, and
names no provider: if you cannot verify how a service handles data, do not use it.
You answer for what you say.
"""


def attest(
    host: Annotated[
        str, typer.Option("--host", prompt="Host, as in the URL", help="The host of the URL, exactly.")
    ],
    who: Annotated[
        str, typer.Option("--who", prompt="Your name and position", help="The person who vouches.")
    ],
    provider: Annotated[
        str, typer.Option("--provider", prompt="Provider", help="The company that runs the host.")
    ],
    zero_retention: Annotated[
        str,
        typer.Option(
            "--zero-retention",
            prompt="Where is zero data retention agreed (contract, approval number)",
            help="Where zero data retention was agreed: contract, approval number, URL.",
        ),
    ],
    region: Annotated[
        str, typer.Option("--region", prompt="Region it computes in", help="Where the host computes.")
    ],
    corpus: Annotated[
        str,
        typer.Option(
            "--corpus",
            prompt="Kinds of corpus, with commas (mimic, chexpert_plus, table)",
            help="The kinds of corpus that may be sent, with commas.",
        ),
    ],
    no_training: Annotated[
        bool,
        typer.Option(
            "--no-training/--training",
            prompt="Is it agreed that nothing sent is used for training?",
            help="Whether it is agreed that nothing sent is used for training.",
        ),
    ] = False,
    no_human_review: Annotated[
        bool,
        typer.Option(
            "--no-human-review/--human-review",
            prompt="Is it agreed that no person reads what is sent?",
            help="Whether it is agreed that no person reads what is sent.",
        ),
    ] = False,
    days: Annotated[
        int, typer.Option("--days", min=1, max=180, help="How long it holds, at most 180 days.")
    ] = 180,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.", callback=on_disk)] = Path(
        "endpoint-attestation.yaml"
    ),
) -> None:
    """Vouch for a public host, so that reports under a data use agreement may be sent to it.

    The file is checked at each run, named on the data set's card and in the build's audit.jsonl.
    Whatever is not given as an option is asked for.
    """
    from ccf_pipeline.experts.attestations import check_attestation, write_attestation
    from ccf_pipeline.experts.guard import ignored_proxies

    today = date.today()
    attestation = check_attestation(
        {
            "who": who,
            "provider": provider,
            "host": host.strip().lower(),
            "zero_retention": zero_retention,
            "no_training": no_training,
            "no_human_review": no_human_review,
            "region": region,
            "attested": today,
            "expires": today + timedelta(days=days),
            "corpora": [kind.strip().replace("-", "_") for kind in corpus.split(",") if kind.strip()],
        },
        "what you said",
    )
    write_attestation(out, attestation)
    typer.echo(CONDITIONS)
    typer.echo(f"{out}: {attestation.line}")
    typer.echo(
        f"use it: ccf-build run --expert openai --base-url https://{attestation.host}/v1 --attestation {out}"
    )
    if proxies := ignored_proxies():
        typer.echo(
            f"{', '.join(proxies)} set: reports go to {attestation.host} itself, never through a proxy,"
            " which would read along"
        )
