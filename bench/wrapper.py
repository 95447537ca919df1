"""Do the words around the reports tell the sides apart, in what is written for training?

Builds from the demo corpus, exports every config of pairs with every wrapper that is shipped, reads the
Parquet back, blots out the reports and the diagnoses on both sides, and asks the artefact test of
docs/quality.md about what is left: words and pairs of words, runs of characters, length and punctuation.
0.5 is chance; it is also what any test comes to where both sides of every pair are the same to the letter,
and then none is run. A full stop taken from every tenth rejected side shows that the test sees little things.

.venv/bin/python bench/wrapper.py [STUDIES] [--write]
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.masking import BLOT, wrapper_of
from ccf_pipeline.datasets.formats.select import has_mirror
from ccf_pipeline.datasets.wrapper import shipped_wrappers
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.export import export_config
from ccf_pipeline.files.arrow import read_nouns
from ccf_pipeline.quality.artefacts import Kind, Sides, measure_view
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings, MatchFloor

RESULTS = Path(__file__).parent / "results" / "wrapper.md"
KINDS: tuple[Kind, ...] = ("words", "characters", "shape")
HEADING = re.compile(r"^(?:FINDINGS|IMPRESSION):", re.MULTILINE)
BLOTS = re.compile(rf"{BLOT}(?: {BLOT})+")
SEED = 7
FLOOR: MatchFloor = "labels"


@dataclass
class Pairs:
    """What is left of both sides of many pairs, and whose they are."""

    chosen: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)

    def add(self, chosen: str, rejected: str, patient: str) -> None:
        self.chosen.append(chosen)
        self.rejected.append(rejected)
        self.patients.append(patient)

    def auc(self) -> str:
        """The area for each kind of feature; the wrapper passes with none above 0.52."""
        if self.differing() == 0:
            return " | ".join(["0.500"] * len(KINDS))
        found = [
            measure_view(Sides("wrapper", kind, self.chosen, self.rejected, self.patients), seed=SEED).auc
            for kind in KINDS
        ]
        return " | ".join("-" if auc is None else f"{auc:.3f}" for auc in found)

    def differing(self) -> int:
        return sum(one != other for one, other in zip(self.chosen, self.rejected, strict=True))

    def told(self, config: str, wrapper: str) -> str:
        return f"| {config} | `{wrapper}` | {len(self.patients)} | {self.differing()} | {self.auc()} |"


Reader = Callable[[list[dict[str, Any]], list[Record]], Pairs]


def main(studies: int, *, write: bool) -> None:
    begun = time.process_time()
    lines = ["| config | wrapper | pairs | that differ | words | characters | length and punctuation |"]
    lines.append("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_demo_corpus(folder / "corpus", studies=studies, seed=SEED)
        corpus = CorpusSettings(kind="demo", path=folder / "corpus")
        dataset = DatasetSettings(configs=("ccf",))
        walk.build(BuildSettings(out=folder / "build", corpus=corpus, dataset=dataset))
        for wrapper in shipped_wrappers():
            for config, read in READERS.items():
                rows, records = rows_of(folder, config, wrapper)
                pairs = read(rows, records)
                lines.append(pairs.told(f"`{config}`", wrapper))
                print(lines[-1], flush=True)
                if config == "trl_dpo":
                    planted = [cut_stop(text, n) for n, text in enumerate(pairs.rejected)]
                    lines.append(Pairs(pairs.chosen, planted, pairs.patients).told("planted", wrapper))
                    print(lines[-1], flush=True)
    print(f"CPU seconds {time.process_time() - begun:.0f}")
    if write:
        head = f"# The words around the reports\n\nWritten by `python bench/wrapper.py {studies} --write`.\n"
        RESULTS.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


def rows_of(folder: Path, config: str, wrapper: str) -> tuple[list[dict[str, Any]], list[Record]]:
    """The rows of a config as a training package finds them, and the records that have an image."""
    out = folder / f"{config}-{wrapper}"
    choices = {"wrapper": wrapper, "even": False, "same_diagnosis": True, "match": FLOOR}
    export_config(folder / "build", config, out, choices=choices)
    rows: list[dict[str, Any]] = []
    records: list[Record] = []
    for split in ("train", "validation", "test"):
        for path in sorted((out / "data" / config).glob(f"{split}-*")):
            told = [name for name in pq.read_schema(path).names if "images" not in name]
            rows += pq.read_table(path, columns=told).to_pylist()
        for path in sorted((folder / "build" / "dataset" / "data" / "ccf").glob(f"{split}-*")):
            records += [record for record in read_nouns(path, Record) if record.image_path is not None]
    in_mix = config in ("cpo_thinking", "cpo_mirror", "cpo_mixed", "trl_dpo", "llamafactory")
    return rows, [record for record in records if has_mirror(record, FLOOR)] if in_mix else records


# --- how each config shows its sides ------------------------------------------------------------


def thinking(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    return _beside(rows, records, lambda row: (row["messages"], row["rejected_messages"]))


def trl(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    """Every second row is the mirror of the one before: the same two answers turned round."""
    return _beside(
        rows[::2], records, lambda row: (row["prompt"] + row["chosen"], row["prompt"] + row["rejected"])
    )


def llamafactory(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    return _beside(
        rows[::2],
        records,
        lambda row: (row["messages"] + [row["chosen"]], row["messages"] + [row["rejected"]]),
    )


def perception(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    """One text on both sides: nothing is blotted out. Every row is a patient's of its own here."""
    pairs = Pairs()
    for number, row in enumerate(rows):
        chosen, rejected = (json.dumps(row[side]) for side in ("messages", "rejected_messages"))
        pairs.add(chosen, rejected, str(number))
    return pairs


def mixed(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    """The mirror rows are those of `cpo_mirror`, and counted there."""
    one = thinking([row for row in rows if row["cpo_source"] == "thinking"], records)
    other = perception([row for row in rows if row["cpo_source"] == "perception"], records)
    return Pairs(one.chosen + other.chosen, one.rejected + other.rejected, one.patients + other.patients)


def mirror(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    return _beside(rows, records, lambda row: (row["rejected_messages"], row["messages"]))


def cf_vlm(rows: list[dict[str, Any]], records: list[Record]) -> Pairs:
    """The factual text against each counterfactual one; there is no wrapper, only headings."""
    pairs = Pairs()
    studies = [list(group) for _, group in itertools.groupby(records, key=lambda record: record.study_id)]
    opened = [(study[0], _list_shown(study)) for study in studies]
    for row, (first, shown) in zip(rows, (one for one in opened if one[1]), strict=True):
        factual = blotted(row["orig_output"], first.chosen_text or first.factual_text)
        for sample, record in zip(row["cf_samples"], shown, strict=True):
            pairs.add(factual, blotted(sample["cf_text"], record.counterfactual_text), record.subject_id)
    return pairs


def _list_shown(study: list[Record]) -> list[Record]:
    """The counterfactuals whose own and matched film CF-VLM can open."""
    return [
        one for one in study if one.matched_image and not _is_dicom(one.image_path, one.matched_image.path)
    ]


def _is_dicom(*paths: str | None) -> bool:
    return any(path is not None and path.endswith(".dcm") for path in paths)


READERS: dict[str, Reader] = {
    "cpo_thinking": thinking,
    "cpo_mirror": mirror,
    "cpo_perception": perception,
    "cpo_mixed": mixed,
    "trl_dpo": trl,
    "llamafactory": llamafactory,
    "cf_vlm": cf_vlm,
}


def _beside(
    rows: list[dict[str, Any]],
    records: list[Record],
    sides: Callable[[dict[str, Any]], tuple[list[dict[str, str]], list[dict[str, str]]]],
) -> Pairs:
    pairs = Pairs()
    for row, record in zip(rows, records, strict=True):
        chosen, rejected = sides(row)
        pairs.add(
            conversation(chosen, record.chosen_text or record.factual_text),
            conversation(rejected, record.counterfactual_text),
            record.subject_id,
        )
    return pairs


def conversation(messages: list[dict[str, str]], report: str) -> str:
    """All that is said, with its roles; of the answer, only what stands around report and diagnosis."""
    *asked, answer = messages
    return json.dumps([*asked, {**answer, "content": blotted(answer["content"], report)}], ensure_ascii=False)


def blotted(answer: str, report: str) -> str:
    """An answer without the report, section by section, and without the diseases it names."""
    for body in bodies(report):
        assert body in answer, "an answer does not hold its report"
        answer = answer.replace(body, BLOT, 1)
    return BLOTS.sub(BLOT, wrapper_of(answer, BLOT))


def bodies(report: str) -> list[str]:
    """What stands below each heading, the longest first, so that none is looked for inside another."""
    return sorted((" ".join(part.split()) for part in HEADING.split(report) if part.strip()), key=len)[::-1]


def cut_stop(text: str, number: int) -> str:
    """The mistake that is planted: every tenth text has lost its last full stop."""
    head, stop, tail = text.rpartition(".")
    assert stop
    return text if number % 10 else head + tail


if __name__ == "__main__":
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    main(int(numbers[0]) if numbers else 1_200, write="--write" in sys.argv)
