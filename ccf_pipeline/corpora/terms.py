"""The terms of each corpus: who may see its texts, and whether what is made of them may be passed on.

A corpus is `credentialed` unless it is known to be open, and open is not free: Open-i's licence lets
everybody read the reports and nobody share what was made of them.
"""

from __future__ import annotations

from ccf_pipeline.records import CorpusTerms

TERMS: dict[str, CorpusTerms] = {
    terms.kind: terms
    for terms in (
        CorpusTerms(
            kind="mimic",
            name="MIMIC-CXR",
            sensitivity="credentialed",
            terms="PhysioNet Credentialed Health Data Use Agreement 1.5.0; what is derived is shared on"
            " PhysioNet under the same agreement.",
            citation="Johnson et al., MIMIC-CXR, Scientific Data 2019; Johnson et al., MIMIC-CXR-JPG, 2019",
            adaptations_may_be_shared=True,
        ),
        CorpusTerms(
            kind="openi",
            name="Open-i, the Indiana University chest X-ray collection",
            sensitivity="open",
            terms="CC BY-NC-ND 4.0: attribution, no commercial use, and adaptations may not be shared.",
            citation="Demner-Fushman et al., Journal of the American Medical Informatics Association 2016",
            adaptations_may_be_shared=False,
        ),
        CorpusTerms(
            kind="chexpert_plus",
            name="CheXpert Plus",
            sensitivity="credentialed",
            terms="Stanford University Dataset Research Use Agreement; it may not be passed on.",
            citation="Chambon et al., CheXpert Plus, 2024",
            adaptations_may_be_shared=False,
        ),
        CorpusTerms(
            kind="table",
            name="a table of one's own",
            sensitivity="credentialed",
            terms="Unknown to ccf_pipeline: taken as credentialed unless `corpus.sensitivity` says open.",
            adaptations_may_be_shared=True,
        ),
        CorpusTerms(
            kind="demo",
            name="ccf_pipeline's demo corpus",
            sensitivity="open",
            terms="Reports and images are invented by ccf_pipeline: no patient is behind them.",
            adaptations_may_be_shared=True,
        ),
        CorpusTerms(
            kind="studies",
            name="studies of unknown origin",
            sensitivity="credentialed",
            terms="The funnel.json that says where the studies come from is not beside them.",
            adaptations_may_be_shared=False,
        ),
    )
}
