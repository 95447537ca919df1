"""Text that shows what it holds: nothing hides, turns lines round or moves a cursor."""

from __future__ import annotations

import re
import unicodedata

# Controls but for line feed and tab, what has no shape or orders directions, and halves of pairs.
_HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180e"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\U000e0000-\\U000e0fff]"
)
_PICTURES = 0x2400  # Unicode's pictures of the control characters: ␛ for escape


def made_visible(text: str) -> str:
    """The text with a picture or the number of every character that one would not see."""
    return _HIDDEN.sub(lambda found: _show_character(found[0]), unicodedata.normalize("NFC", text))


def _show_character(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(_PICTURES + number)
    return "\u2421" if number == 0x7F else f"\u27e8U+{number:04X}\u27e9"
