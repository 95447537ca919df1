"""Under which licence a data set may be held, by the corpus it comes from."""

from __future__ import annotations

from ccf_pipeline.records import CorpusTerms, Noun

CREDENTIALED = (
    "**Derived from credentialed reports.** Whoever holds this folder must have signed the source's data use"
    " agreement. It may not be published or sent to others."
)
NOT_PASSED_ON = (
    "**Not to be passed on.** The terms of the source do not let texts that were made from its reports go to"
    " others; whoever wants them makes them from their own copy of the source."
)


class Licence(Noun):
    """A licence in the Hub's words; `link` is where its text stands."""

    key: str
    name: str | None = None
    title: str
    link: str | None = None


_UNKNOWN = Licence(
    key="other", name="terms-of-the-source", title="the terms of the source, as they stand below"
)
_LICENCES = {
    "mimic": Licence(
        key="other",
        name="physionet-credentialed-health-data-1.5.0",
        title="PhysioNet Credentialed Health Data License 1.5.0",
        link="https://physionet.org/content/mimic-cxr/view-license/2.1.0/",
    ),
    "openi": Licence(
        key="cc-by-nc-nd-4.0",
        title="Creative Commons Attribution-NonCommercial-NoDerivatives 4.0",
        link="https://creativecommons.org/licenses/by-nc-nd/4.0/",
    ),
    "chexpert_plus": Licence(
        key="other",
        name="stanford-university-dataset-research-use-agreement",
        title="Stanford University Dataset Research Use Agreement",
    ),
    "demo": Licence(
        key="apache-2.0", title="Apache License 2.0", link="https://www.apache.org/licenses/LICENSE-2.0"
    ),
}


def licence_of(terms: CorpusTerms) -> Licence:
    """The licence of what comes from a corpus; one that is unknown goes by the terms of its source."""
    return _LICENCES.get(terms.kind, _UNKNOWN)


def licence_text(terms: CorpusTerms) -> str:
    """LICENSE.md: the terms in words, and where their full text stands."""
    licence = licence_of(terms)
    parts = [f"# Terms\n\nThis data set stands under: {licence.title}."]
    if licence.link:
        parts.append(f"Its text: <{licence.link}>")
    parts.append(f"Source: {terms.name}. {terms.terms}")
    return "\n\n".join((*parts, *notices(terms))) + "\n"


def notices(terms: CorpusTerms) -> tuple[str, ...]:
    """Return the notices that every holder of the data set must read first."""
    credentialed = (CREDENTIALED,) if terms.sensitivity == "credentialed" else ()
    return credentialed if terms.adaptations_may_be_shared else (*credentialed, NOT_PASSED_ON)
