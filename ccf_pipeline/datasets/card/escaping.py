"""Text from elsewhere, made safe to stand in Markdown: it can neither run, nor fetch, nor break a table."""

from __future__ import annotations

import html
import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*\[\]|#~])")
_SCHEME = re.compile(r"\b(https?|ftp|javascript|data)(:)", re.IGNORECASE)


def escaped(text: object) -> str:
    """One line that shows as it is: no tag, image, link, code or escape code is left in force."""
    line = " ".join(_strip_controls(str(text)).split())
    return _MARKDOWN.sub(r"\\\1", html.escape(line, quote=False))


def unlinked(text: object) -> str:
    """As `escaped`, and an address in it is no link either: for words that a stranger may have chosen."""
    return _SCHEME.sub(r"\1&#58;", escaped(text))


def table(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table; every cell is escaped."""
    lines = [header, tuple("---" for _ in header), *[tuple(map(unlinked, row)) for row in rows]]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _strip_controls(text: str) -> str:
    """Without what moves the cursor or turns the line around."""
    return "".join(" " if char in "\n\t\r" else char for char in text if char in "\n\t\r" or _is_shown(char))


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
