"""The handlers of the cues, ConText's triggers: what each does to its scope. `cues.yaml` has their words."""

from __future__ import annotations

from collections.abc import Callable

from ccf_pipeline.reader.ellipsis import hold_side, restate, restate_elsewhere
from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.lists import join
from ccf_pipeline.reader.walk import Item, Reach, Walk


def open_denial(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what follows."""
    walk.reach = Reach("absent", mark.phrase, mark.role)
    walk.past = None


def deny(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what follows; "effusion: no" denies what stands before."""
    if i and walk.marks[i - 1].role == "colon" and not walk.something_ahead(i):
        deny_before(walk, i, mark)
    else:
        open_denial(walk, i, mark)


def exclude(walk: Walk, i: int, mark: Mark) -> None:
    """A verb of exclusion: "is excluded" and "this excludes" deny, "to exclude" only asks."""
    later = walk.next(i)
    if later is not None and later.phrase == "from":
        return
    group = walk.group_behind() if _is_passive(mark) else []
    if group:
        # "Neither edema nor pneumonia can be excluded" denies the verb.
        is_open = is_proposed(walk, i) or any(item.cue in _DENIES_THE_VERB for item in group)
        (doubt_before if is_open else deny_before)(walk, i, mark)
    elif i and walk.pieces.word(mark.start) in ("excludes", "rules", "eliminates"):
        open_denial(walk, i, mark)
    else:
        if _is_purpose_of_the_film(walk, i):
            walk.past = mark.phrase
        doubt_after(walk, i, mark)


def fail_to_exclude(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what cannot be excluded, before the verb or after it."""
    if walk.group_behind() and (_is_passive(mark) or not walk.something_ahead(i)):
        doubt_before(walk, i, mark)
    else:
        doubt_after(walk, i, mark)


_DENIES_THE_VERB = frozenset({"neither", "nor"})


def _is_passive(mark: Mark) -> bool:
    return mark.phrase.endswith(("ed", "ruled out"))


def hedge(walk: Walk, i: int, mark: Mark) -> None:
    """A noun of doubt: "the possibility of", "possibilities include", "is a concern"."""
    later = walk.next(i)
    lists = later is not None and (later.phrase == "include" or later.role == "colon")
    leads_on = later is not None and later.role in ("of", "verb", "maybe") and walk.something_ahead(i)
    if not lists and not leads_on and walk.group_behind() and _is_predicate(walk, i):
        doubt_before(walk, i, mark)
    elif lists or "differential" in mark.phrase:
        walk.trail.append("stop")
        walk.reach = Reach("uncertain", mark.phrase, "differential")
    else:
        doubt_after(walk, i, mark)


def _is_predicate(walk: Walk, i: int) -> bool:
    """True if a noun is said of what stands before it: "is a concern", "in the differential"."""
    before = next((m for m in reversed(walk.marks[:i]) if m.role not in ("determiner", "doubted")), None)
    return before is not None and before.role in ("verb", "maybe", "of")


def look_for(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what somebody looks for: "to evaluate", "sensitivity for"."""
    later = walk.next(i)
    asks = later is not None and later.phrase in ("for", "of", "to") and later.start - mark.end <= 3
    if mark.role == "purpose":
        led = any(
            (m.phrase == "to" or m.role == "proposed") and mark.start - m.end <= 3
            for m in walk.marks[max(0, i - 2) : i]
        )
        leads_on = later is not None and later.phrase in ("for", "that") and later.start - mark.end <= 3
        asks = led or leads_on
    if asks or mark.role == "looking_for":
        if _is_purpose_of_the_film(walk, i):
            walk.past = mark.phrase
        walk.trail.append("stop")
        walk.reach = Reach("uncertain", mark.phrase, "purpose")


def _is_purpose_of_the_film(walk: Walk, i: int) -> bool:
    """True if it is told why this film was taken: "obtained to evaluate for", "two views to assess"."""
    begin = walk.marks[i].start
    *words, last = ["", *(walk.pieces.word(at) for at in range(max(0, begin - 3), begin))]
    is_proposed = any(mark.role in ("proposed", "maybe") for mark in walk.marks[:i])
    return last in ("to", "for") and not is_proposed and not _TAKEN.isdisjoint(words)


_TAKEN = frozenset(
    ["obtained", "performed", "acquired", "taken", "ordered", "requested", "view", "views", "film", "films",
     "radiograph", "radiographs", "examination", "exam", "study"]
)  # fmt: skip


def open_removal(walk: Walk, i: int, mark: Mark) -> None:
    """Deny the devices that follow: they came out, unless that is only proposed."""
    if is_proposed(walk, i) or (i and walk.marks[i - 1].role == "partly"):
        walk.reach = None
        return
    walk.reach = Reach("absent", mark.phrase, "removal")


def open_resolution(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what follows: it is gone; not where that is only hoped for."""
    if walk.reach is not None and walk.reach.kind == "purpose":
        return
    walk.reach = Reach("absent", mark.phrase, "no", resolved=True)


def deny_seen(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what was not seen; "not appreciated" may be a doubt."""
    hardly = mark.temporality is None and mark.phrase.endswith(walk.lexicon.hardly_seen)
    if hardly and walk.conventions.not_appreciated == "uncertain":
        doubt_before(walk, i, mark)
    else:
        deny_before(walk, i, mark)


def deny_before(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what stands before; without any, what follows."""
    if mark.phrase == "none" and restate_elsewhere(walk, i, "absent"):
        return
    group = walk.group_behind(own_verb=_count_verbs(walk, i))
    joint = [earlier.role for earlier in walk.marks[max(0, i - 2) : i]]
    if not group and mark.role == "unseen" and joint == ["break", "verb"] and not walk.something_ahead(i):
        # "A nodule was described before but is not seen today."
        group = walk.group_behind(past_break=True)
    if not group and mark.phrase == "none":
        open_denial(walk, i, mark)
        name_again(walk, i, mark)
        walk.reach = None
        return
    if not group:
        open_denial(walk, i, mark)
        return
    for item in group:
        if walk.marks[item.mark].phrase.endswith("tip"):
            continue
        if item.polarity != "absent":
            item.polarity, item.cue = "absent", mark.phrase
        if mark.temporality == "resolved" or mark.role == "resolved":
            item.temporality = "resolved"
        assert_state(walk, item)
    walk.trail.append("stop")


def _count_verbs(walk: Walk, i: int) -> int:
    """Return how many verbs a cue brings; one behind "which" is said of what stands before that."""
    if walk.marks[i].role != "resolved":
        return 0
    return 2 if i and walk.marks[i - 1].role == "relative" else 1


def resolve_before(walk: Walk, i: int, mark: Mark) -> None:
    """Deny what stands before, which is gone; without any, deny what follows."""
    if i and walk.marks[i - 1].phrase in ("to", "until"):
        return
    if walk.reach is not None and walk.reach.kind in ("purpose", "conditional"):
        return
    if walk.portion:
        for item in walk.group_behind():
            item.temporality = "improved"
    elif walk.group_behind(own_verb=_count_verbs(walk, i)):
        deny_before(walk, i, mark)
    elif i and walk.marks[i - 1].phrase == "now" and not walk.something_ahead(i):
        # "There was edema on the last study, now resolved."
        walk.trail.pop()
        deny_before(walk, i, mark)
    else:
        open_resolution(walk, i, mark)


def remove_before(walk: Walk, i: int, mark: Mark) -> None:
    """The devices before came out, unless that is only proposed."""
    if is_proposed(walk, i):
        return
    for item in walk.group_behind() or walk.group_behind(past_break=True):
        if item.concept in walk.lexicon.devices:
            item.polarity, item.cue = "absent", mark.phrase


def keep_unchanged(walk: Walk, i: int, mark: Mark) -> None:
    """ "Neither the effusion nor the mass has changed" denies the change and not what did not change."""
    if i and walk.marks[i - 1].phrase in ("has", "have") and walk.trail[-1:] == ["verb"]:
        for item in walk.group_behind():
            if item.polarity == "absent" and item.temporality is None and not item.concept.startswith("nrm_"):
                item.polarity, item.temporality = "present", "unchanged"


def note_move(walk: Walk, i: int, mark: Mark) -> None:
    """A device that should be moved lies wrong, and is there."""
    if is_proposed(walk, i):
        misplace(walk, i, mark)
        if walk.reach is not None and not walk.reach.touched and walk.reach.polarity == "uncertain":
            walk.reach = None


def misplace(walk: Walk, i: int, mark: Mark) -> None:
    """The device named before lies where it should not."""
    last = walk.last_finding()
    if last is not None and last.concept in walk.lexicon.devices and last.polarity != "absent":
        polarity, cue = ("present", None) if mark.role == "moved" else walk.current()
        for malposition in walk.lexicon.contraries.values():
            walk.add(malposition, i, mark.start, mark.end, polarity, cue)


def doubt_after(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what follows."""
    walk.trail.append("stop")
    if walk.reach is not None and walk.reach.polarity == "absent" and not closed_since(walk):
        return
    walk.reach = Reach("uncertain", mark.phrase, "maybe")


def doubt_alternative(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what follows; "A or, alternatively, B" doubts both."""
    (doubt_both if _is_alternative(walk, i) else doubt_after)(walk, i, mark)


def doubt_before(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what stands before; without any, what follows."""
    group = walk.group_behind()
    if not group:
        doubt_after(walk, i, mark)
        return
    for item in group:
        item.polarity, item.cue = "uncertain", mark.phrase
    walk.trail.append("stop")


def doubt(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what follows in the clause; without any, what stands before."""
    previous = walk.marks[i - 1] if i else None
    is_said_of_it = previous is not None and previous.role in ("verb", "maybe") and mark.role == "doubted"
    later = walk.next(i)
    # "Atelectasis or, less likely, pneumonia".
    enclosed = (
        previous is not None
        and previous.role in ("comma", "or")
        and later is not None
        and later.role == "comma"
    )
    if enclosed and _is_alternative(walk, i):
        doubt_both(walk, i, mark)
    elif walk.something_ahead(i + 1 if enclosed else i) and not (is_said_of_it and walk.group_behind()):
        doubt_after(walk, i, mark)
    elif mark.phrase in _MODALS and walk.trail[-1:] == ["comma"]:
        return
    elif not is_about_a_device(walk, i):
        doubt_before(walk, i, mark)


def _is_alternative(walk: Walk, i: int) -> bool:
    """True for "A or, less likely, B"; then A is no more than possible."""
    return any(mark.role == "or" for mark in walk.marks[max(0, i - 2) : i])


def doubt_both(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt what stands before and what follows."""
    if walk.reach is None or walk.reach.polarity != "absent":
        for item in walk.group_behind():
            if item.polarity == "present":
                item.polarity, item.cue = "uncertain", mark.phrase
        walk.reach = Reach("uncertain", mark.phrase, "maybe")


def doubt_list(walk: Walk, i: int, mark: Mark) -> None:
    """Doubt all that is listed, or claimed under a condition."""
    walk.trail.append("stop")
    walk.reach = Reach("uncertain", mark.phrase, mark.role)


def doubt_either(walk: Walk, i: int, mark: Mark) -> None:
    """ "Either … or" doubts both; "either side" is a place."""
    if walk.or_ahead(i):
        doubt_after(walk, i, mark)


def doubt_apparent(walk: Walk, i: int, mark: Mark) -> None:
    """ "Apparent cardiomegaly" is doubted; "not apparent" is a perception."""
    if mark.phrase == "apparent" and walk.something_ahead(i):
        doubt_after(walk, i, mark)


def ask(walk: Walk, i: int, mark: Mark) -> None:
    """A question mark doubts what it stands before, else the clause it ends."""
    later = walk.next(i)
    if walk.something_ahead(i):
        doubt_after(walk, i, mark)
    elif (later and later.start == mark.end) or not walk.pieces.has_word(mark.end):
        doubt_before(walk, i, mark)


def assert_after(walk: Walk, i: int, mark: Mark) -> None:
    """Assert what follows, unless a cue is still looking for what it speaks of."""
    if _is_doubt(walk, mark):
        doubt(walk, i, mark)
        return
    # "shows no", "may be compatible with": the cue is still looking for what it speaks of.
    undecided = walk.reach is not None and not walk.reach.touched and walk.reach.kind != "purpose"
    if walk.reach is not None and (walk.reach.kind == "conditional" or undecided):
        walk.trail.append("stop")
    else:
        walk.end_clause()


def note_break(walk: Walk, i: int, mark: Mark) -> None:
    """A conjunction ends the statement; "but none on the left" says the finding again."""
    hold_side(walk, i)
    restated = restate(walk, i)
    end_clause(walk, i, mark)
    if restated:
        walk.has_verb = False


def end_clause(walk: Walk, i: int, mark: Mark) -> None:
    """A statement ends here; a doubt that has decided nothing goes on."""
    pending = walk.reach
    walk.end_clause()
    goes_on = pending is not None and (pending.kind != "purpose" or mark.phrase == "that")
    if pending is not None and goes_on and pending.polarity == "uncertain" and not pending.touched:
        walk.reach = pending


def begin_relative(walk: Walk, i: int, mark: Mark) -> None:
    """A new clause, about what was named last: "an opacity, which is unchanged"."""
    end_clause(walk, i, mark)
    walk.trail[-1] = "relative"


def note_colon(walk: Walk, i: int, mark: Mark) -> None:
    """A colon ends a statement, unless the answer is all that follows: "effusion: none"."""
    later = walk.next(i)
    if later is None or later.role not in _ANSWERS or walk.something_ahead(i):
        end_clause(walk, i, mark)


_ANSWERS = frozenset({"no", "absent", "unseen", "not_excluded", "maybe_after", "doubted"})


def note_portion(walk: Walk, i: int, mark: Mark) -> None:
    """Remember that only a portion is spoken of: "not all of the effusion has resolved"."""
    walk.portion = True


def doubt_weaker(walk: Walk, i: int, mark: Mark) -> None:
    """ "More likely atelectasis than pneumonia" doubts the pneumonia."""
    if any("likely" in earlier.phrase for earlier in walk.marks[:i]):
        doubt_after(walk, i, mark)


def except_after(walk: Walk, i: int, mark: Mark) -> None:
    """Except what follows from what was said."""
    walk.excepted = True
    if not restate_elsewhere(walk, i, "present"):
        walk.end_clause()


def name_again(walk: Walk, i: int, mark: Mark) -> None:
    """A pronoun: the finding named last is said again, as this clause has it."""
    last = next((step for step in reversed(walk.trail) if isinstance(step, Item)), None)
    if last is None or (last.polarity == "uncertain" and last.temporality != "prior"):
        return
    if walk.excepted:
        walk.past = None  # "No effusion other than the known left one."
    polarity, cue = walk.current()
    for other in [
        item for item in walk.items if item.mark == last.mark and not item.concept.startswith("nrm_")
    ]:
        walk.add(other.concept, i, mark.start, mark.end, polarity, cue)


def remember(walk: Walk, i: int, mark: Mark) -> None:
    """Put what follows into the past: it was known or done before."""
    if mark.phrase == "known" and _is_told_again(walk, i):
        return
    walk.past = mark.phrase


def _is_told_again(walk: Walk, i: int) -> bool:
    """True if what is known is seen on this film too: "known plaques, again noted"."""
    for later in walk.marks[i + 1 : i + 6]:
        if later.role in ("break", "relative", "semicolon", "no"):
            return False
        if later.temporality is not None:
            return True
    return False


def note_verb(walk: Walk, i: int, mark: Mark) -> None:
    """The clause has its verb."""
    walk.has_verb = True
    walk.trail.append("verb")


def note_with(walk: Walk, i: int, mark: Mark) -> None:
    """ "With" ends what a cue before it has decided about."""
    walk.trail.append("with")
    walk.past = None
    walk.coming_time = None
    if walk.reach is not None and walk.reach.touched:
        walk.reach = None


def note_part(walk: Walk, i: int, mark: Mark) -> None:
    """Not to see the tip of a tube does not deny the tube."""
    if not walk.something_ahead(i) and any(later.role == "unseen" for later in walk.marks[i + 1 : i + 4]):
        walk.trail.append("stop")


def note_comma(walk: Walk, i: int, mark: Mark) -> None:
    """A comma joins a list or begins a statement."""
    join(walk, i, "comma")


def note_and(walk: Walk, i: int, mark: Mark) -> None:
    """An "and" joins a list or begins a statement."""
    join(walk, i, "and")


def note_or(walk: Walk, i: int, mark: Mark) -> None:
    """An "or" always joins."""
    walk.trail.append("or")


def end_sentence(walk: Walk, i: int, mark: Mark) -> None:
    """After a semicolon nothing before it counts."""
    restate(walk, i)
    walk.end_clause()
    walk.has_verb = False


def _is_doubt(walk: Walk, mark: Mark) -> bool:
    """True if "likely" or "probable" is to be read as a doubt."""
    return (walk.conventions.likely == "uncertain" and mark.phrase in walk.lexicon.likely) or (
        walk.conventions.probable == "uncertain" and mark.phrase in walk.lexicon.probable
    )


def is_about_a_device(walk: Walk, i: int) -> bool:
    """True if something may be done to a device: "the tube could be advanced" leaves no doubt of the tube."""
    group = walk.group_behind()
    perceived = i + 1 < len(walk.marks) and walk.marks[i + 1].role in ("seen", "maybe", "semicolon")
    return (
        bool(group) and group[0].concept in walk.lexicon.devices and not perceived and i + 1 < len(walk.marks)
    )


def is_proposed(walk: Walk, i: int) -> bool:
    """True if what a mark says is only called for: "should be excluded", "removal is planned"."""
    if (
        any(mark.role == "proposed" for mark in walk.marks[i + 1 : i + 3])
        and walk.marks[i].role != "excluded"
    ):
        return True
    for mark in reversed(walk.marks[max(0, i - 3) : i]):
        if mark.role in ("proposed", "maybe", "maybe_before") or mark.phrase == "to":
            return mark.phrase != "can" or walk.marks[i].role != "excluded"
        if mark.role not in ("verb", "determiner"):
            return False
    return False


def closed_since(walk: Walk) -> bool:
    """True if a comma or conjunction stands between the last concept and here."""
    return any(step in ("comma", "and", "or") for step in walk.trail[-2:])


def assert_state(walk: Walk, item: Item) -> None:
    """A plain denial asserts the normal state whose words it is."""
    if item.temporality == "resolved" or item.qualified:
        return
    for state in walk.marks[item.mark].entry.denied_states:
        if item.concept in walk.marks[item.mark].entry.concepts:
            twin = Item(state, item.mark, item.start, item.end, "present", item.cue)
            if not any(other.concept == state and other.start == item.start for other in walk.items):
                walk.items.append(twin)


_MODALS = frozenset({"may", "might", "could", "may be", "might be", "could be"})
HANDLERS: dict[str, Callable[[Walk, int, Mark], None]] = {
    "no": deny,
    "without": open_denial,
    "not": open_denial,
    "no_longer": open_denial,
    "rather_than": open_denial,
    "removal_of": open_removal,
    "resolution_of": open_resolution,
    "resolved": resolve_before,
    "removed": remove_before,
    "moved": note_move,
    "misplaced": misplace,
    "absent": deny_before,
    "unseen": deny_seen,
    "maybe": doubt,
    "maybe_before": doubt_alternative,
    "maybe_after": doubt_before,
    "excluded": exclude,
    "not_excluded": fail_to_exclude,
    "hedge": hedge,
    "purpose": look_for,
    "looking": look_for,
    "looking_for": look_for,
    "portion": note_portion,
    "than": doubt_weaker,
    "change": keep_unchanged,
    "doubted": doubt,
    "versus": doubt_both,
    "conditional": doubt_list,
    "query": ask,
    "asserts": assert_after,
    "break": note_break,
    "relative": begin_relative,
    "except": except_after,
    "semicolon": end_sentence,
    "colon": note_colon,
    "history": remember,
    "formerly": remember,
    "comma": note_comma,
    "and": note_and,
    "either": doubt_either,
    "seen": doubt_apparent,
    "part": note_part,
    "pronoun": name_again,
    "or": note_or,
    "with": note_with,
    "verb": note_verb,
}
