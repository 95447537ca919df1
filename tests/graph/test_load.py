"""Graph files: what loads, and how what does not load is told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccf_pipeline.errors import GraphError, MissingInput, UnreadableInput
from ccf_pipeline.graph import Concept, Condition, Relation, Writing
from ccf_pipeline.graph.load import default_graph_path, load_graph, read_graph_file

SMALL_PATH = Path(__file__).parent / "small.yaml"
SMALL = SMALL_PATH.read_text(encoding="utf-8")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graph.yaml"


def refusal(path: Path, text: str) -> GraphError:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GraphError) as refused:
        load_graph(path)
    return refused.value


def line_with(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if words in line)


def test_a_graph_file_loads() -> None:
    graph = load_graph(SMALL_PATH)

    assert graph.name == "small"
    assert len(graph.findings) == 14


def test_the_graph_that_comes_along_is_found_beside_the_package() -> None:
    assert default_graph_path() == Path(__file__).parents[2] / "graphs" / "thoracic.yaml"


def test_the_graph_that_comes_along_is_found_in_an_installed_wheel(tmp_path: Path) -> None:
    package = tmp_path / "ccf_pipeline"
    package.symlink_to(tmp_path / "copy")
    (tmp_path / "copy" / "io").mkdir(parents=True)
    carried = tmp_path / "copy" / "carried" / "graphs" / "thoracic.yaml"
    carried.parent.mkdir(parents=True)
    carried.write_text(SMALL, encoding="utf-8")
    source = Path(sys.modules["ccf_pipeline.graph.load"].__file__ or "").read_text(encoding="utf-8")
    module = tmp_path / "copy" / "io" / "graphs.py"
    module.write_text(source, encoding="utf-8")

    asked = f"import runpy; print(runpy.run_path({str(module)!r})['default_graph_path']())"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout

    assert found.strip() == str(carried)


def test_a_missing_file_is_told(path: Path) -> None:
    with pytest.raises(MissingInput, match="there is no such graph file"):
        load_graph(path)


def test_a_folder_or_a_picture_is_no_graph_file(tmp_path: Path, path: Path) -> None:
    path.write_bytes(b"\x89PNG\xff")

    for given in (tmp_path, path):
        with pytest.raises(UnreadableInput, match="not a readable UTF-8 text file"):
            load_graph(given)


def test_bad_yaml_names_file_and_line(path: Path) -> None:
    text = SMALL.replace("shared_forms: [collapse]", "shared_forms: [collapse")

    error = refusal(path, text)

    assert error.what.startswith(f"{path}:{line_with(text, 'regions:')}: not valid YAML")


def test_an_unknown_field_names_the_line_and_what_may_be_meant(path: Path) -> None:
    text = SMALL.replace("definition: A drain.", "defintion: A drain.")
    line = line_with(text, "defintion")

    error = refusal(path, text)

    # The misspelt field is told first: that the right one is missing is only its consequence.
    told = f"{path}:{line}: `defintion` is not a field here; did you mean `definition`? (and 1 more)"
    assert error.what == told


def test_a_field_inside_a_condition_is_checked_too(path: Path) -> None:
    text = SMALL.replace("{views: [supine]}", "{view: [supine]}")

    error = refusal(path, text)

    assert error.what.endswith("`view` is not a field here; did you mean `views`?")
    assert f":{line_with(text, '{view:')}:" in error.what


def test_a_wrong_value_names_what_it_should_be(path: Path) -> None:
    text = SMALL.replace("sides: required", "sides: always")

    error = refusal(path, text)

    assert error.what == (
        f"{path}:{line_with(text, 'sides: always')}: `sides` should be 'required', 'optional' or 'none'"
    )


def test_a_text_where_a_list_belongs_is_told(path: Path) -> None:
    error = refusal(path, SMALL.replace("forms: [pneumonia]", "forms: pneumonia"))

    assert error.what.endswith("`forms` should be a list")


def test_a_field_given_twice_is_refused(path: Path) -> None:
    text = SMALL.replace("    review: taught  # stays", "    review: cited\n    review: taught  # stays")

    error = refusal(path, text)

    assert error.what == f"{path}:{line_with(text, '# stays')}: `review` is given twice in one block"


def test_lint_faults_come_with_file_and_line_and_the_rest_is_counted(path: Path) -> None:
    text = SMALL.replace("sources: [STD]", "sources: [SDT]")

    error = refusal(path, text)

    first = f"{path}:{line_with(text, 'SDT')}: `SDT` is not a source; did you mean `STD`?"
    assert error.what == f"{first} (and {text.count('[SDT]') - 1} more)"


def test_an_empty_file_and_a_list_are_no_graphs(path: Path) -> None:
    for text in ("", "- a\n- b\n"):
        assert "a graph file starts with `name:`" in refusal(path, text).what


def test_words_that_yaml_would_turn_into_other_things_stay_words(path: Path) -> None:
    text = SMALL.replace('version: "0.1"', "version: 1.0").replace("forms: [devices]", "forms: [no, on, 12]")
    path.write_text(text, encoding="utf-8")

    file = read_graph_file(path)

    assert file.version == "1.0"
    assert next(c.forms for c in file.concepts if c.id == "fnd_support_devices") == ("no", "on", "12")


def test_a_graph_that_lint_would_refuse_can_still_be_read(path: Path) -> None:
    path.write_text(SMALL.replace("why: Less air.", "why: ''"), encoding="utf-8")

    assert read_graph_file(path).name == "small"


def test_the_readme_beside_the_graph_names_every_field() -> None:
    readme = (default_graph_path().parent / "README.md").read_text(encoding="utf-8")

    for model in (Concept, Writing, Relation, Condition):
        missing = [field for field in model.model_fields if not re.search(rf"\b{field}\b", readme)]
        assert missing == []


def test_the_shipped_graph_holds_together() -> None:
    graph = load_graph()
    graph.excludes("fnd_edema", "nrm_clear_lungs")

    assert len(graph.findings) == 14
    assert len(graph.attributes) >= 100
    assert len(graph.normal_states) >= 20
    assert len(graph.relations) >= 350
