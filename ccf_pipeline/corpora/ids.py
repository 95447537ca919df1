"""Ids as they were given: a spreadsheet may write 50414267 as 50414267.0, but not as 5.041E+07."""

from __future__ import annotations

import re

from ccf_pipeline.errors import UnreadableInput

_WHOLE = re.compile(r"(\d+)\.0*\Z")
_SCIENTIFIC = re.compile(r"(\d)(?:\.(\d+))?[eE]\+?(\d{1,2})\Z")


def exact_id(written: str, *, where: str) -> str:
    """The id without a spreadsheet's ".0"; refused where digits were rounded away and cannot be known."""
    written = written.replace("\0", "").strip()
    if written.isdigit():
        return written
    if match := _WHOLE.match(written):
        return match.group(1)
    if match := _SCIENTIFIC.match(written):
        digits, places = match.group(1) + (match.group(2) or ""), int(match.group(3)) + 1
        if len(digits) == places:
            return digits
        raise UnreadableInput(
            f"{where}: the id {written} was rounded by a spreadsheet, its digits are lost",
            hint="Take the file as it was published, or write its ids as text.",
        )
    return written
