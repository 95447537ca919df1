"""Nouns made without validation, for values that this code has made itself and makes by the million.

pydantic's own way around validation costs five times as much: it looks at every field. Here nothing is
looked at, so every field has to be given, defaults too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel

AnyNoun = TypeVar("AnyNoun", bound=BaseModel)

new_noun = object.__new__
# What pydantic keeps in a model: the slots are written directly, for a frozen model refuses attributes.
put_fields, put_fields_set, put_extra, put_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def unvalidated(kind: type[AnyNoun], fields: dict[str, Any]) -> AnyNoun:
    """A noun of all its fields, in the order of its class."""
    noun = new_noun(kind)
    put_fields(noun, fields)
    put_fields_set(noun, _fields_of(kind))
    put_extra(noun, None)
    put_private(noun, None)
    return noun


@lru_cache(maxsize=64)
def _fields_of(kind: type[BaseModel]) -> set[str]:
    """One set for all nouns of a kind: nobody changes it, for the nouns are frozen."""
    return set(kind.model_fields)
