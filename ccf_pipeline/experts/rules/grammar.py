"""Small English: articles, agreement, and the finish of a sentence."""

from __future__ import annotations

import re
from functools import lru_cache

COPULA = re.compile(
    r"\b(?:is|are|was|were|has been|have been|appears?|remains?|has|have)\b(?! to\b)", re.IGNORECASE
)
VERB = re.compile(
    COPULA.pattern
    + r"|\b(?:shows?|demonstrates?|reveals?|suggests?|projects?|terminates?|ends?|courses?|overl(?:ies|ie)"
    r"|obscures?|blunts?|reflects?|represents?|indicates?)\b",
    re.IGNORECASE,
)

# What de-identification leaves of a word.
BLANK = r"(?:X{3,}|_{2,})"

DENIED_OR_NORMAL = re.compile(
    r"\b(?:no|not|without|negative|normal|clear|free|unremarkable|intact)\b", re.IGNORECASE
)

# Words that state nothing by themselves: the frames of sentences.
FRAMES = frozenset(
    re.findall(
        r"\w+",
        """
        a an the there it this that is are was were has have been be and or nor no not without
        with within of in on at to for which also note made evidence sign signs finding findings
        present seen noted identified visible visualized appreciated detected demonstrated evident
        demonstrate demonstrates show shows reveal reveals convincing definite radiographic film side sided
        """,
    )
)
_WORD = re.compile(r"[a-z]+|\d+", re.IGNORECASE)

_SPACE_BEFORE = re.compile(r"\s+([,;.])")
_DOUBLED = re.compile(r"[,;](?=\s*[,;.])")
_ARTICLE = re.compile(r"\b([Aa])n? (?=([A-Za-z]+))")
# Letters whose names begin with a vowel: an NG tube, an SVC line, but a PICC, which is said as a word.
_SPELLED_WITH_VOWEL = re.compile(r"(?:ET|NG|OG|EKG|ECG|ICD|IJ|IABP|LV|RV|SVC|MR|LLL|RLL|RUL|RML|LUL)\b")
_SOUNDS_LIKE_CONSONANT = re.compile(r"(?:uni|uti|use|eu|one|once)", re.IGNORECASE)
_ORGAN = (
    r"(?:lungs?|airways?|pleura|pleural (?:spaces?|surfaces?)|heart|cardiac|cardiomediastin\w+|mediastin\w+"
    r"|hila|bones?|osseous structures?|skeleton|soft tissues?|chest wall|(?:upper )?abdomen|diaphragms?"
    r"|vasculature|lines|tubes|devices|support devices|hardware|other)"
)
_LABEL = re.compile(
    rf"(?:\(?\d{{1,2}}[.)]\s+)?(?:{_ORGAN}(?:(?:, | and |/| & |, and ){_ORGAN}){{0,3}}:\s+)?", re.IGNORECASE
)

_BEFORE_MODIFIER = re.compile(r"\s+(?:of|in|at|on|with|along|over|within|from|throughout|involving|,)\b|,")
_PLURAL_WITHOUT_S = frozenset({"hila", "bronchi", "vertebrae", "sulci"})
_SINGULAR_WITH_S = re.compile(r"(?:ss|is|us|ous)$")

_NUMBERS = {"is": "are", "was": "were", "has": "have", "appears": "appear", "remains": "remain"}
_SINGULAR = {plural: singular for singular, plural in _NUMBERS.items()}


def finish_sentence(text: str) -> str:
    """Single blanks, right articles and commas, a capital and a full stop."""
    text = _SPACE_BEFORE.sub(r"\1", " ".join(text.split()))
    text = _DOUBLED.sub("", text).strip(" ,;")
    if not text:
        return ""
    text = _ARTICLE.sub(_choose_article, text)
    if text[-1] not in ".?!":
        text += "."
    return text[0].upper() + text[1:]


def words_in(text: str) -> frozenset[str]:
    """Its words and numbers, in lower case."""
    return frozenset(word.lower() for word in _WORD.findall(text))


def lower_first(text: str) -> str:
    """The text as it stands inside a sentence; abbreviations keep their capitals."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]


def split_label(text: str) -> tuple[str, str]:
    """A list number or an organ's title that opens a sentence ("2. ", "Pleura: "), and the rest."""
    found = _LABEL.match(text)
    end = found.end() if found else 0
    return text[:end], text[end:]


def is_plural(phrase: str) -> bool:
    """True if a noun phrase takes "are"."""
    before = _BEFORE_MODIFIER.split(phrase, maxsplit=1)[0].lower()
    if " and " in before:
        return True
    head = [word for word in before.split() if not word.endswith("ly")]
    if not head:
        return False
    noun = head[-1]
    return noun in _PLURAL_WITHOUT_S or (noun.endswith("s") and not _SINGULAR_WITH_S.search(noun))


def agree(text: str, *, plural: bool) -> str:
    """The text with its first verb of being in the right number."""
    found = re.search(r"\b(?:is|are|was|were|has|have|appears?|remains?)\b", text, re.IGNORECASE)
    if found is None:
        return text
    verb = found[0].lower()
    wanted = _NUMBERS.get(verb, verb) if plural else _SINGULAR.get(verb, verb)
    return text[: found.start()] + _match_case(found[0], wanted) + text[found.end() :]


def _match_case(model: str, word: str) -> str:
    return word.capitalize() if model[0].isupper() else word


def _choose_article(found: re.Match[str]) -> str:
    word = found[2]
    if word.isupper() and len(word) > 1:
        vowel = _SPELLED_WITH_VOWEL.match(word) is not None
    else:
        vowel = word[0].lower() in "aeiou" and not _SOUNDS_LIKE_CONSONANT.match(word)
    return f"{found[1]}n " if vowel else f"{found[1]} "


# --- can a sentence stand alone ---------------------------------------------------------------------

# Words that want another behind them; a sentence that ends in one has lost it.
_OPENS = re.compile(
    r"(?:of|with|without|within|in|into|at|on|onto|to|by|for|from|over|along|about|near|behind|above|below|than"
    r"|as|and|or|nor|but|versus|vs|if|because|although|while|whereas|which|that|whose|who|the|an?|this|these|those"
    r"|its|their|no|any|some|both|either|neither|each|every|most|more|less|least|very|rather|quite|too|so"
    r"|is|are|was|were|be|been|being|has|have|had|may|might|could|can|would|should|will|must|does|do|did"
    r"|appears?|seems?|remains?|represent(?:s|ing)?|suggest(?:s|ing)?|reflect(?:s|ing)?|favou?r(?:s|ing)?"
    r"|indicates?|indicating|show(?:s|ing)?|demonstrates?|demonstrating|reveal(?:s|ing)?|obscures?|obscuring"
    r"|blunt(?:s|ing)?|measures?|measuring|contain(?:s|ing)?|involves?|involving|concerning|worrisome"
    r"|suspicious|consistent"
    r"|compatible|suggestive|indicative|due|secondary|related|small|large|mild|moderate|severe|minimal|marked"
    r"|slight|increasing|decreasing|likely|probably|possibly|presumably)",
    re.IGNORECASE,
)
# Words that want another before them: a finite verb of many, or a link between two things.
_CONTINUES = re.compile(
    r"(?:is|are|was|were|be|has|have|had|may|might|could|can|would|should|will|does|represents?|suggests?|reflects?"
    r"|indicates?|appears?|seems?|demonstrates?|shows?|obscures?|measures?|and|or|nor|but|than|whose|which"
    r"|consistent with|compatible with|in keeping with|due to|secondary to|related to|versus|vs|,)(?![\w'-])",
    re.IGNORECASE,
)
# A statement of a thing: "the aorta is tortuous". What is joined to it has to be a statement as well.
_THING = re.compile(r"(?:the|both|this|these|those|an?)\s", re.IGNORECASE)
_TURN = re.compile(r",?\s+(?:but|while|whereas|although|though)\s+", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:is|are|was|were|appears?|remains?)\s+(?:\w+ly\s+)?(?:\w+(?:ed|al|ous|ar|ent)|clear|free|intact|stable"
    r"|large|unchanged|within normal limits)(?:\s+in size)?,?\s+and\s+",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?:if|when|because|although|though|since|while|given|unless)\s", re.IGNORECASE)
# "Loculated.", "there is hypoinflated": a state of something that is named no more.
_ONLY_A_STATE = re.compile(r"(?:no |there (?:is|are) )?\w+(?:ed|ive|tic)\Z", re.IGNORECASE)
_PREDICATE = re.compile(
    r"\b(?:no|not|without|clear|normal|unremarkable|intact|stable|unchanged|\w+ed)\b", re.IGNORECASE
)


def is_whole(text: str) -> bool:
    """True if each sentence of a text can stand alone, as far as closed classes of words tell.

    A sentence that begins with a word that continues, or ends in one that opens, has lost its subject or its
    complement. Joined to a statement by "but", or by "and" behind its predicate, a thing needs a predicate of
    its own. Whoever cuts a sentence asks this of what is left, and leaves the sentence alone otherwise.
    """
    return all(_is_whole(sentence.rstrip(" .?!")) for sentence in _SENTENCE_END.split(text))


_SENTENCE_END = re.compile(r"(?<=[a-z)\]][.?!])\s+(?=[A-Z_(])")


@lru_cache(maxsize=10_000)
def _is_whole(sentence: str) -> bool:
    words = sentence.split()
    if not words or _CONTINUES.match(sentence) or _ONLY_A_STATE.match(sentence):
        return False
    if _OPENS.fullmatch(words[-1].strip(",;:")) or sentence.count("(") != sentence.count(")"):
        return False
    if re.search(r"\beither\b(?!.*\bor\b)|\bbetween\b(?!.*\band\b)", sentence, re.IGNORECASE):
        return False
    if _CONDITION.match(sentence) and "," not in sentence:
        return False
    turn = _TURN.search(sentence)
    if turn and VERB.search(sentence, 0, turn.start()) and _THING.match(sentence, turn.end()):
        return _has_predicate(sentence[turn.end() :])
    told = _TOLD.search(sentence)
    return not told or not _THING.match(sentence, told.end()) or _has_predicate(sentence[told.end() :])


def _has_predicate(words: str) -> bool:
    return VERB.search(words) is not None or _PREDICATE.search(words) is not None
