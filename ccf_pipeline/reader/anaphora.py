"""Find the clauses of a sentence that only continue what was said before: "It measures 9 mm."

Only the grammar of one sentence is looked at; antecedents.py finds what each clause continues. A clause is
one of these if its subject is a pronoun or a noun that points back, if it has no subject of its own, or if
it advises, tells of a call, or makes an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal[
    "reference", "size", "cause", "change", "visibility", "device", "part", "relation",
    "advice", "communication", "exception",
]  # fmt: skip
"""What a clause tells of the thing that it continues."""


class Anaphor(NamedTuple):
    """A clause that continues something: its place in the sentence, and how it points back.

    `noun` is where the noun of "this opacity" stands, `is_generic` says that it stands for any finding
    ("these findings"), `is_plural` that more than one is meant. `points` is false where only the sense of
    the clause, and no word of it, points back: advice, a call, an exception. `is_weak` says that it may be
    a statement of its own ("likely atelectasis"), `is_named` that its noun points back by itself.
    """

    start: int
    end: int
    kind: Kind
    noun: tuple[int, int] | None = None
    is_generic: bool = False
    is_plural: bool = False
    points: bool = True
    is_weak: bool = False
    is_named: bool = False


@lru_cache(maxsize=50_000)
def find_anaphors(sentence: str) -> tuple[Anaphor, ...]:
    """Return the clauses of a sentence that continue what was said before it, in order."""
    return tuple(_find(sentence))


def _find(sentence: str) -> Iterator[Anaphor]:
    may_remark = any(map(_hints_at_remark, sentence.split()))
    for begin, end in _split_clauses(sentence):
        start = _LEAD.match(sentence, begin, end).end()  # type: ignore[union-attr]  # it may match nothing
        remark = _find_remark(sentence, start, end) if may_remark else None
        found = remark or (
            _CONTINUES.match(sentence, start, end) and _find_continuation(sentence, start, end)
        )
        if found is not None:
            yield found._replace(start=begin)


def _split_clauses(sentence: str) -> Iterator[tuple[int, int]]:
    """Where the parts of a sentence that could stand alone begin and end; list number and title left out."""
    opening = _NUMBER_AND_TITLE.match(sentence)
    begin = opening.end() if opening else 0
    for joint in _JOINT.finditer(sentence, begin):
        yield begin, joint.start()
        begin = joint.end()
    yield begin, len(sentence)


# --- what the sense alone ties to something ---------------------------------------------------------


@lru_cache(maxsize=20_000)
def _hints_at_remark(word: str) -> bool:
    """True if a communication, an advice or an exception may have this word; each has such a word."""
    return _HINT_OF_REMARK.search(word) is not None


def _find_remark(sentence: str, start: int, end: int) -> Anaphor | None:
    kind = _find_kind_of_remark(sentence, start, end)
    if kind is None:
        return None
    subject = _find_pointing_subject(sentence, start, end)
    if subject is not None and kind != "exception":
        return subject._replace(kind=kind)
    inside = _POINTS_INSIDE.search(sentence, start, end) if kind != "exception" else None
    if inside is None:
        return Anaphor(start, end, kind, points=False)
    is_generic = _GENERIC.fullmatch(inside["noun"] or "") is not None
    noun = inside.span("noun") if inside["noun"] and not is_generic else None
    return Anaphor(start, end, kind, noun, is_generic, inside["word"].lower() in _PLURALS)


def _find_kind_of_remark(sentence: str, start: int, end: int) -> Kind | None:
    if _COMMUNICATION.search(sentence, start, end):
        return "communication"
    if _is_advice(sentence, start, end):
        return "advice"
    return "exception" if _EXCEPTION.search(sentence, start, end) else None


def _is_advice(sentence: str, start: int, end: int) -> bool:
    """True if a clause advises something to be done, or not to be done."""
    advises = _ADVICE_ALONE.search(sentence, start, end) or (
        _ADVISES.search(sentence, start, end) and _ADVISED.search(sentence, start, end)
    )
    return bool(advises) and not _NO_ADVICE.search(sentence, start, end)


# --- what its subject ties to something ---------------------------------------------------------------


def _find_continuation(sentence: str, start: int, end: int) -> Anaphor | None:
    subject = _find_pointing_subject(sentence, start, end)
    if subject is not None:
        return subject
    if _RELATION.match(sentence, start, end):
        return Anaphor(start, end, "relation")
    for kind, pattern in _FRAGMENTS:
        if pattern.match(sentence, start, end):
            return Anaphor(start, end, kind)
    if _HEDGED.match(sentence, start, end):
        return Anaphor(start, end, "cause", is_weak=True)
    return Anaphor(start, end, "reference", is_generic=True) if _POINTER.match(sentence, start, end) else None


def _find_pointing_subject(sentence: str, start: int, end: int) -> Anaphor | None:
    """The clause as one whose subject points back; None if it has a subject of its own."""
    if _EXPLETIVE.match(sentence, start, end):
        return None
    pronoun = _PRONOUN.match(sentence, start, end)
    if pronoun:
        kind = _find_kind_of_predicate(sentence, pronoun.end(), end)
        return Anaphor(start, end, kind, is_plural=pronoun["word"].split()[0].lower().strip(",") in _PLURALS)
    phrase = _NOUN_PHRASE.match(sentence, start, end)
    if phrase and not _OTHER.fullmatch(phrase["noun"]):
        is_generic = _GENERIC.fullmatch(phrase["noun"]) is not None
        is_plural = phrase["word"].lower() in _PLURALS or phrase["noun"].endswith("s")
        noun = None if is_generic else phrase.span("noun")
        kind = _find_kind_of_predicate(sentence, phrase.end(), end)
        return Anaphor(start, end, kind, noun, is_generic, is_plural)
    named = _NAMED.match(sentence, start, end)
    if named:
        kind = _find_kind_of_predicate(sentence, named.end(), end)
        return Anaphor(start, end, kind, named.span("noun"), is_named=True)
    findings = _FINDINGS.match(sentence, start, end)
    if findings:
        kind = _find_kind_of_predicate(sentence, findings.end(), end)
        return Anaphor(start, end, kind, is_generic=True, is_plural=True)
    share = _SHARE.match(sentence, start, end) or _POSSESSIVE.match(sentence, start, end)
    if share:
        return Anaphor(start, end, _find_kind_of_predicate(sentence, share.end(), end), is_plural=True)
    return None


def _find_kind_of_predicate(sentence: str, start: int, end: int) -> Kind:
    return next((kind for kind, pattern in _PREDICATES if pattern.search(sentence, start, end)), "reference")


# --- words -----------------------------------------------------------------------------------------


def _compile_words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of whole words."""
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE | re.VERBOSE)


def _compile_opening(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of words that something has to follow."""
    return re.compile(rf"(?<![\w-])(?:{pattern})", re.IGNORECASE | re.VERBOSE)


_NUMBER_AND_TITLE = re.compile(r"\s*(?:\(?\d{1,2}[.)]\s*)?(?:[A-Z][A-Za-z ,&/]{2,40}:\s+)?")
# It begins with one of a set of characters, which lets the search skip the others.
_JOINT = re.compile(
    r"""[;,\s](?:(?<=;)\s+
        |(?<=,)(?<!otherwise,)\s+(?:and|but|although|though|however|while|whereas),?\s+
        |(?<=,)\s+(?=(?:which|otherwise|recommend\w*|consider|correlat\w+|suggest|follow-?\s?up)\b)
        |(?<=\s)\s*(?:[–—-]{1,2}\s+|(?:but|although)\s+(?=(?:this|these|it|they|there|no)\s)
            |and\s+(?=(?:this|these|it|they)\s)))""",
    re.IGNORECASE | re.VERBOSE,
)
# What may stand before the subject: "Again, on the lateral view, this …".
_LEAD = re.compile(
    r"""(?:(?:however|again|also|overall|earlier|previously|initially|originally|formerly|yesterday|additionally|in\saddition|therefore|thus|hence|furthermore
        |moreover|likewise|instead|and|but|incidentally|interestingly|finally|lastly|secondly|similarly|alternatively
        |accordingly|consequently|subsequently|currently|presently|notably|importantly|specifically
        |unfortunately),?\s+(?![,.])
        |(?:while|although|though|since|as|because|if)\s+(?=(?:this|it|these|they)\s)
        |(?:on|in|at|from|given|with|for|since|when|as|although|while|compared|if|due\sto|based\son
        |clinically)\b(?!\s(?:this|it|these|they)\s)[^,;]{0,70},\s+
        |on\s[^,;]{0,40}?(?:view|film|radiograph|projection)\s+(?=(?:it|its|this|these|they)\s))*""",
    re.IGNORECASE | re.VERBOSE,
)
_VERB = r"""(?:is|are|was|were|be|has|have|had|may|might|could|can|cannot|would|should|will|does|do|did
        |likely|probably|possibly|most|least|appear|seem|remain|represent|measure|show|suggest|reflect
        |extend|contain|obscure|project|involve|correspond|cause|produce|persist|became|favou?r|indicate
        |make|limit|lie|abut|overlie|raise|warrant|require|need|merit|deserve|not|[a-z]{3,}ed|X{4}|_{3})"""
# The verb of one thing ends in -s, and so do the nouns of many: "this measures", "these nodules".
_VERB_OF_ONE = (
    rf"""(?:{_VERB}|[a-z]{{3,}}(?<![su])s(?!\s+(?:is|are|was|were|may|might|could|has|have|do|does)\b))"""
)
_AUXILIARY = r"""(?:is|are|was|were|be|has|have|had|may|might|could|can|would|should|will|does|do|did|likely
        |most|not|in|of|at|on)"""
_ADVERBS = r"""(?:(?:also|again|now|still|however|all|both|each|together|overall|in\sturn|as\swell|perhaps
        |[a-z]+ly)\s+)*"""
_PLURALS = frozenset({"these", "they", "those", "both", "each", "their", "them", "either"})

_PRONOUN = _compile_opening(
    rf"""(?P<word>(?:it|this|that|which|the\s(?:former|latter)),?\s+(?={_ADVERBS}{_VERB_OF_ONE}(?!\S))
        |(?:these|they|those|both|each|either),?\s+(?={_ADVERBS}{_VERB}(?!\S)))"""
)
# "It is difficult to …" has no subject of its own, nor has it one that was named before.
_EXPLETIVE = _compile_words(
    r"""it\s(?:is|was|would\sbe|may\sbe|should\sbe|must\sbe|remains)\s(?:\w+ly\s|not\s|also\s
        |very\s)*(?:difficult|hard|possible|impossible|unclear|uncertain|noted|recommended|suggested
        |advised|important|unknown|necessary|likely\sthat|possible\sthat|imperative|reasonable|mentioned
        |conceivable|noteworthy)(?!\s(?:to\s(?:assess|evaluate|see|exclude|tell|say|measure
        |characteri[sz]e|quantify)\s*(?:on|with|given|due|because|by|from|in|[.,;]|\Z)))"""
)
_NOUN_PHRASE = _compile_opening(
    rf"""(?P<word>this|these|those|that|such|said|the\s(?:above|aforementioned|former|latter
        |previously\sdescribed|above[- ]described|same))
        (?:\s+(?!{_VERB}(?!\S))[^\s,.;:]+){{0,4}}?\s+(?!{_AUXILIARY}(?!\S))(?P<noun>[a-z_-]+)
        (?=\s+{_ADVERBS}(?:is|are|was|were|be|has|have|had|may|might|could|can|would|should|will|does|do|did|likely|most
        |appears?|seems?|remains?|measur\w+|represents?|suggests?|reflects?|[a-z]{{3,}}(?<!s)s
        |[a-z]{{3,}}ed|in|of|at|on|within|along|over|overlying|near|to|not)(?!\S)|[.,;]|\s*\Z)"""
)
# "The nodule" is the one that was told before, "the left apical nodule" need not be.
_NAMED = _compile_opening(
    rf"""the\s(?P<noun>lesions?|nodules?|mass(?:es)?|opacit(?:y|ies)|densit(?:y|ies)|effusions?
        |pneumothora(?:x|ces)|consolidations?|infiltrates?|collections?|fractures?|thickening
        |lucenc(?:y|ies)|atelectasis|catheter|tube|line)\s+(?={_ADVERBS}{_VERB_OF_ONE}(?!\S))"""
)
_FINDINGS = _compile_opening(
    r"""(?:the\s|all\s|overall\s|combination\sof\s|constellation\sof\s|above\s)*(?:findings?
        |appearances?|constellation|abnormalit(?:y|ies))(?=\s+(?:of\s(?:this|these)\b|(?:is|are|was|were
        |has|have|may|might|could|would|can|most|likely|probably|suggests?|suggesting|suggestive
        |favou?rs?|consistent|compatible|concerning|worrisome|suspicious|represent\w*|reflect\w*
        |discussed|communicated|reported|called|conveyed|relayed|and\srecommendations)\b))"""
)
_SHARE = _compile_opening(
    r"""(?:the\s)?(?:largest|larger|smallest|smaller|biggest|bigger|dominant|most\sprominent|one|another
        |some|several|many|most|others?|all|each|two)(?:\sof\s(?:them|these|those|which
        |the\stwo))?(?:\sone)?\s+(?=(?:is|are|was|were|has|have|measur\w+|may|appears?|also|again
        |located|seen)\b)"""
)
_POSSESSIVE = _compile_opening(r"(?:its|their)\s+(?=[a-z])")
_POINTER = _compile_words(r"""
        (?:(?:otherwise\s)?as|see|findings|changes)\s+(?:(?:described|noted|mentioned|detailed|discussed
        |stated)\s+)?above""")
_POINTS_INSIDE = _compile_words(
    r"""(?:of|for|to|about|regarding|with|remove|reposition|withdraw|retract|advance|replace|evaluate|assess|characteri[sz]e|confirm|exclude|follow
        |describe|discussed|communicated)\s+(?:all\s)?(?:of\s)?(?:(?P<word>this|these|those|them
        |it)(?!\s+(?:exam|study|patient|time|report|examination
        |recommendation)\w*)(?:\s+(?P<noun>[a-z-]+))?)"""
)
_GENERIC = _compile_words(
    r"""findings?|abnormalit(?:y|ies)|changes?|appearances?|areas?|regions?|process(?:es)?|features?
        |patterns?|constellation|results?|configuration|observations?|irregularit(?:y|ies)|asymmetr(?:y
        |ies)|foc(?:us|i)|sites?|diagnos(?:is|es)|former|latter|conditions?|further|with|on|by|at|in"""
)
# Nouns of a "this …" that mean the film, the patient or the day, or a part of the chest that is always there.
_OTHER = _compile_words(
    r"""stud(?:y|ies)|exam(?:ination)?s?|films?|radiographs?|views?|images?|imaging|projections?
        |patients?|times?|dates?|days?|visits?|techniques?|institutions?|hospitals?|reports?
        |comparisons?|settings?|individuals?|reasons?|context|interval|position|level|age|limitations?
        |series|physicians?|providers?|recommendations?|inspirations?|contours?|point|portable|chest
        |lungs?|heart|person"""
)
_COMMUNICATION = _compile_words(
    r"""discussed\s(?:with|by|at|on|in|via|over|_|X)|(?:was|were|been|being|be|is
        |are)\s(?:\w+ly\s)?(?:discussed|notified|communicated|paged|phoned|telephoned|informed|conveyed
        |relayed|alerted|called\s(?:to|by|and|at|in|with|about)|reported\sto|reviewed\s+with|made\saware
        |given\sto|sent\sto)|(?:findings?|results?|recommendations?|dr\.?\s\S+|physician|team|clinician
        |provider|i|we)\s(?:\w+ly\s)?(?:discussed|notified|communicated|paged|phoned|telephoned|informed
        |conveyed|relayed|alerted|called\sto|reported\sto|reviewed\s+with)|(?:notified|paged|informed
        |communicated|telephoned|phoned|relayed|conveyed|called)\s(?:dr\b|the|to|by|at|with)|read-?back
        |telephone\sat|by\s(?:tele)?phone|critical\s(?:result|finding)"""
)
_EXCEPTION = _compile_words(
    r"""otherwise|remaining|remainder|rest\sof|elsewhere|(?:no|any|without|nor)\s(?:\w+\s)?(?:other
        |additional|further)(?!\s(?:evaluation|work|imaging|follow))"""
)
# Every match of `_COMMUNICATION`, `_EXCEPTION`, `_ADVISES` and `_ADVICE_ALONE` holds a word that begins so.
_HINT_OF_REMARK = re.compile(
    r"""\b(?:discussed|notified|communicated|paged|(?:tele)?phone|informed|conveyed|relayed|alerted|called
        |reported|reviewed|aware|given|sent|read-?back|back|critical|others?\b|otherwise|remaining|remainder
        |rest\b|elsewhere|additional|further|recommend|advis|suggest|warrant|indicated|need|require
        |encouraged|consider|helpful|useful|value|benefi|help|please|should|merit|deserve|characteri
        |evaluate|assess|clarify|confirm|exclude|differentiate|be\b|correlat|follow|attention)""",
    re.IGNORECASE | re.VERBOSE,
)
_TEST = r"""(?:X{4,}|_{3,}
        |ct|cta|mri|mr|pet\S*|tomogra\w+|ultrasound|sonogra\w+|echo\w*|bronchoscop\w+|biops\w+
        |radiograph\w*|x-?\s?rays?|films?|views?|series|imaging|stud(?:y|ies)|exam\w*|evaluat\w+
        |assess\w*|work-?up|characteri[sz]\w+|follow(?:ed|ing)?-?\s?(?:up)?|followup|correlat\w+
        |comparison|surveillance|monitor\w+|reposition\w*|advance\w*|retract\w*|withdr\w+|removal
        |replace\w*|thoracentesis|drain\w*|sampl\w+|treat\w+|diuresis|consult\w*|attention|clinical\w*
        |scan\w*|confirm\w*|referral|intervention|decompression|placement|therapy|investigat\w+
        |repeat\w*|obtained|performed)"""
_ADVISED = _compile_words(_TEST)
_ADVISES = _compile_words(
    rf"""recommend\w*|advis(?:e|es|ed|able)|suggested|suggest\s(?:a\s|an\s|the\s|short\s|further\s
        |clinical\s|repeat\s|dedicated\s)*{_TEST}|warrant\w*|indicated|needed|required|encouraged
        |consider|considered|helpful|useful|of\s(?:value|benefit|help)|beneficial|please|should
        |needs?\s(?:to|further|follow|additional)|requires?|merits?|deserves?|(?:could|can|may|might
        |would)\s(?:further\s|better\s|help\s(?:to\s)?|also\s)*(?:characteri[sz]e|evaluate|assess
        |clarify|confirm|exclude|differentiate)|(?:could|can|may|might|must
        |would)\s(?:\w+ly\s)?be\s(?:\w+ly\s)?(?:further\s)?(?:obtained|performed|ordered|repeated
        |\w*positioned|advanced|retracted|withdrawn|removed|followed|evaluated|characteri[sz]ed
        |confirmed|correlated|replaced|assessed|biopsied|drained|monitored)"""
)
_ADVICE_ALONE = _compile_words(
    r"""correlate(?!\sis)|correlation(?!\sis\s(?:seen|identified|noted|made))|(?:short|close|interval
        |routine|imaging|radiographic|continued)(?:-|\s)(?:term\s|interval\s)*follow-?\s?up
        |follow-?\s?up\s(?:to|in|with|after|chest|ct|radiograph\w*|imaging|until|exam\w*|films?|pa
        |views?)|attention\s(?:to\s\w+\s|at\s|on\s)+(?:follow-?\s?up|this|next)|further\s(?:evaluation|work-?up
        |characteri[sz]ation|imaging|assessment)\s(?:with|by)"""
)
_NO_ADVICE = _compile_words(
    r"""to\ssuggest|considering|no\s(?:discrete\s|definite\s)?correlate|compared\s(?:to
        |with)\s(?:the\s)?follow|on\s(?:the\s)?follow-?\s?up\s(?:exam|study|film)\w*\s(?:shows|from)"""
)

_MODAL = r"(?:may|might|could|can|would)\s(?:\w+ly\s|also\s|well\s)*"
_LINK = r"""(?:represent\w*|reflect\w*|suggest(?:s|ing|ive\sof)|indicates|indicating|indicative
        |consistent\s+with
        |compatible\s+with|in\skeeping\s+with|concerning\sfor|worrisome\sfor|suspicious\sfor
        |characteristic\sof|typical\s(?:of|for)|due\sto|secondary\sto|related\sto|attributable\sto
        |attributed\sto|caused\sby|corresponding\sto|the\sresult\sof|a\sresult\sof|from)"""
_HEDGE = r"""(?:(?:most|more|very)\s)?(?:likely|probably|possibly|presumably|perhaps|conceivably
        |suspected\sto|thought\sto|felt\sto|presumed\sto|favou?red\sto|favou?rs?)"""
_CHANGED = r"""(?:unchanged|changed|stable|similar|increased|increasing|decreased|decreasing|improved
        |improving|worsened|worsening|worse|better|progressed|progressing|larger|smaller|enlarging|persistent|new
        |resolv\w+|resolved|grown|more\s(?:prominent|conspicuous)|less\s(?:prominent|conspicuous))"""
_DEGREE = r"""(?:not|no|slightly|significantly|substantially|appreciably|markedly|mildly|minimally|grossly
        |relatively|essentially|somewhat|much|overall|interval|again|also)"""
_COMPARED = r"""(?:from|since|compared|as\scompared|relative|when|in\s(?:size|appearance|extent|comparison
        |the\sinterval|number|position)|over|to\s(?:the\s)?(?:prior|previous)|than|at\sleast)"""
_SEEN = r"""(?:seen|visuali[sz]ed|appreciated|demonstrated|evaluated|identified|delineated|defined
        |characteri[sz]ed|assessed)"""
_FRAGMENTS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("size", _compile_words(r"""
        (?:which\s)?measur(?:es|ing|ed)|(?:approximately|about|roughly|up\sto)?\s*\d+(?:\.\d+)?\s*(?:mm
        |cm)(?=\s*(?:in\b|[.,;]|\Z))""")),
    ("size", _compile_opening(r"""
        (?:the\s|its\s|their\s)?(?:(?:largest|greatest|maximal|maximum|longest|approximate|estimated|overall
        |transverse|vertical|apical|basal|lateral|subpulmonic)\s)*(?:dimensions?|diameters?|depth|thickness
        |width|length|size|component|extent)\s(?=(?:[^.;]|\.(?=\d))*\d\s*-?(?:mm|cm)(?!\w))""")),
    ("cause", _compile_words(rf"""
        {_MODAL}(?:{_LINK}|be\b(?!\s(?:obtained|helpful|useful|considered|performed)))
        |{_HEDGE}\s(?:\w+ly\s)?(?:to\s)?(?:be\s)?(?:{_LINK}|represent|reflect|be)|{_LINK}(?<!from)""")),
    ("cause", _compile_opening(r"""
        (?:the\s|primary\s|main\s|leading\s|other\s
        |top\s)*(?:differential(?:\sdiagnos[ie]s)?(?:\sconsiderations?)?|diagnostic\sconsiderations
        |considerations|etiolog(?:y|ies)|possibilities|(?:possible|potential)\scauses?)\s(?=(?:would
        |could|may|might|includes?|is|are|remains?|also|for)\b)""")),
    ("change", _compile_words(rf"""
        (?:{_DEGREE}\s)*{_CHANGED}(?=,?\s+{_COMPARED}\b|\s*[.;]|\s*\Z)
        |(?:{_DEGREE}\s)*(?:(?:more|less)\s(?:so|[a-z]+)|(?!other)[a-z]{{3,}}er)(?=\sthan\b)
        |(?:{_DEGREE}\s)*changes?(?=\sin\s(?:the\s)?(?:size|appearance|extent)\b)
        |previously(?=\s(?:(?:it\s|this\s)?measured|(?:seen|noted|described)\s(?:on|in|as|at)\b))|this\swas\spresent""")),
    ("visibility", _compile_words(rf"""
        (?:best|better|well|only|not|again|poorly|incompletely|barely)\s(?:well\s)?{_SEEN}|(?:seen
        |visible|appreciated)\s(?:best|better|only|on)|difficult\sto\s(?:assess|evaluate|see|exclude
        |tell|measure|characteri[sz]e|quantify)(?=\s(?:on|with|given|due|because|by|from|in)\b|[.,;]|\Z)""")),
    ("part", _compile_opening(r"""
        (?:the\s|all\s|both\s)?(?:tips?|distal\s(?:tip|end|aspect)|side\s?-?(?:port|hole)s?
        |lead\stips)\s(?!of\b|shunt)(?=\w)""")),
    ("reference", _compile_opening(r"""
        (?:the\s)?(?:margins?|borders?|edges|outline)\s(?=(?:is|are|appears?)\b)""")),
)  # fmt: skip
_HEDGED = _compile_opening(rf"{_HEDGE}\s(?=[a-z])")
_RELATION = _compile_opening(
    r"""(?:there\s(?:is|are)\s|an?\s|the\s|some\s|mild\s|minimal\s|small\s|moderate\s|probable\s
        |possible\s|likely\s)*(?:associated|underlying|superimposed|adjacent|accompanying|surrounding
        |concomitant|coexist(?:ing|ent))\s+(?!leads|wires|ekg|soft|bon|oss)(?=[a-z])"""
)
_PREDICATES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("device", _compile_words(r"""
        terminat\w+|tips?|coiled|kinked|looped|(?:advanced|retracted|repositioned|withdrawn)|(?:above
        |below|from)\sthe\scarina|(?:good|standard|appropriate|satisfactory|expected)\sposition
        |ends?\s(?:in|at)""")),
    ("size", _compile_words(r"""
        \d+(?:\.\d+)?\s*(?:[x×-]\s*\d+(?:\.\d+)?\s*)*-?\s*(?:mm|cm|millimet\w+|centimet\w+)|measur\w*
        |in\s(?:greatest\s|maximal\s)?(?:diameter|dimension)""")),
    ("cause", _compile_words(rf"""
        {_MODAL}(?:be|represent|reflect|indicate|relate)|{_LINK}(?<!from)|nonspecific|indeterminate
        |benign|malignan\w+|artifact\w*|(?:complication|sequelae?|consequence|result)(?=\sof)|iatrogenic|inflammatory|infectious|post-?surgical|likely|favou?r\w*""")),
    ("change", _compile_words(rf"""
        {_CHANGED}|increas\w+|decreas\w+|improv\w+|worse\w*|progress\w+|chang\w+|since|compar\w+|prior
        |previous\w*|persist\w*|chronic|acute""")),
    ("visibility", _compile_words(rf"difficult|hard\sto|{_SEEN}|obscured|visible")),
)  # fmt: skip
# One question instead of fourteen, for few clauses continue anything.
_CONTINUES = re.compile(
    re.sub(
        r"\(\?P<\w+>",
        "(?:",
        "|".join(
            pattern.pattern
            for pattern in (
                _PRONOUN, _NOUN_PHRASE, _NAMED, _FINDINGS, _SHARE, _POSSESSIVE, _RELATION, _HEDGED, _POINTER,
                *(pattern for _, pattern in _FRAGMENTS),
            )
        ),
    ),
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip
