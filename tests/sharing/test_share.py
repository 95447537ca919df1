"""What leaves a build at each level, what is made of it again, and that no wrong text ever is."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import BuildConflict, LeakFound, MissingInput, SharingRefused, StorageError
from ccf_pipeline.files.arrow import read_nouns
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings
from ccf_pipeline.sharing.data import planned_texts, read_rows, strings_to_leave
from ccf_pipeline.sharing.delta.keys import check_value, make_key
from ccf_pipeline.sharing.delta.rows import PHRASE_DIFFERS, REPORT_DIFFERS
from ccf_pipeline.sharing.delta.words import words_of
from ccf_pipeline.sharing.folder import read_share, write_manifest, write_recipe
from ccf_pipeline.sharing.nouns import DeltaRow, MissingRow, RehydrateSummary, ShareLevel
from ccf_pipeline.sharing.rehydrate import KEY_STAYS_SHUT, NOT_IN_CORPUS, rehydrate
from ccf_pipeline.sharing.share import preview, share

STUDIES = 70  # two slips' worth, so that one may be spoiled


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, a build of it, and its shares at L0 and L1."""
    folder = tmp_path_factory.mktemp("made")
    write_demo_corpus(folder / "corpus", studies=STUDIES, seed=7, images=False)
    walk.build(BuildSettings(out=folder / "build", corpus=corpus_at(folder / "corpus")))
    for level in ("L0", "L1"):
        share(folder / "build", folder / level, level=level)
    return folder


def corpus_at(path: Path) -> CorpusSettings:
    return CorpusSettings(kind="demo", path=path)


def reports_of(corpus: Path) -> list[Path]:
    return sorted(corpus.rglob("s*.txt"))


def originals(made: Path) -> dict[str, Record]:
    build = BuildFolder(made / "build")
    return {record.record_id: record for record in build.accepted_records(build.verify().plan.shards)}


def rebuilt(out: Path) -> dict[str, Record]:
    files = sorted((out / "data" / "ccf").glob("*.parquet"))
    return {record.record_id: record for path in files for record in read_nouns(path, Record)}


def strings_in(folder: Path) -> list[str]:
    return [text for _, _, text in strings_to_leave(folder)]


# --- what is in a share -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_no_four_words_of_any_report_are_shared(made: Path, level: str) -> None:
    told = {shingle for text in strings_in(made / level) for shingle in words_of(text).shingles()}

    reports = list(planned_texts(BuildFolder(made / "build"), 1))
    assert len(reports) == STUDIES
    assert told.isdisjoint(shingle for _, report in reports for shingle in words_of(report).shingles())


def test_the_recipe_holds_every_pair_and_no_text(made: Path) -> None:
    columns = set().union(*(pq.read_schema(path).names for path in (made / "L0").rglob("*.parquet")))

    assert read_share(made / "L0").rows == len(originals(made))
    assert not {name for name in columns if "text" in name or name in ("steps", "problems", "why")}


def test_a_delta_keeps_the_words_that_the_expert_wrote(made: Path) -> None:
    row = next(row for row in read_rows(made / "L1", DeltaRow) if row.direction == "add")

    new = [piece.text for delta in row.texts for piece in delta.pieces if piece.source == "new"]
    assert any(re.search(r"[a-z]{4}", text) for text in new)
    assert row.factual_text == row.counterfactual_text == ""


def borrowed_texts(record: Record) -> list[str]:
    return [record.counterfactual_text[b.start : b.end] for b in record.borrowed]


def test_no_sentence_of_the_bank_is_shared_however_short(made: Path) -> None:
    rows = {row.record_id: row for row in read_rows(made / "L1", DeltaRow)}
    borrowing = [record for record in originals(made).values() if record.borrowed]
    borrowed = {text.lower() for record in borrowing for text in borrowed_texts(record)}

    assert min(len(words_of(text)) for text in borrowed) < 4
    for record in borrowing:
        copied = [delta for delta in rows[record.record_id].texts if delta.field == "counterfactual_text"]
        phrases = [piece for piece in copied[0].pieces if piece.source == "phrase"]
        whole = [b for b in record.borrowed if not b.is_mirrored]
        assert len(phrases) >= len(whole)
        new = [piece.text.lower() for piece in copied[0].pieces if piece.source == "new"]
        assert not any(text.lower() in piece for text in borrowed_texts(record) for piece in new)


@pytest.mark.parametrize(
    "level", ["L1", *(pytest.param(level, marks=pytest.mark.slow) for level in ("L0", "L2"))]
)
def test_the_same_build_gives_the_same_bytes(made: Path, tmp_path: Path, level: ShareLevel) -> None:
    first = share(made / "build", tmp_path / "first", level=level)
    second = share(made / "build", tmp_path / "second", level=level)

    assert first == second
    assert first.files == preview(made / "build", level=level).files


def test_no_place_of_this_machine_is_told(made: Path) -> None:
    for level in ("L0", "L1"):
        assert str(made) not in "\n".join(strings_in(made / level))
    assert "corpus.kind" in read_share(made / "L0").settings
    assert not any("path" in name for name in read_share(made / "L0").settings)


def test_everything_but_refused_answers_is_in_level_2_and_its_card_names_what_is_there(
    made: Path, tmp_path: Path
) -> None:
    import datasets

    share(made / "build", tmp_path / "L2", level="L2")

    rows = datasets.load_dataset(str(tmp_path / "L2"), "ccf", cache_dir=str(tmp_path / "cache"))
    assert sum(split.num_rows for split in rows.values()) == len(originals(made))
    assert "rejected" not in (tmp_path / "L2" / "README.md").read_text("utf-8").split("---")[1]


@pytest.mark.slow
def test_a_share_replaces_a_share_and_nothing_else(made: Path, tmp_path: Path) -> None:
    share(made / "build", tmp_path / "out", level="L1")
    share(made / "build", tmp_path / "out", level="L0")
    assert read_share(tmp_path / "out").level == "L0"
    assert not (tmp_path / "out" / "data" / "delta").exists()

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildConflict):
        share(made / "build", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"


def test_only_a_finished_build_is_shared(made: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="not a finished build"):
        share(made / "corpus", tmp_path / "out")


# --- guessing -----------------------------------------------------------------------------------------


def digests(text: str, study_id: str) -> Iterator[str]:
    """What a guesser would compute of a report: plain, salted or keyed with the public id."""
    for salted in (text, f"{study_id}{text}", f"{study_id}\0{text}", f"{study_id}:{text}"):
        raw = salted.encode()
        for name in ("md5", "sha1", "sha224", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"):
            yield hashlib.new(name, raw).hexdigest()
        yield f"{zlib.crc32(raw):08x}"
    yield hmac.new(study_id.encode(), text.encode(), "sha256").hexdigest()
    own_key = make_key({study_id: text})
    for key in (own_key, b"", text.encode(), bytes(32)):
        yield check_value(key, "report", study_id, text)
    yield check_value(own_key, "key")


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_a_dictionary_that_holds_the_very_reports_confirms_none(made: Path, level: str) -> None:
    reports = dict(planned_texts(BuildFolder(made / "build"), 1))
    impressions = [text.rpartition("IMPRESSION: ")[2] for text in reports.values()]
    common = [f"IMPRESSION: No {a} or {b}." for a, b in itertools.permutations(COMMON, 2)]
    dictionary = {*reports.values(), *impressions, *common}
    published = {run for text in strings_in(made / level) for run in re.findall(r"[0-9a-f]{8,}", text)}
    prefixes = {run[:length] for run in published for length in (12, len(run))}

    confirmed = [
        study_id
        for study_id, text in itertools.chain(reports.items(), (("", guess) for guess in dictionary))
        for digest in digests(text, study_id)
        if digest in prefixes or digest[:12] in prefixes
    ]

    assert len(dictionary) >= 1000
    assert published
    assert confirmed == []


COMMON = [
    f"{kind} {what}"
    for kind in ("acute", "focal", "large", "new")
    for what in (
        "effusion",
        "edema",
        "consolidation",
        "pneumothorax",
        "fracture",
        "opacity",
        "nodule",
        "pneumonia",
    )
]


def test_so_few_credentialed_reports_that_they_could_be_guessed_are_not_shared(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=10, seed=1, images=False)
    corpus = CorpusSettings(kind="mimic", path=tmp_path / "corpus")
    walk.build(BuildSettings(out=tmp_path / "build", corpus=corpus))

    for level in ("L0", "L1"):
        with pytest.raises(SharingRefused, match="too few"):
            share(tmp_path / "build", tmp_path / "out", level=level)


# --- made again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_the_right_corpus_gives_the_data_set_byte_for_byte(made: Path, tmp_path: Path, level: str) -> None:
    summary = rehydrate(made / level, corpus_at(made / "corpus"), tmp_path / "out")

    assert (summary.rebuilt, summary.missing) == (len(originals(made)), ())
    for path in sorted((made / "build" / "dataset" / "data" / "ccf").iterdir()):
        assert (tmp_path / "out" / "data" / "ccf" / path.name).read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == [
        "README.md",
        "data",
        "dataset_info.json",
    ]


def test_images_come_back_from_the_holders_own_copy(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=6, seed=5)
    corpus = corpus_at(tmp_path / "corpus")
    every_pair = DatasetSettings(even=False, same_diagnosis=True)
    walk.build(BuildSettings(out=tmp_path / "build", corpus=corpus, dataset=every_pair))
    share(tmp_path / "build", tmp_path / "L1", level="L1")

    share(tmp_path / "build", tmp_path / "L2", level="L2")

    rehydrate(tmp_path / "L1", corpus, tmp_path / "out")

    written = tmp_path / "build" / "dataset" / "data"
    trained_on = [path for config in written.glob("cpo_*") for path in sorted(config.iterdir())]
    assert trained_on
    for path in trained_on:
        place = path.relative_to(written)
        assert (tmp_path / "L2" / "data" / place).is_file()
        assert (tmp_path / "out" / "data" / place).read_bytes() == path.read_bytes()


def spoiled(made: Path, tmp_path: Path, spoil: Callable[[list[Path]], None], level: str) -> RehydrateSummary:
    """Rehydrate from a corpus that something happened to; whatever comes back is as it was."""
    shutil.copytree(made / "corpus", tmp_path / "corpus")
    spoil(reports_of(tmp_path / "corpus"))
    summary = rehydrate(made / level, corpus_at(tmp_path / "corpus"), tmp_path / "out")

    before, after = originals(made), rebuilt(tmp_path / "out")
    assert all(before[record_id] == record for record_id, record in after.items())
    assert len(after) == summary.rebuilt
    lost = sum(entry.count for entry in summary.missing)
    assert summary.rebuilt + lost == summary.shared == len(before)
    if lost:
        lines = (tmp_path / "out" / "missing.jsonl").read_text("utf-8").splitlines()
        told = {MissingRow.model_validate_json(line).record_id for line in lines}
        assert told == before.keys() - after.keys()
    return summary


def first_shared(reports: list[Path], made: Path) -> Path:
    wanted = {row.study_id for row in read_rows(made / "L1", DeltaRow)}
    readable = (path for path in reports if "FINDINGS:" in path.read_text("utf-8"))
    return next(path for path in readable if path.stem.removeprefix("s") in wanted)


def reasons(summary: RehydrateSummary) -> set[str]:
    return {entry.reason for entry in summary.missing}


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_an_edited_report_is_reported_and_the_others_come_back(
    made: Path, tmp_path: Path, level: str
) -> None:
    def edit(reports: list[Path]) -> None:
        path = first_shared(reports, made)
        path.write_text(path.read_text("utf-8").replace("FINDINGS:", "FINDINGS: Shunt catheter."), "utf-8")

    summary = spoiled(made, tmp_path, edit, level)

    assert 0 < summary.shared - summary.rebuilt < 10
    assert REPORT_DIFFERS in reasons(summary)
    assert reasons(summary) <= {REPORT_DIFFERS, PHRASE_DIFFERS}


def test_a_report_that_is_gone_is_reported(made: Path, tmp_path: Path) -> None:
    summary = spoiled(made, tmp_path, lambda reports: first_shared(reports, made).unlink(), "L1")

    assert NOT_IN_CORPUS in reasons(summary)
    assert summary.rebuilt > summary.shared - 10


def test_reports_that_changed_places_are_reported(made: Path, tmp_path: Path) -> None:
    def rotate(reports: list[Path]) -> None:
        contents = [path.read_bytes() for path in reports]
        for path, content in zip(reports, contents[1:] + contents[:1], strict=True):
            path.write_bytes(content)

    summary = spoiled(made, tmp_path, rotate, "L1")

    assert (summary.rebuilt, reasons(summary)) == (0, {KEY_STAYS_SHUT})


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_another_corpus_under_the_same_ids_gives_nothing(made: Path, tmp_path: Path, level: str) -> None:
    write_demo_corpus(tmp_path / "other", studies=STUDIES, seed=8, images=False)

    def exchange(reports: list[Path]) -> None:
        for mine, theirs in zip(reports, reports_of(tmp_path / "other"), strict=False):
            mine.write_bytes(theirs.read_bytes())

    assert spoiled(made, tmp_path, exchange, level).rebuilt == 0


def test_other_line_ends_are_the_same_reports(made: Path, tmp_path: Path) -> None:
    def end_lines_as_windows(reports: list[Path]) -> None:
        for path in reports:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert spoiled(made, tmp_path, end_lines_as_windows, "L1").missing == ()


def test_a_recipe_is_not_followed_with_another_graph(made: Path, tmp_path: Path) -> None:
    own = tmp_path / "graph.yaml"
    text = Path("graphs/thoracic.yaml").read_text("utf-8")
    own.write_text(re.sub(r"(?m)^version: .*$", 'version: "0.0.1"', text, count=1), "utf-8")

    with pytest.raises(SharingRefused, match="graph"):
        rehydrate(made / "L0", corpus_at(made / "corpus"), tmp_path / "out", graph=own)


def test_a_recipe_of_a_models_answers_says_that_it_needs_level_1(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "L0", tmp_path / "L0")
    recipe = read_share(made / "L0").model_copy(update={"expert": "openai", "model": "a-model"})
    write_recipe(tmp_path / "L0", recipe)
    (tmp_path / "L0" / "manifest.json").unlink()
    write_manifest(tmp_path / "L0")

    with pytest.raises(SharingRefused, match="holds no answers") as refused:
        rehydrate(tmp_path / "L0", corpus_at(made / "corpus"), tmp_path / "out")
    assert "L1" in refused.value.hint


def test_a_damaged_share_is_named(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "L1", tmp_path / "L1")
    damaged = next((tmp_path / "L1" / "data" / "delta").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")

    with pytest.raises(StorageError, match=damaged.name):
        rehydrate(tmp_path / "L1", corpus_at(made / "corpus"), tmp_path / "out")


# --- what leaks does not leave ------------------------------------------------------------------------


@pytest.fixture
def changed(made: Path, tmp_path: Path) -> Callable[[Callable[[Record], Record]], Path]:
    """A build whose first accepted row is another one, sealed as if it had been made so."""

    def change(how: Callable[[Record], Record]) -> Path:
        shutil.copytree(made / "build", tmp_path / "build")
        build = BuildFolder(tmp_path / "build")
        summary = build.verify()
        first, *others = build.records_of(0)
        build.seal_shard(0, [how(first), *others])
        build.commit(summary)
        return tmp_path / "build"

    return change


def test_a_row_that_names_somebody_is_left_out_and_counted(
    made: Path, tmp_path: Path, changed: Callable[[Callable[[Record], Record]], Path]
) -> None:
    build = changed(
        lambda record: record.model_copy(
            update={"counterfactual_text": record.counterfactual_text + " Discussed with Dr. Marsh."}
        )
    )

    summary = share(build, tmp_path / "out", level="L1")

    assert [entry.count for entry in summary.left_out] == [1]
    assert summary.rows == len(originals(made)) - 1
    assert "Marsh" not in "\n".join(strings_in(tmp_path / "out"))
    with pytest.raises(LeakFound):
        share(build, tmp_path / "whole", level="L2")


@pytest.mark.slow
def test_a_path_as_the_models_name_stops_the_share_and_is_not_repeated(
    tmp_path: Path, changed: Callable[[Callable[[Record], Record]], Path]
) -> None:
    build = changed(lambda record: record.model_copy(update={"model": "/home/ada/models/large"}))

    with pytest.raises(LeakFound, match="path on a machine") as found:
        share(build, tmp_path / "out")

    assert "ada" not in found.value.what
    assert not (tmp_path / "out").exists()
    assert [leak.kind for leak in preview(build).scan.leaks] == ["path on a machine"] * 2


def test_text_in_a_parquet_footer_stops_the_share(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "build", tmp_path / "build")
    build = BuildFolder(tmp_path / "build")
    summary = build.verify()
    told = tmp_path / "build" / "dataset" / "data" / "ccf" / "train-99999-of-99999.parquet"
    pq.write_table(pa.table({"report": ["Invented words."]}), told)
    build.commit(summary)

    with pytest.raises(LeakFound, match=r"footer.*\(report"):
        share(tmp_path / "build", tmp_path / "out", level="L2")


def test_a_file_that_cannot_be_searched_does_not_leave(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "build", tmp_path / "build")
    build = BuildFolder(tmp_path / "build")
    summary = build.verify()
    (tmp_path / "build" / "dataset" / "notes.pkl").write_bytes(b"\x80\x04")
    build.commit(summary)

    with pytest.raises(LeakFound, match=r"cannot read in notes\.pkl"):
        share(tmp_path / "build", tmp_path / "out", level="L2")


# --- for PhysioNet ------------------------------------------------------------------------------------


def test_a_submission_has_data_checksums_description_and_licence_note(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "submission"

    share(made / "build", out, level="L2", submission="Demo-Ext-CXR-CounterFact")

    lines = (out / "SHA256SUMS.txt").read_text("utf-8").splitlines()
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there - listed.keys() == {"SHA256SUMS.txt", "manifest.json"}
    assert all(hashlib.sha256((out / name).read_bytes()).hexdigest() == told for name, told in listed.items())
    description = (out / "DESCRIPTION.md").read_text("utf-8")
    for section in ("Abstract", "Background", "Methods", "Data description", "Usage notes", "Ethics"):
        assert f"## {section}" in description
    assert "Credentialed Health Data License" in (out / "LICENSE.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "level"), [("MIMIC-CXR-CounterFact", "L2"), ("Next-CXR", "L2"), ("MIMIC-Ext-CXR", "L1")]
)
def test_a_submission_is_whole_and_says_that_it_extends(
    made: Path, tmp_path: Path, name: str, level: ShareLevel
) -> None:
    with pytest.raises(SharingRefused):
        share(made / "build", tmp_path / "out", level=level, submission=name)
    assert not (tmp_path / "out").exists()


# --- as a user sees it ----------------------------------------------------------------------------------


def test_share_and_rehydrate_on_the_command_line(made: Path, tmp_path: Path) -> None:
    run = CliRunner()
    shared = run.invoke(
        app, ["share", str(made / "build"), "--level", "L1", "--out", str(tmp_path / "L1"), "--json"]
    )
    assert shared.exit_code == 0, shared.output
    assert json.loads(shared.stdout)["scan"]["leaks"] == []

    corpus = f"demo:{made / 'corpus'}"
    back = run.invoke(
        app, ["rehydrate", str(tmp_path / "L1"), "--corpus", corpus, "-o", str(tmp_path / "out")]
    )
    assert back.exit_code == 0, back.output
    assert f"rebuilt    {len(originals(made))}" in back.stdout


def test_missing_rows_make_the_command_fail(made: Path, tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "other", studies=5, seed=9, images=False)

    done = CliRunner().invoke(
        app,
        [
            "rehydrate",
            str(made / "L1"),
            "--corpus",
            f"demo:{tmp_path / 'other'}",
            "-o",
            str(tmp_path / "out"),
        ],
    )

    assert done.exit_code == 1
    assert "could not be made again" in str(done.exception)
