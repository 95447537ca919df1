"""Mistakes that users make, with the two lines that each gets; every hint is followed to its end."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from tests.command_line import ccf_build
from tests.model_server import ModelServer, serving

TEXT = "FINDINGS: The heart is enlarged. There is a small left pleural effusion.\nIMPRESSION: Left effusion."
GOOD = "ingest --corpus demo:corpus --limit 1"
TABLE = "run --corpus table:reports.csv --limit 1 --out new"
OPENAI = f"{TABLE} --expert openai --model m --repair 0"
PAID = "run --corpus demo:corpus --limit 2"
VOUCHED = (
    "--who Anna --provider Provider --zero-retention contract-42 --region EU --corpus mimic --no-training"
    " --no-human-review"
)


@dataclass(frozen=True)
class Mistake:
    """What was typed, a part of either line, what the hint has one type next, and how that may end."""

    typed: str
    error: str
    hint: str
    then: str
    code: int = 1
    then_code: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    then_variables: dict[str, str] = field(default_factory=dict)


MISTAKES = [
    # the corpus
    Mistake("ingest --corpus mimic:nowhere", "nowhere: there is no such file", "Check the path", GOOD),
    Mistake("ingest --corpus mimik:corpus", "`mimik` is not a kind of corpus", "Known kinds: mimic", GOOD),
    Mistake("ingest --corpus demo:", "names no path", "Write demo:PATH", GOOD),
    Mistake("ingest --corpus reports.csv", "reports.csv: cannot be read", "--corpus table:reports.csv",
            "ingest --corpus table:reports.csv"),
    Mistake("ingest --corpus table:other.csv", "no column is known to hold the id", "[corpus.columns]",
            "ingest --config columns.toml"),
    Mistake("ingest --corpus table:reports.pdf", "not a table, by its name", ".csv", "ingest --corpus table:reports.csv"),
    Mistake(f"{TABLE} --corpus table:empty.jsonl", "it is empty", "ccf-build help corpora", TABLE),
    Mistake("ingest --corpus mimic:texts", "no split table and no image table", "--allow-missing-tables",
            "ingest --corpus mimic:texts --allow-missing-tables"),
    Mistake("ingest --corpus mimic:texts --tables nowhere", "no such folder of tables", "Check the path",
            "ingest --corpus mimic:texts --tables corpus"),
    Mistake("ingest --corpus demo:corpus --images nowhere", "no such folder of images", "Check the path",
            "ingest --corpus demo:corpus --images corpus"),
    Mistake("ingest --corpus mimic:above --allow-missing-tables", "lie further down, in above/a/b/c", "--corpus mimic:above/a/b/c",
            "ingest --corpus mimic:above/a/b/c --allow-missing-tables"),
    Mistake("ingest --corpus mimic:pictures", "holds no report text", "--tables",
            "ingest --corpus mimic:texts --tables pictures"),
    Mistake("ingest --corpus studies:corpus", "", "", GOOD),
    Mistake("run --corpus mimic:texts --out new", "no split table", "--tables DIR",
            "run --corpus mimic:texts --tables corpus --out new"),
    Mistake("plan --corpus mimic:texts", "no split table", "--allow-missing-tables",
            "plan --corpus mimic:texts --allow-missing-tables"),
    # options
    Mistake("plan --sede 3", "No such option", "Did you mean --seed", "plan --corpus demo:corpus --seed 3", 2),
    Mistake("plan --preset balance", "is not one of", "`ccf-build plan --help`", "plan --corpus demo:corpus --preset balanced", 2),
    Mistake("plan --per-study 99", "12", "`ccf-build plan --help`", "plan --corpus demo:corpus --per-study 12", 2),
    Mistake("run --expert oracle", "`oracle` is not known; known are rules, openai", "ccf-build init --help", f"{PAID} --out new --expert rules"),
    Mistake("run --limit 0", "1", "`ccf-build run --help`", f"{PAID} --out new", 2),
    Mistake("run --limit two", "valid int", "`ccf-build run --help`", f"{PAID} --out new", 2),
    Mistake("run --corpus", "requires an argument", "--help`", f"{PAID} --out new", 2),
    Mistake("rnu", "No such command", "", f"{PAID} --out new", 2),
    Mistake("status build more", "unexpected extra argument", "`ccf-build status --help`", "status build", 2),
    Mistake("export build --format xlsx", "is not one of", "`ccf-build export --help`", "export build --config ccf --format jsonl", 2),
    Mistake("share build", "Missing option", "`ccf-build share --help`", "share --help", 2),
    Mistake("run --config none.toml", "none.toml: there is no such settings file", "Check the path", GOOD),
    Mistake("run --config broken.toml", "not valid TOML", "Correct the line", GOOD),
    Mistake("run --config unknown.toml", "`plan.sed` is not a setting", "Did you mean `plan.seed`?", GOOD),
    Mistake("run --config many.toml", "setting `plan.per_study`", "ccf-build init --help", f"{PAID} --out new --per-study 12"),
    Mistake(GOOD, "`CCF_PLAN__SED` is not a setting", "Did you mean `CCF_PLAN__SEED`?", GOOD,
            variables={"CCF_PLAN__SED": "3"}, then_variables={"CCF_PLAN__SEED": "3"}),
    Mistake(PAID + " --out new", "CCF_LOG is `loud`", "Set it to one of debug", PAID + " --out new",
            variables={"CCF_LOG": "loud"}, then_variables={"CCF_LOG": "debug"}),
    Mistake("init --corpus demo:corpus --file columns.toml", "columns.toml: is there already", "add --force",
            "init --corpus demo:corpus --file columns.toml --force"),
    Mistake("help experst", "there is no page `experst`", "experts", "help experts"),
    # the build folder
    Mistake(f"{PAID} --out a-file", "a-file: is a file", "Choose another --out", f"{PAID} --out new"),
    Mistake(f"{PAID} --out others", "is not empty and is not a build folder", "others/build", f"{PAID} --out others/build"),
    Mistake(f"{PAID} --seed 9", "was begun with plan.seed = 7, not 9", "--reuse build", f"{PAID} --seed 9 --out new --reuse build"),
    Mistake("status nowhere", "nowhere: is not a build folder", "--out", "status build"),
    Mistake("verify nowhere", "nowhere: is not a build folder", "--out", "verify build"),
    Mistake("stop nowhere", "nowhere: is not a build folder", "--out", "stop build"),
    Mistake("report nowhere", "nowhere: is not a build folder", "--out", "report build"),
    Mistake("metrics nowhere", "nowhere: is not a build folder", "--out", "status build"),
    Mistake("recheck nowhere", "nowhere", "--out", "recheck build"),
    Mistake(f"{TABLE} --reuse nowhere", "nowhere: is not a build folder", "", TABLE),
    Mistake("export build --config cpo_thinkin", "`cpo_thinkin` is not a config", "Known configs: ccf", "export build --config ccf"),
    Mistake("export build", "nothing is named to export", "--config", "export build --config ccf"),
    Mistake("export build --config ccf --out others", "others", "", "export build --config ccf --out new"),
    Mistake("export build --config ccf --level L0", "a config and a sharing level", "Name one", "export build --config ccf"),
    Mistake("review build --no-open", "--name: say who judges", "--name", "review --help"),
    Mistake("recipe swift build", "`swift` is not a recipe", "swift-cpo", "recipe --help"),
    Mistake("fetch build new", "is a folder of this machine already", "s3://BUCKET/PREFIX", "status build"),
    Mistake(f"{GOOD} --out s3://b/x", "lies in an object store", "of this machine", f"{GOOD} --out new"),
    Mistake(f"{PAID} --out new --log-file none/run.log", "none/run.log: cannot be written", "a folder that you may write",
            f"{PAID} --out new --log-file run.log", 74),
    # other inputs
    Mistake("check nowhere.jsonl", "there is no such file", "Check the path", "check build"),
    Mistake("check other.csv", "looked for", "--columns factual=", "check other.csv --columns factual=Words,candidate=Words"),
    Mistake("check other.csv --columns fact=Words", "does not name a column", "factual", "check other.csv --columns factual=Words,candidate=Words"),
    Mistake("label demo:corpus --out labels.xlsx", "labels.xlsx", ".csv", "label demo:corpus --out labels.csv --workers 1"),
    Mistake("plan --corpus demo:corpus --graph none.yaml", "none.yaml", "", "plan --corpus demo:corpus"),
    Mistake("plan --corpus demo:corpus --graph broken.yaml", "broken.yaml:", "", "plan --corpus demo:corpus"),
    Mistake("read", "give a TEXT or FILE", "`ccf-build read --help`", "read Cardiomegaly.", 2),
    # a model
    Mistake(f"{TABLE} --expert openai", "needs to know the model's name", "--model", f"{OPENAI} --base-url URL"),
    Mistake(OPENAI, "needs an endpoint", "--base-url", f"{OPENAI} --base-url URL"),
    Mistake(f"{OPENAI} --base-url http://gpu-box:8000/v1", "gpu-box is not this machine", "--allow-private-net", f"{OPENAI} --base-url URL"),
    Mistake(f"{OPENAI} --base-url http://10.0.0.9:8000/v1", "is in a private network", "--allow-private-net", f"{OPENAI} --base-url URL"),
    Mistake(f"{OPENAI} --base-url https://8.8.8.8/v1", "is public", "`ccf-build attest --host 8.8.8.8`",
            f"attest --host 8.8.8.8 {VOUCHED}"),
    Mistake(f"{OPENAI} --base-url http://a:b@127.0.0.1/v1", "carries more than a place", "key_variable", f"{OPENAI} --base-url URL"),
    Mistake(f"{OPENAI} --base-url URL --key-variable NO_KEY", "NO_KEY holds no key", "Set NO_KEY", f"{OPENAI} --base-url URL --key-variable NO_KEY",
            then_variables={"NO_KEY": "secret"}),
    Mistake(f"{OPENAI} --base-url URL --max-cost 3", "a limit of cost needs prices", "[prices]", f"{OPENAI} --base-url URL --max-cost 3 --config prices.toml"),
    Mistake(f"{TABLE} --expert scripted", "", "", TABLE),
    Mistake(f"{TABLE} --strategy paper", "does not write in the form of `paper`", "Leave the strategy at `edits`", f"{TABLE} --strategy edits"),
    Mistake(f"{TABLE} --expert vllm", "needs to know the model", "--model", TABLE),
    Mistake("attest", "nobody is here to be asked", "--host, --who, --provider", f"attest --host llm.example.org {VOUCHED}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with whatever a mistake or its hint names."""
    home = tmp_path_factory.mktemp("home")
    write_demo_corpus(home / "corpus", studies=4, seed=3, images=False)
    rows = "".join(f's{n},p{n},"{TEXT}"\n' for n in range(3))
    (home / "reports.csv").write_text("study_id,subject_id,text\n" + rows)
    (home / "other.csv").write_text("AccNo,PatNo,Words\n" + rows)
    (home / "columns.toml").write_text(
        '[corpus]\nkind = "table"\npath = "other.csv"\n[corpus.columns]\nstudy_id = "AccNo"\ntext = "Words"\n'
    )
    (home / "prices.toml").write_text("[prices]\ninput = 1.0\n")
    (home / "broken.toml").write_text("[plan\n")
    (home / "unknown.toml").write_text("[plan]\nsed = 3\n")
    (home / "many.toml").write_text("[plan]\nper_study = 99\n")
    (home / "broken.yaml").write_text("concepts: [\n")
    (home / "reports.pdf").write_bytes(b"%PDF-1.7")
    (home / "empty.jsonl").write_text("")
    (home / "a-file").write_text("")
    (home / "others").mkdir()
    (home / "others" / "thesis.txt").write_text("mine")
    for place in ("texts", "above/a/b/c"):
        for report in (home / "corpus").rglob("s*.txt"):
            copy = home / place / report.relative_to(home / "corpus")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(report, copy)
    (home / "pictures").mkdir()
    for table in (home / "corpus").glob("mimic-*.csv.gz"):
        shutil.copy(table, home / "pictures")
    done = ccf_build(*PAID.split(), "--quiet", folder=home)
    assert done.code == 0, done.err
    return home


@pytest.mark.parametrize(
    "mistake", MISTAKES, ids=lambda mistake: f"{mistake.typed} {mistake.variables or ''}".strip()
)
def test_a_mistake_gets_two_lines_and_its_hint_works(mistake: Mistake, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    with serving(ModelServer(lambda asked: '{"edits": []}', models=["m"])) as server:
        places = {"URL": server.base_url}
        typed = [places.get(word, word) for word in mistake.typed.split()]
        then = [places.get(word, word) for word in mistake.then.split()]

        refused = ccf_build(*typed, folder=folder, environment=mistake.variables)
        followed = ccf_build(*then, folder=folder, environment=mistake.then_variables)

    assert refused.code == mistake.code, refused.err
    assert mistake.error in refused.error
    assert mistake.hint in refused.hint
    assert (folder / "others" / "thesis.txt").read_text() == "mine"
    assert followed.code == mistake.then_code, followed.err
