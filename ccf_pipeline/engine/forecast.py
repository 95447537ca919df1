"""Plans → what asking for them would cost: the prompts are written, and nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccf_pipeline.counterfactual.plan.token_estimate import CostTally
from ccf_pipeline.counterfactual.prompt import CHOSEN, write_chosen, write_prompt
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.records import CostForecast, PlannedStudy

ALL_UP_TO = 2_000
ONE_IN = 100


@dataclass
class CostForecaster:
    """Looks at the prompts of the first two thousand studies, and of one in a hundred after them."""

    materials: Materials
    tokens_per_second: float | None = None
    tally: CostTally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = CostTally(self.materials.settings.expert)

    def add(self, entry: PlannedStudy) -> None:
        if self.tally.studies >= ALL_UP_TO and self.tally.studies % ONE_IN:
            self.tally.count(entry)
            return
        materials = self.materials
        graph, expert, template = materials.graph, materials.settings.expert, materials.template
        prompts = [write_prompt(plan, entry.study, graph, template, expert) for plan in entry.plans]
        chosen = None
        if expert.chosen:
            chosen = write_chosen(entry.plans, entry.study, materials.templates[CHOSEN], expert)
        self.tally.look(entry, prompts, chosen)

    def forecast(self) -> CostForecast:
        return self.tally.forecast(self.materials.settings.prices, self.tokens_per_second)
