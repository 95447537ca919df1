"""What an expert is told of the graph, and what it costs."""

from ccf_pipeline.graph import ConceptGraph, Condition
from ccf_pipeline.graph.words import count_tokens, describe_condition, describe_graph, describe_neighbourhood

NORMAL_CHEST = ("nrm_clear_lungs", "nrm_no_effusion", "nrm_no_pneumothorax", "nrm_normal_heart")


def test_a_neighbourhood_in_words(small: ConceptGraph) -> None:
    words = describe_neighbourhood(small, "fnd_pneumothorax", shown=["att_pleural_line"])

    assert words == (
        "Pneumothorax: Air in the pleural space.\n"
        "Signs: deep sulcus sign (supine view); volume loss.\n"
        "Shown already: visceral pleural line.\n"
        "Do not confuse with: Atelectasis."
    )


def test_what_must_go_is_said(small: ConceptGraph) -> None:
    words = describe_neighbourhood(small, "fnd_pleural_effusion", shown=["nrm_no_effusion"])

    assert "Must go: no pleural effusion." in words.splitlines()


def test_the_whole_graph_takes_a_line_for_each_finding(small: ConceptGraph) -> None:
    lines = describe_graph(small).splitlines()

    assert len(lines) == 1 + 14
    # Volume loss rules hyperinflation out, but not every atelectasis shows it.
    assert lines[1] == "Atelectasis: + volume loss"
    assert lines[3] == "Consolidation: < Lung Opacity; + air bronchogram"


def test_a_condition_in_words() -> None:
    when = Condition(views=("PA",), min_severity="moderate", same_side=True, note="full inspiration")

    assert describe_condition(when) == "PA view; moderate or more; same side; full inspiration"
    assert describe_condition(None) == ""


def test_the_shipped_graphs_words_keep_within_their_tokens(thoracic: ConceptGraph) -> None:
    costs = [count_tokens(describe_neighbourhood(thoracic, f.id, NORMAL_CHEST)) for f in thoracic.findings]

    assert sum(costs) / len(costs) <= 150
    assert max(costs) <= 200
    assert count_tokens(describe_graph(thoracic)) <= 700
