"""Read what others wrote: files that are files, and JSON, YAML or TOML that does not grow when it is read."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

MOST_LEVELS = 64
"""A graph has eight, a row of ours nine; a parser that calls itself runs out of stack at some hundred."""

MOST_ALIASES = 100
# So few brackets a parser that calls itself bears; to look at the shipped graph's events takes 44 ms.
_FEW_BRACKETS = 3_000
_BRACKET_OR_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|[\[\]{}]')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONG_KEY = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){{{MOST_LEVELS}}}""")
# Anchors and aliases, or what a sequence in a sequence in a sequence begins with.
_YAML_TO_LOOK_AT = re.compile(r"(?:^|[\s\[{,])[&*]\w|^[ \t]*(?:[-?:][ \t]+){8}|^ {128}", re.MULTILINE)


def open_file(path: Path) -> BufferedReader:
    """Open a file to read; raise `OSError` for a pipe, a socket or a device, which may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "a folder, a pipe, a socket or a device, not a file", str(path))
    return os.fdopen(descriptor, "rb")


def read_json(text: str) -> Any:
    """Return the value of a JSON text; raise `ValueError` where it lies too deep.

    Half of a letter, which an escape can write and no file can hold, becomes U+FFFD.
    """
    refuse_depth(text)
    value = json.loads(text)
    return _make_whole(value) if _SURROGATE.search(text) else value


def _make_whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_make_whole(item) for item in value]
    if isinstance(value, dict):
        return {_make_whole(name): _make_whole(item) for name, item in value.items()}
    return value


def refuse_depth(text: str) -> None:
    """Raise `ValueError` if brackets outside of quotes lie deeper than `MOST_LEVELS`."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return
    depth = 0
    for found in _BRACKET_OR_TEXT.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MOST_LEVELS:
            raise ValueError(f"its brackets lie more than {MOST_LEVELS} deep")


def refuse_deep_toml(text: str) -> None:
    """Raise `ValueError` if a TOML text has lists in lists or tables in tables beyond `MOST_LEVELS`.

    Its parser keeps every beginning of a dotted key: a key of 100,000 parts took six gigabytes.
    """
    refuse_depth(text)
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {MOST_LEVELS} parts")


def refuse_growing_yaml(text: str) -> None:
    """Raise `ValueError` if a YAML text nests deeper than `MOST_LEVELS` or multiplies itself by aliases.

    An alias inside what has a name of its own doubles with every level: nine lines of it fill any memory.
    """
    if text.count("[") + text.count("{") <= _FEW_BRACKETS and not _YAML_TO_LOOK_AT.search(text):
        return
    import yaml

    named: list[bool] = []
    aliases = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            named.append(event.anchor is not None)
            if len(named) > MOST_LEVELS:
                raise ValueError(f"its blocks lie more than {MOST_LEVELS} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            named.pop()
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if any(named) or aliases > MOST_ALIASES:
                raise ValueError("its aliases multiply what they name")
