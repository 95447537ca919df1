"""ccf-build read and label: what is explained, what is written, and that no text or line can do harm."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ccf_pipeline.cli.reading_page import coloured, inert
from ccf_pipeline.corpora.report_lines import BadLine, ReportText
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.mining.label_corpus import Labelling, Reader, label_lines, rules_named
from ccf_pipeline.mining.label_files import LABEL_COLUMNS, LabelledReport, json_line
from tests.command import ccf_build

REPORT = """\
                                 FINAL REPORT
 EXAMINATION:  CHEST (PORTABLE AP)

 INDICATION:  ___ year old man with pneumonia  // effusion?

 FINDINGS:

 Small left pleural effusion.  No pneumothorax.

 IMPRESSION:

 Possible edema.
"""


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def graph() -> ConceptGraph:
    return load_graph()


@pytest.fixture(scope="module")
def reader(graph: ConceptGraph) -> Reader:
    return Reader.of(graph)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=240, seed=3, images=False)
    return folder


# --- one text -------------------------------------------------------------------------------


def test_a_sentence_is_explained_by_phrase_cue_rule_and_normal_state(tmp_path: Path) -> None:
    done = ccf_build("read", "Lungs are clear. No pneumothorax. May represent pneumonia.", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Pneumothorax absent pneumothorax “no” denies it (rule no)" in lines
    assert "Pneumonia uncertain pneumonia “may represent” doubts it (rule maybe_before)" in lines
    assert any(line.startswith("Lung Opacity absent") and "denied by “Clear lungs”" in line for line in lines)
    (row,) = [line for line in lines if line.startswith("Fracture")]
    assert row == "Fracture Pneumothorax 0.0 absent"


def test_place_degree_and_time_are_told(tmp_path: Path) -> None:
    done = ccf_build("read", "New small left basilar atelectasis.", folder=tmp_path)

    (row,) = [line for line in done.stdout.splitlines() if line.startswith("Atelectasis   ")][:1]
    assert row.split()[:3] == ["Atelectasis", "present", "small"]
    assert "left" in row
    assert "new" in row


def test_of_a_raw_report_only_findings_and_impression_are_read(tmp_path: Path) -> None:
    (tmp_path / "s1.txt").write_text(REPORT)

    from_file = ccf_build("read", "s1.txt", "--json", folder=tmp_path)
    from_pipe = ccf_build("read", "-", "--json", folder=tmp_path, given=REPORT.encode())

    page = json.loads(from_file.stdout)
    assert page["read_from"] == "findings+impression"
    assert {label: code for label, code in page["labels"].items() if code is not None} == {
        "Edema": -1,
        "Pleural Effusion": 1,
        "Pneumothorax": 0,
    }
    assert json.loads(from_pipe.stdout) == page


def test_json_mentions_carry_their_phrase(tmp_path: Path) -> None:
    done = ccf_build("read", "No left effusion.", "--json", folder=tmp_path)

    mention = json.loads(done.stdout)["mentions"][0]
    assert (mention["concept"], mention["polarity"], mention["side"]) == (
        "fnd_pleural_effusion",
        "absent",
        "left",
    )
    assert "No left effusion."[mention["start"] : mention["end"]] == mention["phrase"]


def test_a_text_that_names_nothing_says_so(tmp_path: Path) -> None:
    done = ccf_build("read", "Hello.", folder=tmp_path)

    assert done.returncode == 0
    assert "No concept of the graph is named in this text." in done.stdout


def test_phrases_are_coloured_by_polarity(reader: Reader) -> None:
    text = "No edema. Effusion. Possible pneumonia."
    screen = Console(file=io.StringIO(), force_terminal=True, color_system="standard")

    screen.print(coloured(text, reader.read(text).mentions))

    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[31medema\x1b[0m" in shown
    assert "\x1b[1;32mEffusion\x1b[0m" in shown
    assert "\x1b[33mpneumonia\x1b[0m" in shown


HOSTILE = "\x1b]0;owned\x07 [red]effusion[/red] [link=http://x]edema[/link] \u202eevil\u2066 \r\x00 [/]"


def test_hostile_text_reaches_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "hostile").write_text(HOSTILE, "utf-8")

    done = ccf_build("read", "hostile", folder=tmp_path, FORCE_COLOR="1", NO_COLOR="")

    assert done.returncode == 0, done.stderr
    assert "[red]" in done.stdout
    assert "[/link]" in done.stdout
    for letter in ("\x1b]", "\x07", "\u202e", "\u2066", "\x00"):
        assert letter not in done.stdout


def test_bytes_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("FINDINGS: \xe9 effusion \xff".encode("latin-1"))

    assert ccf_build("read", "latin.txt", folder=tmp_path).returncode == 0
    assert ccf_build("read", "effusion \udcff", folder=tmp_path).returncode == 0


@given(text=st.text())
def test_a_shown_text_keeps_its_length_and_nothing_that_moves_the_cursor(text: str) -> None:
    shown = inert(text)

    assert len(shown) == len(text)
    assert all(letter in "\n\t" or letter.isprintable() or ord(letter) > 159 for letter in shown)
    shown.encode("utf-8")


# --- a file of reports ----------------------------------------------------------------------


def test_a_file_of_reports_becomes_labels_and_a_table_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        '{"report_id": "b", "text": "Left effusion. No edema.", "age": 7}\n'
        "\n"
        '{"report_id": "a", "findings": "Possible pneumonia.", "impression": null}\n'
        '{"report_id": 3, "findings": "", "impression": "No effusion."}\n'
    )

    done = ccf_build("read", "--in", "in.jsonl", "--out", "out.jsonl", "--csv", "out.csv", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "3 lines read, 3 labelled, 0 left out" in done.stderr
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["report_id"] for row in rows] == ["b", "a", 3]
    assert list(rows[0]) == ["report_id", "labels", "mentions"]
    assert (rows[0]["labels"]["Pleural Effusion"], rows[0]["labels"]["Edema"]) == (1, 0)
    assert rows[1]["labels"]["Pneumonia"] == -1
    assert rows[1]["labels"]["Fracture"] is None
    assert rows[1]["mentions"][0]["start"] == len("FINDINGS: Possible ")
    with (tmp_path / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["report_id", *LABEL_COLUMNS]
    assert [table[0][name] for name in ("report_id", "Pleural Effusion", "Edema", "Fracture")] == [
        "b",
        "1.0",
        "0.0",
        "",
    ]
    assert table[1]["Pneumonia"] == "-1.0"


BAD_LINES = b"""\
{"report_id": "1", "text": "Effusion of a secret patient."}
{"report_id": "2", "text":
{"text": "No effusion."}
{"report_id": "4"}
{"report_id": "5", "text": 5}
["report_id"]
{"report_id": "7", "findings": ["x"]}
\xff\xfe
{"report_id": "9", "text": ""}
"""


def test_bad_lines_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD_LINES)

    done = ccf_build("read", "--in", "in.jsonl", "--out", "out.jsonl", folder=tmp_path)

    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert lines == [
        "error: in.jsonl: 7 of 9 lines hold no report: line 2 (not JSON), line 3 (no `report_id`), "
        "line 4 (neither `text` nor `findings` or `impression`), line 5 (`text` is not text), "
        "line 6 (not an object), line 7 (`findings` is not text), line 8 (not UTF-8)",
        "hint:  Mend these lines, or add --skip-bad to leave them out. Nothing was written.",
    ]
    assert not (tmp_path / "out.jsonl").exists()


def test_bad_lines_are_left_out_and_counted_where_asked(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD_LINES)

    done = ccf_build("read", "--in", "in.jsonl", "--out", "out.jsonl", "--skip-bad", folder=tmp_path)

    assert done.returncode == 0
    assert "9 lines read, 2 labelled, 7 left out" in done.stderr
    assert [row["report_id"] for row in rows_of(tmp_path / "out.jsonl")] == ["1", "9"]


def test_without_a_file_labels_go_to_standard_output(tmp_path: Path) -> None:
    done = ccf_build("read", "--in", "-", folder=tmp_path, given=b'{"report_id": "1", "text": "Effusion."}\n')

    assert json.loads(done.stdout)["labels"]["Pleural Effusion"] == 1


def test_packed_files_are_read_and_written(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "in.jsonl.gz", "wt") as file:
        file.write('{"report_id": "1", "text": "Effusion."}\n')

    done = ccf_build(
        "read", "--in", "in.jsonl.gz", "--out", "o.jsonl.gz", "--csv", "o.csv.gz", folder=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(gzip.decompress((tmp_path / "o.jsonl.gz").read_bytes()))["report_id"] == "1"
    assert gzip.decompress((tmp_path / "o.csv.gz").read_bytes()).startswith(b"report_id,Atelectasis,")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["read", "none.txt"], "none.txt: there is no such file"),
        (["read", "."], ".: cannot be read"),
        (["read", "--in", "none.jsonl"], "none.jsonl: there is no such file"),
        (["read", "--in", "broken.jsonl.gz"], "broken.jsonl.gz: cannot be read"),
        (["read", "--in", "in.jsonl", "--out", "out.txt"], "--out out.txt: the name must end in"),
        (["read", "--in", "in.jsonl", "--csv", "folder.csv"], "is there and is not a file"),
        (["read", "x", "--conventions", "chexbert"], "`chexbert` is not a set of conventions"),
        (["read", "x", "--conventions", "chexpert,no_new=never"], "`no_new`"),
        (["read", "x", "--conventions", "chexpert,stable_heart=absent"], "`stable_heart`"),
        (["read", "x", "--conventions", "strict,sure=yes"], "`sure`"),
        (["label", "demo:nowhere", "--out", "l.csv"], "nowhere: there is no such file or folder"),
        (["label", "demo:nowhere", "--out", "l.xls"], "--out l.xls: the name must end in"),
    ],
)
def test_a_users_mistake_gives_two_lines_and_no_traceback(
    arguments: list[str], what: str, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"report_id": "1", "text": "x"}\n')
    (tmp_path / "broken.jsonl.gz").write_bytes(b"\x1f\x8b cut off")
    (tmp_path / "folder.csv").mkdir()

    done = ccf_build(*arguments, folder=tmp_path)

    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert len(lines) == 2, done.stderr
    assert what in lines[0]
    assert lines[1].startswith("hint:  ")


@pytest.mark.parametrize("arguments", [["read"], ["read", "x", "--in", "y"], ["read", "x", "--out", "y"]])
def test_neither_or_both_ways_to_read_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    assert ccf_build(*arguments, folder=tmp_path).returncode == 2


@pytest.mark.slow
@settings(max_examples=10)  # each compiles the lexicon anew
@given(
    lines=st.lists(
        st.one_of(
            st.builds(ReportText, st.text(), st.text()),
            st.builds(BadLine, st.integers(min_value=1), st.just("not JSON")),
        ),
        max_size=8,
    )
)
def test_what_goes_in_comes_out_in_order_or_is_counted(
    lines: list[ReportText | BadLine], graph: ConceptGraph
) -> None:
    written: list[LabelledReport] = []

    counts = label_lines(lines, Labelling(graph), written.extend)

    assert [report.report_id for report in written] == [
        line.report_id for line in lines if isinstance(line, ReportText)
    ]
    assert (counts.read, counts.labelled) == (len(lines), len(written))
    for report, line in zip(written, (line for line in lines if isinstance(line, ReportText)), strict=True):
        row = json.loads(json_line(report))
        assert list(row["labels"]) == list(LABEL_COLUMNS)
        assert set(row["labels"].values()) <= {1, 0, -1, None}
        assert all(0 <= m["start"] < m["end"] <= len(line.text) for m in row["mentions"])


# --- a corpus -------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=1200, seed=3, images=False)  # several portions
    for name, workers in (
        ("one.csv.gz", "1"),
        ("three.csv.gz", "3"),
        ("one.jsonl", "1"),
        ("three.jsonl", "3"),
    ):
        done = ccf_build("label", "demo:corpus", "--out", name, "--workers", workers, folder=tmp_path)
        assert done.returncode == 0, done.stderr

    for ending in ("csv.gz", "jsonl"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"three.{ending}").read_bytes()
    assert len(rows_of(tmp_path / "one.jsonl")) == 1200


@pytest.mark.slow
def test_a_labelled_corpus_can_take_the_place_of_the_chexpert_table(tmp_path: Path, corpus: Path) -> None:
    name = "mimic-cxr-2.0.0-chexpert.csv.gz"

    done = ccf_build("label", f"demo:{corpus}", "--out", name, folder=tmp_path)

    assert done.returncode == 0, done.stderr
    ours, theirs = (study_ids(folder / name) for folder in (tmp_path, corpus))
    assert ours == theirs
    head = gzip.decompress((tmp_path / name).read_bytes()).splitlines()[0]
    assert head == gzip.decompress((corpus / name).read_bytes()).splitlines()[0]


def test_parquet_holds_the_same_codes_as_the_table(tmp_path: Path, corpus: Path) -> None:
    for name in ("l.csv", "l.parquet"):
        ccf_build("label", f"demo:{corpus}", "--out", name, "--limit", "50", folder=tmp_path)

    with (tmp_path / "l.csv").open(newline="") as file:
        table = [
            {
                key: value if key.endswith("_id") else float(value) if value else None
                for key, value in row.items()
            }
            for row in csv.DictReader(file)
        ]
    assert pq.read_table(tmp_path / "l.parquet").to_pylist() == table
    assert len(table) == 50


def test_studies_without_a_read_are_counted_by_reason(tmp_path: Path) -> None:
    folder = tmp_path / "files" / "p10" / "p10000001"
    folder.mkdir(parents=True)
    (folder / "s50000001.txt").write_text(REPORT)
    (folder / "s50000002.txt").write_text(" INDICATION: ___\n\n TECHNIQUE: PA\n")

    done = ccf_build("label", "mimic:.", "--out", "l.csv", "--json", folder=tmp_path)

    assert json.loads(done.stdout) == {"read": 2, "labelled": 1, "skipped": {"no_read": 1}}
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 2


# --- conventions ----------------------------------------------------------------------------


def codes(text: str, spoken: str, graph: ConceptGraph) -> dict[str, int]:
    said = Reader.of(graph, rules_named(spoken)).read(text).codes
    return {label: code for label, code in said.items() if code is not None}


def test_conventions_can_be_chosen_and_changed(graph: ConceptGraph) -> None:
    text = "No new opacity."

    assert codes(text, "chexpert", graph)["Lung Opacity"] == -1
    assert codes(text, "chexpert,no_new=absent", graph)["Lung Opacity"] == 0


def test_the_set_of_the_pipeline_can_be_asked_for_and_mixed(graph: ConceptGraph) -> None:
    text = "The heart is stable. Pulmonary vascular congestion."

    assert codes(text, "chexpert", graph) == {"Cardiomegaly": -1, "Edema": -1}
    assert codes(text, "ccf", graph) == {"Edema": 1}
    assert codes(text, "chexpert,stable_heart=blank,vascular_congestion=blank", graph) == {}


def test_strict_labels_say_less(graph: ConceptGraph) -> None:
    contradiction = "No pneumothorax. Small pneumothorax."

    assert codes(contradiction, "chexpert", graph)["Pneumothorax"] == 1
    assert codes(contradiction, "strict", graph)["Pneumothorax"] == -1
    assert codes("No large effusion.", "chexpert", graph)["Pleural Effusion"] == 0
    assert "Pleural Effusion" not in codes("No large effusion.", "strict", graph)
    assert codes("Portable view.", "chexpert", graph) == {"No Finding": 1}
    assert codes("Portable view.", "strict", graph) == {}
    assert codes("Lungs are clear.", "strict", graph)["No Finding"] == 1


def study_ids(table: Path) -> set[str]:
    with gzip.open(table, "rt", encoding="utf-8", newline="") as file:
        return {row["study_id"] for row in csv.DictReader(file)}
