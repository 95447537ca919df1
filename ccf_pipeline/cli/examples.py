"""Examples of every command, shown below its help; a test parses each of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("ccf-build demo", "ccf-build demo --studies 20 --out /tmp/demo"),
    "init": ("ccf-build init", "ccf-build init --corpus mimic:/data/mimic-cxr --yes"),
    "ingest": (
        "ccf-build ingest --corpus openi:NLMCXR_reports.tgz --out openi",
        "ccf-build ingest --corpus mimic:/data/mimic-cxr --limit 1000",
    ),
    "images": ("ccf-build images --corpus mimic:/data/mimic-cxr --out images --resize 512",),
    "plan": (
        "ccf-build plan --corpus mimic:/data/mimic-cxr --preset balanced",
        "ccf-build plan --corpus mimic:/data/mimic-cxr --cost --strategy edits",
    ),
    "prompts": (
        "ccf-build prompts --corpus mimic:/data/mimic-cxr --limit 10 --out prompts.jsonl",
        "ccf-build prompts build --recorded answers.jsonl",
    ),
    "run": (
        "ccf-build run --corpus mimic:/data/mimic-cxr --out build",
        "ccf-build run --corpus table:reports.csv --expert openai --base-url http://127.0.0.1:8000/v1"
        " --model NAME --preview 5",
        "ccf-build run --config build.toml --log-file run.log --log-format json",
    ),
    "status": ("ccf-build status build", "ccf-build status build --json"),
    "stop": ("ccf-build stop build --wait 20",),
    "verify": ("ccf-build verify build", "ccf-build verify build --repair"),
    "fetch": ("ccf-build fetch s3://bucket/build build",),
    "recover": ("ccf-build recover",),
    "wipe": ("ccf-build wipe build --yes",),
    "attest": (
        'ccf-build attest --host llm.example.org --who "A. Person, data officer" --provider "Example Ltd"'
        ' --zero-retention "contract 42, section 3" --region EU --corpus mimic --no-training'
        " --no-human-review",
    ),
    "check": (
        "ccf-build check pairs.jsonl",
        "ccf-build check pairs.csv --columns factual=report,candidate=edited --out verdicts.jsonl",
    ),
    "recheck": ("ccf-build recheck build", "ccf-build recheck build --write"),
    "export": ("ccf-build export build --config trl_dpo --format jsonl --out trl",),
    "recipe": ("ccf-build recipe swift-cpo build/dataset",),
    "share": ("ccf-build share build --level L1 --out share",),
    "rehydrate": ("ccf-build rehydrate share --corpus mimic:/data/mimic-cxr --out rebuilt",),
    "push": ("ccf-build push build NAME/DATASET --dry-run",),
    "metrics": ("ccf-build metrics build", "ccf-build metrics build --gate"),
    "select": (
        "ccf-build select build --keep 0.67",
        "ccf-build export build --config cpo_mixed --selected --out selected",
    ),
    "probe": ("ccf-build probe build --seeds 2",),
    "report": ("ccf-build report build",),
    "read": ('ccf-build read "No pleural effusion."', "ccf-build read --in reports.jsonl --csv labels.csv"),
    "label": ("ccf-build label mimic:/data/mimic-cxr --out labels.csv.gz",),
    "review": (
        'ccf-build review build --name "A. Reader"',
        "ccf-build review build --results",
    ),
    "graph show": ('ccf-build graph show "Pleural Effusion"',),
    "graph lint": ("ccf-build graph lint --stats", "ccf-build graph lint my-graph.yaml"),
    "graph render": (
        "ccf-build graph render --out graph.svg",
        "ccf-build graph render Edema --out edema.png",
    ),
    "graph export": ("ccf-build graph export --format graphml --out graph.graphml",),
    "graph diff": ("ccf-build graph diff graphs/thoracic.yaml my-graph.yaml",),
    "graph mine": ("ccf-build graph mine --corpus mimic:/data/mimic-cxr --out mined.csv",),
    "graph extract": (
        "ccf-build graph extract --corpus mimic:/data/mimic-cxr --limit 400"
        " --base-url http://127.0.0.1:8000/v1 --model NAME --out extracted",
    ),
    "graph review sheet": ("ccf-build graph review sheet --out sheet.csv",),
    "graph review apply": (
        'ccf-build graph review apply sheet.csv --graph my-graph.yaml --name "A. Reader" --date 2026-12-01',
    ),
    "doctor": ("ccf-build doctor",),
    "help": ("ccf-build help", "ccf-build help experts"),
    "version": ("ccf-build version --json",),
}


def format_examples(command: str) -> str:
    """Return the examples of a command as its help shows them, a line each."""
    return "\n\n".join(["[bold]Examples[/bold]:", *(line.replace("[", "\\[") for line in EXAMPLES[command])])
