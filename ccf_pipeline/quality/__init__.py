"""Is it any good? Figures over a finished data set, its gates, and the page that shows them.

Everything here takes values and gives values: measure_build.py reads the build and writes the files.

figures.py     what is measured, as quality.json holds it      rates.py       shares with their intervals
tally.py       what one pass over all rows counts              sampling.py    seeded samples of rows
flips.py       did the finding change, and no other            wording.py     what was written into reports
duplicates.py  rows that say the same                          leakage.py     answers and names given away
artefacts.py   can one tell the sides apart by the words       masking.py     texts without their findings
measuring.py   all of it put together                          gates.py       what is good enough
tables.py      figures as rows for screens and cards           page.py        report.html
"""
