"""A build measured: what is counted, what another judge says, and that nothing but the rows decides it."""

from __future__ import annotations

import csv
import json
import stat
import sys
from pathlib import Path

import jsonschema
import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import recheck as rechecking
from ccf_pipeline.engine import verify as repairing
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import CcfError, MissingInput, StorageError, UnreadableInput
from ccf_pipeline.quality.advice import NOT_MEASURED, advise
from ccf_pipeline.quality.measure_build import (
    Sampling,
    measure_build,
    read_quality,
    write_report,
    write_sampled_texts,
)
from ccf_pipeline.quality.other_labels import LabelCommand, LabelTable
from ccf_pipeline.quality.tables import quality_markdown
from ccf_pipeline.records import FINDING_LABELS
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ShardSettings

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=40, seed=11, images=True)
    return folder


def made(corpus: Path, out: Path, shard_size: int = 500) -> Path:
    settings = BuildSettings(
        out=out, corpus=CorpusSettings(kind="demo", path=corpus), shards=ShardSettings(size=shard_size)
    )
    walk.build(settings)
    return out


@pytest.fixture(scope="module")
def build(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(corpus, tmp_path_factory.mktemp("build") / "build")


def without_figures(card: str) -> str:
    """A card without the sections that are written again when a build is measured."""
    first, _, rest = card.partition("## What decides a pair")
    return first + rest.partition("## The training mix")[2].partition("## Quality")[0]


@pytest.mark.slow
def test_the_card_tells_the_gates_once_they_are_measured(corpus: Path, tmp_path: Path) -> None:
    build = made(corpus, tmp_path / "build")
    card = build / "dataset" / "README.md"
    before, data = card.read_text("utf-8"), files_of(build / "dataset" / "data")
    assert "Not measured for this build." in before

    quality = measure_build(build)

    after = card.read_text("utf-8")
    assert all(f"| {gate.name.replace('|', chr(92) + '|')} |" in after for gate in quality.gates)
    assert without_figures(before) == without_figures(after)
    assert before.partition("## Made with")[2] == after.partition("## Made with")[2]
    assert files_of(build / "dataset" / "data") == data
    BuildFolder(build).verify()
    measure_build(build)
    assert card.read_text("utf-8") == after


@pytest.mark.slow
def test_a_card_that_was_edited_is_not_vouched_for(corpus: Path, tmp_path: Path) -> None:
    build = made(corpus, tmp_path / "build")
    card = build / "dataset" / "README.md"
    card.write_text(card.read_text("utf-8") + "Mine.\n")

    with pytest.raises(StorageError, match=r"README\.md: is not what the manifest says"):
        measure_build(build)

    assert card.read_text("utf-8").endswith("Mine.\n")


@pytest.mark.slow
def test_a_card_half_told_is_mended(corpus: Path, tmp_path: Path) -> None:
    """As if the process had died between the card and the manifest."""
    build = made(corpus, tmp_path / "build")
    card, manifest = build / "dataset" / "README.md", build / "manifest.json"
    old_manifest = manifest.read_bytes()
    measure_build(build)
    told = card.read_text("utf-8")
    manifest.write_bytes(old_manifest)

    repairing.repair_build(build, None)

    BuildFolder(build).verify()
    assert card.read_text("utf-8") == told


@pytest.mark.slow
def test_another_verdict_takes_what_was_measured_off_the_card(corpus: Path, tmp_path: Path) -> None:
    build = made(corpus, tmp_path / "build")
    measure_build(build, Sampling(10))

    rechecking.recheck(build, None, write=True, progress=lambda *_: None)

    assert read_quality(build) is None
    assert "Not measured for this build." in (build / "dataset" / "README.md").read_text("utf-8")


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_row_is_counted_once(build: Path) -> None:
    quality = measure_build(build, Sampling(100))

    yields = quality.figures.yields
    assert yields.planned == yields.judged
    assert yields.accepted.of == yields.judged
    assert quality.figures.samples.pairs == yields.accepted.hits
    assert sum(entry.count for entry in quality.figures.balance.directions) == yields.accepted.hits
    assert len({gate.name for gate in quality.gates}) == len(quality.gates)
    assert read_quality(build) == quality


def test_what_is_written_is_what_its_schema_promises(build: Path) -> None:
    measure_build(build, Sampling(10))
    schema = json.loads((SCHEMAS / "quality.schema.json").read_text(encoding="utf-8"))
    written = json.loads((build / "quality.json").read_text(encoding="utf-8"))

    jsonschema.validate(written, schema)

    written["figures"]["verdict"] = "good"
    with pytest.raises(jsonschema.ValidationError, match="verdict"):
        jsonschema.validate(written, schema)


@pytest.mark.slow
def test_shards_do_not_change_a_figure(build: Path, corpus: Path, tmp_path: Path) -> None:
    other = made(corpus, tmp_path / "other", shard_size=7)

    assert measure_build(other, Sampling(30)) == measure_build(build, Sampling(30))
    assert (other / "quality.json").read_bytes() == (build / "quality.json").read_bytes()


def test_the_manifest_still_holds_after_measuring(build: Path) -> None:
    from ccf_pipeline.engine.build_folder import BuildFolder

    measure_build(build, Sampling(10))
    write_report(build)

    assert BuildFolder(build).verify().accepted > 0


def test_the_page_shows_images_that_are_bound_and_is_its_owners_alone(build: Path) -> None:
    measure_build(build, Sampling(10))

    page = write_report(build)

    assert "data:image/jpeg;base64," in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.stat().st_size < 5_000_000


def test_the_markdown_holds_figures_and_no_words_of_reports(build: Path) -> None:
    quality = measure_build(build, Sampling(30))

    table = quality_markdown(quality)

    assert "told apart with findings masked, add" in table
    assert "preferred by text alone, training mix, by words" in table
    words = {word.word for view in quality.figures.artefacts for word in view.words if " " in word.word}
    assert not [word for word in words if f"| {word} |" in table]


def test_an_unfinished_build_is_not_measured(tmp_path: Path, corpus: Path) -> None:
    with pytest.raises(MissingInput):
        measure_build(tmp_path)
    out = made(corpus, tmp_path / "build")
    (out / "manifest.json").unlink()
    with pytest.raises(MissingInput, match="is not finished"):
        measure_build(out)


def test_a_report_of_an_unfinished_build_shows_what_is_sealed_so_far(tmp_path: Path, corpus: Path) -> None:
    out = made(corpus, tmp_path / "build", shard_size=10)
    folder = BuildFolder(out)
    plan = folder.plan_summary()
    assert plan is not None
    folder.manifest_path.unlink()
    folder.unseal(plan.shards - 1)
    shards = [shard for shard in range(plan.shards) if folder.is_sealed(shard)]
    accepted = sum(record.accepted for shard in shards for record in folder.records_of(shard))

    page = write_report(out).read_text(encoding="utf-8")

    assert f"Not finished: {len(shards)} of {plan.shards} shards are sealed" in page
    assert 0 < len(shards) < plan.shards
    assert f'"count":{accepted},' in page.replace(" ", "")
    assert not (out / "quality.json").exists()


def test_every_gate_that_fails_says_what_helps(build: Path) -> None:
    advice = {
        gate.name: advise(gate.model_copy(update={"passed": False})) for gate in measure_build(build).gates
    }

    assert len(advice) >= 15
    assert NOT_MEASURED not in advice.values()


# --- a second opinion -----------------------------------------------------------------------


def ids_of(texts: Path) -> list[str]:
    return [json.loads(line)["report_id"] for line in texts.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_another_labelers_table_decides_the_flip_gates(build: Path, tmp_path: Path) -> None:
    write_sampled_texts(build, tmp_path / "texts.jsonl")
    table = tmp_path / "other.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["report_id", *FINDING_LABELS.values()])
        # A judge that never sees anything.
        rows.writerows([name, *[""] * 14] for name in ids_of(tmp_path / "texts.jsonl"))

    quality = measure_build(build, sources=[LabelTable(table)])

    opinion = quality.figures.flips[-1]
    assert (opinion.judge, opinion.independent) == ("other.csv", True)
    assert opinion.pairs == quality.figures.yields.accepted.hits
    by_direction = {one.name: one.rate.share for one in opinion.directions}
    assert by_direction["add"] == 0.0
    assert by_direction["remove"] == 1.0
    failed = {gate.name for gate in quality.gates if gate.passed is False}
    assert "findings flipped, add" in failed


def test_a_command_judges_in_its_own_process_and_leaves_no_text_behind(build: Path, tmp_path: Path) -> None:
    judge = tmp_path / "judge.py"
    judge.write_text(
        "import json, sys\n"
        "with open(sys.argv[1]) as asked, open(sys.argv[2], 'w') as answered:\n"
        "    for line in asked:\n"
        "        text = json.loads(line)\n"
        "        labels = {'Edema': 1 if 'edema' in text['text'].lower() else None}\n"
        "        words = sorted(set(text['text'].split()))[:5]\n"
        "        answer = {'report_id': text['report_id'], 'labels': labels, 'entities': words}\n"
        "        answered.write(json.dumps(answer) + '\\n')\n"
    )

    quality = measure_build(build, sources=[LabelCommand(f"{sys.executable} {judge}")])

    assert quality.figures.flips[-1].judge == "judge.py"
    assert quality.figures.flips[-1].pairs > 0
    (model,) = quality.figures.models
    assert model.entity_f1 is not None
    assert not list(build.glob(".opinion-*"))


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("study,Edema\n1,1\n", "RECORD:factual"),
        ("report_id,Swelling\na:factual,1\n", "Edema"),
        ("report_id,Edema\nnobody:factual,1\n", "--write-texts"),
    ],
)
def test_a_table_of_something_else_is_refused(build: Path, tmp_path: Path, content: str, hint: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(content)

    with pytest.raises(UnreadableInput) as error:
        measure_build(build, sources=[LabelTable(table)])

    assert hint in error.value.hint


@pytest.mark.parametrize("command", ["false", "/no/such/program", f"{sys.executable} -c pass"])
def test_a_command_that_fails_is_told_without_a_traceback(build: Path, command: str) -> None:
    with pytest.raises(CcfError):
        measure_build(build, sources=[LabelCommand(command)])
    assert not list(build.glob(".opinion-*"))
