"""How right and how fast the reader is: the table of docs/reading.md.

    .venv/bin/python bench/read.py [STUDIES]

The demo corpus is always measured. Open-i, the hard sentences and the attribute cases are measured with their
own scorers where `../shared/data` (beside the repository) or $CCF_BENCH_DATA has them; nothing is copied.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.corpora.report_lines import PARTS, ReportText, read_report_lines
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.mining.label_corpus import Labelling, Reader, label_lines, rules_named
from ccf_pipeline.mining.label_files import json_line
from ccf_pipeline.reader.facts import is_asserted
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Study
from ccf_pipeline.settings import CorpusSettings

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("CCF_BENCH_DATA", HERE.parents[1] / "shared" / "data"))
RANK = {"present": 3, "uncertain": 2, "absent": 1}
FINDINGS = [finding for finding in FINDING_LABELS if finding not in (NO_FINDING, SUPPORT_DEVICES)]
PLACES_AT_MOST = 2
REGIONS = {"upper_lobe", "middle_lobe", "lower_lobe", "apex", "hilum", "retrocardiac"}
# Rad-ReStruct codes three degrees; radiologists have more words.
GRADES = {
    "mild": {"mild", "small", "slight", "minimal", "trace", "tiny"},
    "moderate": {"moderate", "mild to moderate", "moderate to large"},
    "severe": {"severe", "large", "marked", "extensive", "massive"},
}


def main(studies: int) -> None:
    graph = load_graph()
    with tempfile.TemporaryDirectory(prefix="ccf-bench-") as folder:
        measure_demo(Path(folder), studies, graph)
        if not DATA.is_dir():
            print(f"\n{DATA} is not there: Open-i, hard sentences and attributes are skipped.")
            return
        measure_shared(Path(folder), graph)
    measure_attributes(graph)


# --- speed ----------------------------------------------------------------------------------


def reports_per_second(texts: list[str], graph: ConceptGraph) -> float:
    """Distinct reports per CPU second of one process, all concepts and labels; best of seven cold runs."""
    distinct = list(dict.fromkeys(texts))
    best = 0.0
    for _ in range(7):
        reader = Reader.of(graph)
        began = time.process_time()
        for text in distinct:
            reader.read(text)
        best = max(best, len(distinct) / (time.process_time() - began))
    return best


# --- the demo corpus ------------------------------------------------------------------------


def measure_demo(folder: Path, studies: int, graph: ConceptGraph) -> None:
    corpus = folder / "demo"
    write_demo_corpus(corpus, studies=studies, seed=7, as_zip=True, images=False)
    found = read_corpus(CorpusSettings(kind="demo", path=corpus))
    texts = {study.study_id: study.text for study in found if isinstance(study, Study)}
    print(f"demo corpus, {studies} studies, {len(set(texts.values()))} distinct reports")
    print(f"  reports per CPU second   {reports_per_second(list(texts.values()), graph):,.0f}")
    print("  findings, agreement with what the corpus was made from:")
    hits, read, true = agreement(corpus / "truth.jsonl.gz", texts, Reader.of(graph))
    for polarity in RANK:
        precision, recall = hits[polarity] / read[polarity], hits[polarity] / true[polarity]
        print(f"    {polarity:10} precision {precision:.3f}  recall {recall:.3f}  n {true[polarity]}")


def agreement(
    truth: Path, texts: dict[str, str], reader: Reader
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Findings by polarity: right, read, and true; what only follows from a normal state is not counted."""
    hits: Counter[str] = Counter()
    read: Counter[str] = Counter()
    true: Counter[str] = Counter()
    with gzip.open(truth, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["study_id"] not in texts:
                continue
            meant = strongest((fact["concept"], fact["polarity"]) for fact in row["truth"])
            said = strongest(
                (mention.concept, mention.polarity)
                for mention in reader.read(texts[row["study_id"]]).mentions
                if mention.temporality != "prior" and (mention.implied_by is None or mention.concept in meant)
            )
            true.update(meant.values())
            read.update(said.values())
            hits.update(polarity for finding, polarity in said.items() if meant.get(finding) == polarity)
    return hits, read, true


def strongest(said: Iterator[tuple[str, str]]) -> dict[str, str]:
    best: dict[str, str] = {}
    for concept, polarity in said:
        if concept in FINDINGS and RANK[polarity] > RANK.get(best.get(concept, ""), 0):
            best[concept] = polarity
    return best


# --- the shared sets ------------------------------------------------------------------------


def measure_shared(folder: Path, graph: ConceptGraph) -> None:
    reports = list(read_report_lines(DATA / "openi" / "reports_train.jsonl"))
    openi = folder / "openi.jsonl"
    predict(reports, openi, graph)
    score("openi/score.py", openi, "--json", folder / "openi.json")
    by_finding = json.loads((folder / "openi.json").read_text("utf-8"))
    texts = [report.text for report in reports if isinstance(report, ReportText)]

    def f1(name: str) -> float:
        return float(by_finding[name]["U_neg"][2])

    pitfalls, negex = DATA / "pitfalls" / "pitfalls.jsonl", DATA / "pitfalls" / "negex_cxr_subset.jsonl"
    predict(sentences(pitfalls), folder / "pitfalls.jsonl", graph)
    predict(sentences(negex), folder / "negex.jsonl", graph, "negex")
    hard = number(
        r"= ([\d.]+) \(strict", score("pitfalls/score_pitfalls.py", pitfalls, folder / "pitfalls.jsonl")
    )
    denied = number(r"accuracy ([\d.]+)", score("pitfalls/score_mentions.py", negex, folder / "negex.jsonl"))
    attributes = score_attribute_cases(folder, graph)
    speed = reports_per_second(texts, graph)
    rows = [
        ("Open-i, 13 findings, micro F1", ".859", 0.92, f1("MICRO (without No Finding)")),
        ("Open-i, 13 findings, macro F1", ".787", 0.86, f1("MACRO (without No Finding)")),
        ("Open-i, No Finding F1", ".879", 0.90, f1("No Finding")),
        ("Open-i, enlarged cardiomediastinum F1", ".164", 0.50, f1("Enlarged Cardiomediastinum")),
        ("Open-i, pneumonia F1", ".598", 0.75, f1("Pneumonia")),
        ("hard sentences, pairs right", ".713", 0.95, hard),
        ("NegEx chest subset, accuracy", ".961", 0.96, denied),
        *attributes,
        ("distinct reports per CPU second", "967", 8000, speed),
    ]
    print(f"\n{'measure':42}{'anchor':>8}{'must reach':>12}{'measured':>10}")
    for name, anchor, bar, measured in rows:
        told = f"{measured:,.0f}" if measured > 1 else f"{measured:.3f}"
        fine = measured <= bar if name.endswith("firings") else measured >= bar
        print(f"{name:42}{anchor:>8}{bar:>12,}{told:>10}{'' if fine else '  below'}")


def predict(reports: Any, out: Path, graph: ConceptGraph, rules: str = "chexpert") -> None:
    with out.open("w", encoding="utf-8") as file:
        label_lines(
            reports, Labelling(graph, rules_named(rules)), lambda read: file.writelines(map(json_line, read))
        )


def sentences(path: Path) -> Iterator[ReportText]:
    """Each sentence once, under the id that the scorer joins on."""
    for row in rows_of(path):
        yield ReportText(row.get("id") or row["report_id"], row["text"])


def score_attribute_cases(folder: Path, graph: ConceptGraph) -> list[tuple[str, str, float, float]]:
    cases = DATA / "attributes" / "attributes_dev.jsonl"
    predict(sentences(cases), folder / "cases.jsonl", graph)
    said = score("attributes/score_attributes.py", cases, folder / "cases.jsonl", "--json")
    total = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    bars = {"side": 0.92, "region": 0.90, "severity": 0.85, "temporality": 0.85}
    fields = [(f"… {name}", "–", bar, ratio(*total["fields"][name])) for name, bar in bars.items()]
    return [
        ("attribute cases, polarity", ".585", 0.92, total["polarity"]),
        ("attribute cases, forbidden firings", ".10", 0.02, ratio(total["forbidden"], total["forbidden_n"])),
        *fields,
    ]


def score(scorer: str, *arguments: Path | str) -> str:
    command = [sys.executable, str(DATA / scorer), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"a scorer no longer prints {pattern}")
    return float(match.group(1))


def ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


# --- coded attributes -----------------------------------------------------------------------


def measure_attributes(graph: ConceptGraph) -> None:
    """Recall of Rad-ReStruct's coded items: found at all, and then place and degree where they are coded."""
    plan = yaml.safe_load((HERE / "radrestruct.yaml").read_text("utf-8"))
    reader = Reader.of(graph)
    texts = {row["report_id"]: row for row in rows_of(DATA / "openi" / "reports_train.jsonl")}
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    left_out = 0
    for row in rows_of(DATA / "openi" / "attributes_train.jsonl"):
        parts = (texts[row["report_id"]][part] for part in PARTS)
        mentions = reader.read("\n".join(part for part in parts if part)).mentions
        for item in row["items"]:
            rules = [rule for rule in plan["items"] if applies(rule, item)]
            left_out += not rules
            for rule in rules:
                judge(item, rule, mentions, graph, found[name_of(rule)])
    total = sum(found.values(), Counter[str]())
    print(
        f"\nOpen-i, {total['n']} coded items (Rad-ReStruct); recall, then place and degree of what was found"
    )
    for name, counts in sorted(found.items(), key=lambda entry: -entry[1]["n"]):
        print_recall(name, counts)
    print_recall("all", total)
    print(
        f"{left_out} items are left out, for the graph has no concept for them or the code says too little:"
    )
    for what, why in plan["left_out"].items():
        print(f"  {what}: {why}")


def applies(rule: dict[str, Any], item: dict[str, Any]) -> bool:
    coded = item.get("info", {})
    return item["path"].endswith(rule["path"]) and all(
        any(value in one for one in coded.get(key, ())) for key, value in rule.get("info", {}).items()
    )


def name_of(rule: dict[str, Any]) -> str:
    return " ".join((rule["path"].rpartition("/")[2], *rule.get("info", {}).values()))


def judge(
    item: dict[str, Any],
    rule: dict[str, Any],
    mentions: tuple[Mention, ...],
    graph: ConceptGraph,
    counts: Counter[str],
) -> None:
    fitting = [
        mention
        for mention in mentions
        if mention.concept in rule["any_of"] and (is_asserted(mention) or mention.polarity == "uncertain")
    ]
    counts["n"] += 1
    counts["found"] += bool(fitting)
    coded = item.get("info", {})
    for side, region in places_of(item) if fitting else ():
        counts["places"] += 1
        counts["placed"] += any(fits(mention, side, region, graph) for mention in fitting)
    for degree in coded.get("degree", ()) if fitting else ():
        if degree in GRADES:
            counts["degrees"] += 1
            counts["graded"] += any(mention.severity in GRADES[degree] for mention in fitting)


def places_of(item: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """The coded places as side and region; none of more than two: diffuse disease has every lobe coded."""
    coded = item.get("info", {})
    words = {*coded.get("body_region", ()), *coded.get("localization", ())}
    places = [place for word in sorted(words) if (place := placed(word)) != (None, None)]
    return places if len(places) <= PLACES_AT_MOST else []


def placed(word: str) -> tuple[str | None, str | None]:
    """A coded place as side and region, each None where it says none that the graph has."""
    side = next((side for side in ("left", "right", "bilateral") if word.startswith(side)), None)
    region = word.removeprefix(side or "").strip().replace(" ", "_")
    return side, region if region in REGIONS else None


def fits(mention: Mention, side: str | None, region: str | None, graph: ConceptGraph) -> bool:
    """Whether a mention says a place that meets the coded one; a mention without a place does not."""
    if (
        side is not None
        and mention.side not in (side, "bilateral")
        and not (side == "bilateral" and mention.side)
    ):
        return False
    if region is None:
        return True
    return mention.region is not None and graph.overlaps((None, mention.region), (None, region))


def print_recall(name: str, counts: Counter[str]) -> None:
    recall = counts["found"] / counts["n"]
    place, degree = share(counts["placed"], counts["places"]), share(counts["graded"], counts["degrees"])
    print(f"  {name[:44]:46}{counts['n']:5}  {recall:.3f}   place {place:14} degree {degree}")


def share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} of {whole}" if whole else "–"


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
