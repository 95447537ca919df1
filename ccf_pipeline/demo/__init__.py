"""Invented chest X-ray studies in the shape of MIMIC-CXR: reports, tables, images and what is true of them.

No line comes from a real report. Labels, sections, sides and views follow the published counts
(`figures.py`), and each study depends on the seed and its number only, so any slice can be made alone.

    generate_studies(100, seed=7)                 studies as values, nothing written
    write_demo_corpus(Path("demo"), studies=100)  the tree on disk, ground truth in truth.jsonl.gz
    PLANTED_RELATIONS                             what a miner of concept relations should find again

A study is made in this order: `patients.py` who comes, `cases.py` what is true, `sentences.py` how it is
said (words in `phrases.py` and `backdrop.py`), `report.py` how it is laid out; `tables.py`, `images.py` and
`corpus.py` write it down. What goes with what is in `signs.py`.

Measured on one core with seed 7: 6,100 studies a second as values, 3,400 with reports and tables on disk,
and 13 ms for each image. 1,000 studies hold 3,842 distinct sentences, 10,000 hold 23,800; of the sentences
that are not stock normals or denials, 62 % are distinct among 1,000 studies.
"""

from ccf_pipeline.demo.corpus import DemoCorpus, write_demo_corpus
from ccf_pipeline.demo.signs import PLANTED_RELATIONS, follows_from_planted
from ccf_pipeline.demo.statements import TruthStatement
from ccf_pipeline.demo.studies import DemoStudy, generate_studies

__all__ = [
    "PLANTED_RELATIONS",
    "DemoCorpus",
    "DemoStudy",
    "TruthStatement",
    "follows_from_planted",
    "generate_studies",
    "write_demo_corpus",
]
