"""ccf-build attest: write down who vouches that reports may go to a public host."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError

CONDITIONS = """\
Reports under a data use agreement may leave this machine only for a host that keeps nothing of them.
PhysioNet asks for zero data retention, no training and no human review, recommends models of your own, and
names no provider: if you cannot verify how a service handles data, do not use it.
You answer for what you say.
"""

QUESTIONS = {
    "host": "Host, as in the URL",
    "who": "Your name and position",
    "provider": "Provider",
    "zero_retention": "Where is zero data retention agreed (contract, approval number)",
    "region": "Region it computes in",
    "corpus": "Kinds of corpus, with commas (mimic, chexpert_plus, table)",
    "no_training": "Is it agreed that nothing sent is used for training?",
    "no_human_review": "Is it agreed that no person reads what is sent?",
}


def attest(
    host: Annotated[str | None, typer.Option("--host", help="The host of the URL, exactly.")] = None,
    who: Annotated[str | None, typer.Option("--who", help="The person who vouches.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="The company that runs the host.")
    ] = None,
    zero_retention: Annotated[
        str | None,
        typer.Option(
            "--zero-retention", help="Where zero data retention was agreed: contract, approval number, URL."
        ),
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Where the host computes.")] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="The kinds of corpus that may be sent, with commas.")
    ] = None,
    no_training: Annotated[
        bool | None,
        typer.Option(
            "--no-training/--training", help="Whether it is agreed that nothing sent is used for training."
        ),
    ] = None,
    no_human_review: Annotated[
        bool | None,
        typer.Option(
            "--no-human-review/--human-review", help="Whether it is agreed that no person reads what is sent."
        ),
    ] = None,
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
    said = _ask_for_missing(
        {
            "host": host,
            "who": who,
            "provider": provider,
            "zero_retention": zero_retention,
            "region": region,
            "corpus": corpus,
            "no_training": no_training,
            "no_human_review": no_human_review,
        }
    )
    kinds = str(said.pop("corpus")).split(",")
    attestation = check_attestation(
        {
            **said,
            "host": str(said["host"]).strip().lower(),
            "attested": today,
            "expires": today + timedelta(days=days),
            "corpora": [kind.strip().replace("-", "_") for kind in kinds if kind.strip()],
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


def _ask_for_missing(said: dict[str, str | bool | None]) -> dict[str, str | bool]:
    """Ask a person for what no option said; where nobody is there, name the options that are wanted."""
    missing = [name for name, value in said.items() if value is None]
    if missing and not sys.stdin.isatty():
        raise SettingsError(
            "attest: what is attested has to be said, and nobody is here to be asked",
            hint=f"Add {', '.join('--' + name.replace('_', '-') for name in missing)}.",
        )
    answers: dict[str, str | bool] = {name: value for name, value in said.items() if value is not None}
    for name in missing:
        ask = typer.confirm if name in ("no_training", "no_human_review") else typer.prompt
        answers[name] = ask(QUESTIONS[name])
    return answers
