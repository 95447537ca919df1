"""Asking and judging: every plan becomes a row, by as many answers as its repair needs.

Prompts flow to the expert as it has room; each answer is made durable, judged at once, and sent back with
the checker's reasons while attempts are left. A shard is sealed when the last of its plans is judged, so
that one slow answer holds nobody up. What the journal holds is never asked again.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from ccf_pipeline.corpora import images_root
from ccf_pipeline.corpora.image_hashes import with_bound_images
from ccf_pipeline.counterfactual.check import check_edit, check_rewording
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.make_record import make_record, with_chosen
from ccf_pipeline.counterfactual.prompt import CHOSEN, write_chosen, write_prompt, write_repair
from ccf_pipeline.engine.best_of_n import Judges, train_judges
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal, KnownExpert
from ccf_pipeline.engine.journal_ledger import most_of
from ccf_pipeline.engine.materials import FALL_BACK, REPAIR, Materials
from ccf_pipeline.engine.reuse import EarlierAnswers
from ccf_pipeline.errors import ExpertError, Unfinished
from ccf_pipeline.experts import Expert
from ccf_pipeline.experts.scripted import NO_ANSWER
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Completion, Edit, Plan, Problem, Prompt, Record, Spend, Study, Verdict
from ccf_pipeline.settings import ExpertSettings, LimitSettings

logger = logging.getLogger(__name__)

OPEN_SHARDS = 8
FACTUAL_READINGS = 256
"""Rows of a study are asked one after the other, so that their answers come close together."""
TAKEN_OVER_AT_ONCE = 500
STOP_AFTER_SECONDS = 10.0
"""Answers that arrive so long after somebody asked to stop are still taken in."""
AS_ASKED = "as asked"
HOPELESS_AFTER = 36
"""Answers in a row that cannot be used, until the model or its server is taken to be the wrong one."""
SELDOM = 20
"""A model that is seldom right is given so many times as many as one usable answer of it takes."""
NOTED_EVERY_SECONDS = 2.0


@dataclass
class Tally:
    """The state of a build, for those who watch it: `judged` counts rows, `spend` answers and tokens.

    `taken_over` counts the answers that another build paid for: they are no part of `spend`. `reworded`
    counts the factual sides that are in the expert's words, where that is asked for: one of each study, or of
    each pair. `not_reworded` counts those that did not hold.
    """

    planned: int
    shards: int = 0
    judged: int = 0
    accepted: int = 0
    repaired: int = 0
    reworded: int = 0
    not_reworded: int = 0
    under_way: int = 0
    taken_over: int = 0
    rejected_by: Counter[str] = field(default_factory=Counter)
    spend: Spend = field(default_factory=Spend)


Watch = Callable[[Tally], None]


def unwatched(tally: Tally) -> None:
    """A tally that nobody looks at."""


def never() -> bool:
    """Nobody asks the build to stop."""
    return False


@dataclass
class Inquiry:
    """One plan on its way to a verdict, with what its earlier attempts cost."""

    shard: ShardAtWork
    place: int
    study: Study
    plan: Plan
    prompt: Prompt
    spent: Spend = field(default_factory=Spend)
    refused: Record | None = None
    """The row as the last answer would leave it, while that answer is being repaired."""


@dataclass
class ShardAtWork:
    """A shard whose plans are being asked; its rows lie in the order of the plans, whoever answered first."""

    number: int
    records: list[Record | None] = field(default_factory=list)
    missing: int = 1
    """Answers that have not come; one more until its plan has been read to the end."""
    chosen: dict[str, Reworded] = field(default_factory=dict)
    """By study, or by row where each pair has words of its own."""


@dataclass(frozen=True)
class Reworded:
    """The factual side in the expert's words, what speaks against it, and what it cost."""

    edit: Edit
    faults: tuple[Problem, ...]
    spent: Spend


class Desk:
    """Hands out prompts, takes answers, and seals what is complete."""

    def __init__(
        self,
        folder: BuildFolder,
        materials: Materials,
        shards: Iterable[int],
        expert: Expert,
        journal: Journal,
        tally: Tally,
        *,
        watch: Watch = unwatched,
        stopping: Callable[[], bool] = never,
        earlier: EarlierAnswers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._materials, self._expert, self._journal = folder, materials, expert, journal
        self._earlier = earlier or EarlierAnswers(folder.path)
        self._watch, self._stopping, self.tally = watch, stopping, tally
        self._numbers = iter(shards)
        self._open: dict[int, ShardAtWork] = {}
        self._fresh: Iterator[Inquiry] = iter(())
        self._repairs: deque[Inquiry] = deque()
        self._asked: dict[str, Inquiry] = {}
        self._taken_over: list[Completion] = []
        self._read_factual = lru_cache(FACTUAL_READINGS)(materials.read)
        self.stopped_by: str | None = None
        self._usable, self._received = tally.judged, tally.judged
        self._unusable: dict[str, str] = {}
        """The answers since the last that could be used, by prompt, and why each could not."""
        self._unsealed: list[ShardAtWork] = []
        """Shards that are complete, if anything of those answers is to count."""
        self._clock, self._noted_at = clock, clock()
        self._stop_heard_at: float | None = None

    def run(self) -> None:
        """Ask until every shard is sealed, or something says stop: then what is under way still counts."""
        expert = self._expert
        self._journal.introduce(KnownExpert(expert.name, expert.model, expert.learns))
        answers = self._expert.answer(self.take)
        for completions in answers:
            if completions:
                # Kept before anything is made of them: a kill between here and the row costs no answer.
                self._journal.keep(completions)
            for completion in completions:
                self._receive(completion)
            self._watch(self.tally)
            self._note_tally()
            if self._has_waited_enough():
                self._give_up_what_is_owed()
                break
        if self.stopped_by:
            self._note_tally(at_once=True)
        if isinstance(answers, Generator):
            answers.close()  # hang up on whoever was given up
        self._keep_taken_over()
        if self._is_hopeless(at_end=not self.stopped_by):
            self._journal.forget(self._unusable)
            raise _make_hopeless(expert.model, self._unusable.values())
        self._seal_complete_shards()
        if self.stopped_by:
            raise Unfinished(f"stopped: {self.stopped_by}")
        deque(self._fresh, maxlen=0)  # An expert that stops by itself leaves what it did not take.
        if self._open or next(self._numbers, None) is not None:
            left = sum(shard.missing for shard in self._open.values()) or "all"
            raise ExpertError(f"the expert `{self._expert.name}` left {left} prompts unanswered")

    def _note_tally(self, *, at_once: bool = False) -> None:
        """Leave the counts in the build folder now and then: `status` reads them beside the run."""
        now = self._clock()
        if at_once or now - self._noted_at >= NOTED_EVERY_SECONDS:
            self._noted_at = now
            self._folder.note_tally(
                self.tally.judged, self.tally.accepted, self.tally.repaired, self.tally.rejected_by
            )

    def _has_waited_enough(self) -> bool:
        """True if the build was asked to stop so long ago that nothing more is waited for."""
        now = self._clock()
        if self._stop_heard_at is None and (self._stopping() or self._folder.is_asked_to_stop()):
            self.stopped_by = self.stopped_by or AS_ASKED
            self._stop_heard_at = now
        return self._stop_heard_at is not None and now - self._stop_heard_at > STOP_AFTER_SECONDS

    def _give_up_what_is_owed(self) -> None:
        """Say how many answers are given up; the next run asks for them again."""
        if self._asked:
            self.stopped_by = f"{self.stopped_by}; {len(self._asked)} answers under way were given up"

    def take(self) -> Prompt | None:
        """The next prompt that has no answer yet; answers in the journal are judged on the way."""
        while (inquiry := self._take_inquiry()) is not None:
            known = self._find_answer(inquiry.prompt)
            if known is not None:
                self._judge(inquiry, known)
                continue
            self.stopped_by = self.stopped_by or self._find_reason_to_stop()
            if self.stopped_by:
                # It goes back to the front of the queue, so that the next run asks in the same order.
                self._repairs.appendleft(inquiry)
                return None
            self._asked[inquiry.prompt.prompt_id] = inquiry
            self.tally.under_way = len(self._asked)
            return inquiry.prompt
        return None

    def _find_answer(self, prompt: Prompt) -> Completion | None:
        """The answer that this build has, or another one that it may take over."""
        asked, expert = prompt.prompt_id, self._expert
        kept = self._journal.find([asked], expert=expert.name, model=expert.model)
        if kept:
            return kept[asked]
        found = self._earlier.find(asked, expert=expert.name, model=expert.model)
        if found is not None:
            self._taken_over.append(found)
            self.tally.taken_over += 1
            if len(self._taken_over) == TAKEN_OVER_AT_ONCE:
                self._keep_taken_over()
        return found

    def _keep_taken_over(self) -> None:
        """Kept some at once: were it killed before, they would be taken over again."""
        if self._taken_over:
            self._journal.take_over(self._taken_over)
            self._taken_over = []

    def _take_inquiry(self) -> Inquiry | None:
        while not self._repairs:
            inquiry = next(self._fresh, None)
            if inquiry is not None:
                return inquiry
            number = next(self._numbers, None) if len(self._open) < OPEN_SHARDS else None
            if number is None:
                return None
            self._fresh = self._open_shard(number)
        return self._repairs.popleft()

    def _find_reason_to_stop(self) -> str | None:
        if self._stopping() or self._folder.is_asked_to_stop():
            return AS_ASKED
        if self._is_hopeless():
            return HOPELESS
        limits, prices = self._materials.settings.limits, self._materials.settings.prices
        if limits == LimitSettings():
            return None
        spend = most_of(self.tally.spend, self._journal.spent())  # others may work on the same build
        if limits.requests is not None and spend.answers + len(self._asked) >= limits.requests:
            return f"{limits.requests} requests were made, as many as allowed"
        if limits.tokens is not None and spend.tokens >= limits.tokens:
            return f"{spend.tokens} tokens were used, {limits.tokens} are allowed"
        if limits.cost is not None and prices.cost_of(spend) >= limits.cost:
            return f"{prices.cost_of(spend):.2f} was spent, {limits.cost:g} is allowed"
        return None

    # --- shards -------------------------------------------------------------------------------

    def _open_shard(self, number: int) -> Iterator[Inquiry]:
        """Return what a shard has to ask, read and written as it is taken: a shard in memory is large."""
        materials = self._materials
        graph, template, expert = materials.graph, materials.template, materials.settings.expert
        root = images_root(materials.settings.corpus)
        shard = self._open[number] = ShardAtWork(number)
        for planned in self._folder.planned_studies(number):
            entry = with_bound_images(planned, root)
            for plans in _list_reworded_plans(entry.plans, expert):
                chosen = write_chosen(plans, entry.study, materials.templates[CHOSEN], expert)
                shard.missing += 1
                yield Inquiry(shard, len(shard.records), entry.study, plans[0], chosen)
            for plan in entry.plans:
                prompt = write_prompt(plan, entry.study, graph, template, expert)
                shard.missing += 1
                # The place is taken now and filled when the answer comes: rows lie in the order of the plans.
                shard.records.append(None)
                yield Inquiry(shard, len(shard.records) - 1, entry.study, plan, prompt)
        self._settle(shard)

    def _settle(self, shard: ShardAtWork) -> None:
        """One answer less to wait for; the last one seals the shard."""
        shard.missing -= 1
        if shard.missing == 0:
            del self._open[shard.number]
            self._unsealed.append(shard)
            if not self._unusable:
                self._seal_complete_shards()

    def _seal_complete_shards(self) -> None:
        self._keep_taken_over()
        complete, self._unsealed = self._unsealed, []
        for shard in complete:
            records = [record for record in shard.records if record is not None]
            seal = self._folder.seal_shard(shard.number, _add_chosen_text(records, shard.chosen))
            logger.info(
                "shard %d of %d is done: %d accepted, %d rejected",
                shard.number + 1,
                self.tally.shards,
                seal.accepted,
                seal.rejected,
            )

    # --- hopeless answers -------------------------------------------------------------------------

    def _weigh(self, completion: Completion, edit: Edit, study: Study, *, asked: bool) -> None:
        """Count the answers of this run that cannot be used, of a model that could write others."""
        if edit.problem is None and _is_about(edit.text, study.text):
            self._received += 1
            self._usable += 1
            # Usable answers clear the list, so that only an unbroken run of useless ones stops a build.
            if not self._is_hopeless():
                self._unusable.clear()
        elif asked and self._expert.learns and completion.failure != NO_ANSWER:
            self._received += 1
            self._unusable[completion.prompt_id] = _describe_unusable(completion)

    def _is_hopeless(self, *, at_end: bool = False) -> bool:
        """True if so many answers in a row cannot be used; at the end, if there was no other."""
        if not self._usable:
            return bool(self._unusable) and (at_end or len(self._unusable) >= HOPELESS_AFTER)
        # The fewer of its answers could be used so far, the more useless ones in a row a model is allowed.
        needed = (self._received - len(self._unusable)) / self._usable  # answers for one that can be used
        return len(self._unusable) >= max(HOPELESS_AFTER, SELDOM * needed)

    # --- answers ------------------------------------------------------------------------------

    def _receive(self, completion: Completion) -> None:
        inquiry = self._asked.pop(completion.prompt_id, None)
        if inquiry is None:
            return  # Delivered twice: the first answer stands.
        self.tally.under_way = len(self._asked)
        self.tally.spend = self.tally.spend.plus(completion)
        self._judge(inquiry, completion, asked=True)

    def _judge(self, inquiry: Inquiry, completion: Completion, *, asked: bool = False) -> None:
        """From an answer to a row, or back to the expert with the reasons."""
        materials, study = self._materials, inquiry.study
        inquiry.spent = inquiry.spent.plus(completion)
        if inquiry.prompt.strategy == CHOSEN:
            self._judge_chosen(inquiry, completion, asked=asked)
            return
        factual = self._read_factual(study.text)
        edit, counterfactual, verdict = self._choose_wording(completion, inquiry, factual)
        self._weigh(completion, edit, study, asked=asked)
        prompt, lineage = inquiry.prompt, materials.lineage
        record = make_record(
            study, prompt, completion, edit, verdict, factual, counterfactual, lineage, inquiry.spent
        )
        repair = self._repair(inquiry, completion, edit, verdict)
        if repair is not None:
            inquiry.prompt, inquiry.refused = repair, record
            self._repairs.append(inquiry)
            return
        if completion.failure == NO_ANSWER and inquiry.refused is not None:
            # Nobody recorded a repair: the verdict on the answer that there is stands.
            record = inquiry.refused
        inquiry.shard.records[inquiry.place] = record
        self._count(record, inquiry.shard)

    def _choose_wording(
        self, completion: Completion, inquiry: Inquiry, factual: Reading
    ) -> tuple[Edit, Reading, Verdict]:
        """The wording that gives itself away least among those accepted; the first one where none is."""
        materials, plan, study = self._materials, inquiry.plan, inquiry.study
        judged = []
        for text in (completion.text, *completion.others):
            answer = completion.model_copy(update={"text": text}) if completion.others else completion
            edit = read_edit(answer, plan, study, inquiry.prompt.form)
            counterfactual = materials.read(edit.text)
            verdict = check_edit(edit, plan, study, factual, counterfactual, materials.graph)
            judged.append((edit, counterfactual, verdict))
        accepted = [one for one in judged if one[2].accepted]
        if len(accepted) < 2:
            return (accepted or judged)[0]
        texts = [(edit.text, counterfactual) for edit, counterfactual, _ in accepted]
        return accepted[self._judges.least_told(plan, study, texts)]

    @cached_property
    def _judges(self) -> Judges:
        plan = self._folder.plan_summary()
        return train_judges(self._folder, plan.shards if plan else 0, self._materials)

    def _judge_chosen(self, inquiry: Inquiry, completion: Completion, *, asked: bool) -> None:
        """The factual side in other words; where they do not hold, the pair does without them."""
        materials, plan, study = self._materials, inquiry.plan, inquiry.study
        factual = self._read_factual(study.text)
        edit = read_edit(completion, plan, study, inquiry.prompt.form)
        self._weigh(completion, edit, study, asked=asked)
        faults = check_rewording(edit, plan, study, factual, materials.read(edit.text), materials.graph)
        about = plan.plan_id if materials.settings.expert.rewords_pairs else study.study_id
        inquiry.shard.chosen[about] = Reworded(edit, faults, inquiry.spent)
        self.tally.reworded += not faults and edit.text != study.text
        self.tally.not_reworded += bool(faults)
        self._settle(inquiry.shard)

    def _repair(
        self, inquiry: Inquiry, completion: Completion, edit: Edit, verdict: Verdict
    ) -> Prompt | None:
        """Return what to ask next of a plan whose answer was refused; None when this answer has to stand."""
        materials = self._materials
        expert = materials.settings.expert
        if verdict.accepted or completion.failure is not None or not self._expert.learns:
            return None
        if inquiry.prompt.attempt > expert.repair:
            return None
        # A script that cannot be applied says little to a model about what is wrong: it is asked for the
        # whole report.
        if edit.problem is not None and inquiry.prompt.form != "report":
            whole = materials.templates[FALL_BACK]
            attempt = inquiry.prompt.attempt + 1
            return write_prompt(inquiry.plan, inquiry.study, materials.graph, whole, expert, attempt=attempt)
        return write_repair(inquiry.prompt, completion, edit, verdict, materials.templates[REPAIR], expert)

    def _count(self, record: Record, shard: ShardAtWork) -> None:
        tally = self.tally
        tally.judged += 1
        tally.accepted += record.accepted
        tally.repaired += record.accepted and record.attempt > 1
        if not record.accepted:
            tally.rejected_by.update(
                {problem.code for problem in record.problems if problem.level == "block"}
            )
        self._settle(shard)


HOPELESS = "no answer can be used"
WORD = re.compile(r"\w{5,}")


def _is_about(text: str, report: str) -> bool:
    """True if a tenth of a report's long words are still there: a refusal may pass for a report."""
    words = set(WORD.findall(report.lower()))
    return 10 * len(words & set(WORD.findall(text.lower()))) >= len(words)


def _describe_unusable(completion: Completion) -> str:
    """Say why nothing of an answer can be used, without a word of it."""
    if completion.failure is not None:
        return completion.failure
    if completion.finish_reason == "length":
        return "cut off before its end"
    return "not in the form that was asked for" if completion.text.strip() else "empty"


def _make_hopeless(model: str, reasons: Iterable[str]) -> ExpertError:
    told = Counter(reasons)
    return ExpertError(
        f"{model}: none of {told.total()} answers in a row can be used:"
        f" {', '.join(f'{reason} ({count})' for reason, count in told.most_common(3))}",
        hint="Check the model, its server, --strategy and --max-answer-tokens; then the same command goes on."
        " These answers stay spent; they were not kept, so that they are asked for again.",
    )


def _list_reworded_plans(plans: tuple[Plan, ...], expert: ExpertSettings) -> tuple[tuple[Plan, ...], ...]:
    """The plans of a study that share a factual side in other words."""
    if not expert.rewords:
        return ()
    return tuple((plan,) for plan in plans) if expert.rewords_pairs else (plans,)


def _add_chosen_text(records: list[Record], chosen: dict[str, Reworded]) -> list[Record]:
    """The rows with the factual side in other words; the first that shares them tells what they cost."""
    told: set[str] = set()
    rows = []
    for record in records:
        about = record.record_id if record.record_id in chosen else record.study_id
        reworded = chosen.get(about)
        if reworded is not None:
            spent = Spend() if about in told else reworded.spent
            record = with_chosen(record, reworded.edit, reworded.faults, spent)
            told.add(about)
        rows.append(record)
    return rows
