"""R06: names, dates, ages and numbers that an answer invents are refused; a report's own words are not."""

from __future__ import annotations

import json
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import Change, plan_change
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Completion
from tests.counterfactual.conftest import study_of
from tests.shipped import GRAPH, LEXICON

REPORT = (
    " FINDINGS:  The heart is normal in size.  No pneumothorax.  Compared to ___, the lungs are clear.\n"
    " IMPRESSION:  No acute process.  Discussed with Dr. ___ at ___ on the telephone.\n"
)
WRITTEN = "Small left apical pneumothorax"

NAMES = ["Rosamund Pike", "Aleksander Nowak", "Ng", "O'Brien", "Garcia-Lopez", "van den Berg", "McAllister"]
INVENTED = [
    # who
    *(f"{WRITTEN}, discussed with Dr. {name}." for name in NAMES),
    f"{WRITTEN}. Discussed with Rosamund Pike by telephone.",
    f"{WRITTEN}. Findings were communicated to Nurse Hawkins.",
    f"{WRITTEN}. Reported to Pike, RN.",
    f"{WRITTEN}, as seen by Rosamund Pike, MD.",
    f"{WRITTEN} in Mr. Nowak.",
    f"{WRITTEN}. Mrs. Nowak was informed.",
    f"{WRITTEN}. Patient name: Nowak.",
    f"{WRITTEN}. Ms Adeyemi was called.",
    f"{WRITTEN}. Professor Lindqvist agrees.",
    f"{WRITTEN}. Signed by Lindqvist.",
    f"{WRITTEN}. Attending: R. Pike.",
    f"{WRITTEN}. Electronically signed by R. Pike.",
    # when
    *(
        f"{WRITTEN}, new since {date}."
        for date in (
            "03/04/2019", "3/4/19", "2019-04-03", "04-03-2019", "April 3", "April 3rd, 2019", "3 April 2019",
            "3rd of April", "Apr. 3", "12/2018", "2018", "03.04.2019", "the 3rd of March", "Christmas Eve",
        )
    ),
    f"{WRITTEN}, discussed at 14:32.",
    f"{WRITTEN}, discussed at 2:32 pm.",
    f"{WRITTEN}, discussed at 2 p.m.",
    f"{WRITTEN}, discussed at 1432 hours.",
    f"{WRITTEN}, discussed at 1432h.",
    # how old
    f"{WRITTEN} in this 67 year old man.",
    f"{WRITTEN} in this 67-year-old.",
    f"{WRITTEN} in a 67 y/o woman.",
    f"{WRITTEN} in a 67yo female.",
    f"{WRITTEN}, patient aged 67.",
    f"67M with {WRITTEN[0].lower()}{WRITTEN[1:]}.",
    f"{WRITTEN} in a sixty-seven-year-old man.",
    f"{WRITTEN} in a woman in her sixties.",
    # which
    f"{WRITTEN}. MRN 4711081.",
    f"{WRITTEN}. MRN: A-4711.",
    f"{WRITTEN}. Accession number 20190403.",
    f"{WRITTEN}. SSN 123-45-6789.",
    f"{WRITTEN}. DOB 3.4.56.",
    f"{WRITTEN}. Patient ID 88213.",
    f"{WRITTEN}. Case #4711.",
    # where
    f"{WRITTEN}. Call 617-555-0143.",
    f"{WRITTEN}. Call (617) 555-0143.",
    f"{WRITTEN}. Call extension 4711.",
    f"{WRITTEN}. Pager 31442.",
    f"{WRITTEN}. Outside film of Mercy General Hospital.",
    f"{WRITTEN}. Transferred from Saint Mary Medical Center.",
    f"{WRITTEN}. Film taken at the Beacon Street Clinic.",
    f"{WRITTEN}. Write to r.pike@example.org.",
    f"{WRITTEN}. See https://example.org/4711.",
    f"{WRITTEN}. Lives at 12 Beacon Street, Boston.",
]  # fmt: skip
HARMLESS = [
    f"{WRITTEN}.",
    f"{WRITTEN}, measuring 1.2 cm.",
    f"{WRITTEN}, 12 mm from the chest wall.",
    f"{WRITTEN} above the 3rd rib.",
    f"{WRITTEN} at the level of T4.",
    f"{WRITTEN}, 2 x 3 cm.",
    f"{WRITTEN}; 5-10 mm at the apex.",
    f"{WRITTEN} over the 4th-5th intercostal space.",
    f"{WRITTEN}, about 10% of the hemithorax.",
]


STUDY = study_of(REPORT)
FACTUAL = read_facts(STUDY.text, LEXICON)
PLAN = plan_change(STUDY, FACTUAL, GRAPH, Change("add", "fnd_pneumothorax", ()), seed=7)


def refused_for(*edits: str) -> set[str]:
    """Why an answer is refused that is right but for what was slipped into it."""
    answer = Completion(prompt_id="q", expert="e", model="m", text=json.dumps({"edits": edits}))
    edit = read_edit(answer, PLAN, STUDY)
    verdict = check_edit(edit, PLAN, STUDY, FACTUAL, read_facts(edit.text, LEXICON), GRAPH)
    return {problem.code for problem in verdict.problems if problem.level == "block"}


def told(words: str) -> set[str]:
    return refused_for(f"=2 {words}", "=4 Small left pneumothorax.")


@pytest.mark.parametrize("words", INVENTED)
def test_what_points_to_a_person_is_refused(words: str) -> None:
    assert "invented_phi" in told(words)


@pytest.mark.parametrize("words", HARMLESS)
def test_places_and_sizes_of_a_finding_point_to_nobody(words: str) -> None:
    assert told(words) == set()


CAPITALS, SMALL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
SURNAMES = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(CAPITALS),
    st.text(SMALL, min_size=2, max_size=9),
)
DATES = st.builds(
    lambda day, form: day.strftime(form),
    st.dates(date(1920, 1, 1), date(2029, 12, 31)),
    st.sampled_from(
        ["%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d", "%d.%m.%Y", "%B %d, %Y", "%d %B %Y", "%b %d", "%m/%Y"]
    ),
)
TIMES = st.builds(
    lambda hour, form: hour.strftime(form),
    st.times(time(0), time(23, 59)),
    st.sampled_from(["%H:%M", "%I:%M %p", "%I:%M pm", "%H%M hours"]),
)
AGES = st.builds(
    lambda age, form: form.format(age),
    st.integers(18, 110),
    st.sampled_from(["{} year old", "{}-year-old", "{} years old", "{} y/o", "{}yo", "aged {}", "age of {}"]),
)
NUMBERS = st.builds(
    lambda number, form: form.format(number),
    st.integers(10_000, 10**9),
    st.sampled_from(["MRN {}", "MRN: {}", "accession {}", "patient ID {}", "#{}", "case {}"]),
)
PEOPLE = st.builds(
    lambda name, form: form.format(name),
    SURNAMES,
    st.sampled_from(
        ["Dr. {}", "Dr {}", "Mr. {}", "Mrs. {}", "Ms. {}", "Nurse {}", "Professor {}", "Dr. van {}", "{}, MD"]
    ),
)


@given(st.one_of(DATES, TIMES, AGES, NUMBERS, PEOPLE))
@settings(max_examples=200, deadline=None)
def test_no_date_time_age_number_or_name_in_any_usual_form_gets_through(found: str) -> None:
    assert "invented_phi" in told(f"{WRITTEN}, discussed with {found}.")


@given(st.one_of(DATES, TIMES, PEOPLE))
@settings(max_examples=50, deadline=None)
def test_a_blank_is_not_filled_in(found: str) -> None:
    filled = f"=5 Discussed with Dr. {found} at ___ on the telephone."

    assert "invented_phi" in refused_for(f"=2 {WRITTEN}.", "=4 Small left pneumothorax.", filled)


@pytest.mark.parametrize(
    "words", ["Compared to ___, a small left apical pneumothorax.", f"{WRITTEN} since ___."]
)
def test_a_blank_is_not_added(words: str) -> None:
    assert "invented_phi" in told(words)
