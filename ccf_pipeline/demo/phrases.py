"""The words of the demo's findings, doubts, changes and signs, in the grammar of `grammar.py`.

All of it was written for this project; nothing is taken from a real report.
"""

from __future__ import annotations

from typing import NamedTuple


class NounPhrase(NamedTuple):
    """A finding as a noun; `counted` nouns follow the side in number and take an article."""

    template: str
    counted: bool = False


# By finding, then by the form that it takes.
NOUNS: dict[str, dict[str | None, tuple[NounPhrase, ...]]] = {
    "fnd_atelectasis": {
        None: (
            NounPhrase("{sev} {locus} atelectasis"),
            NounPhrase("{sev} atelectasis {place}"),
            NounPhrase("{sev} [compressive|passive|dependent|relaxation|] atelectasis {place}"),
        )
    },
    "fnd_cardiomegaly": {
        None: (
            NounPhrase("{sev} cardiomegaly"),
            NounPhrase("{sev} enlargement of the cardiac silhouette"),
            NounPhrase("{sev} cardiac enlargement"),
        )
    },
    "fnd_consolidation": {
        None: (
            NounPhrase("{locus} consolidation"),
            NounPhrase("[dense|confluent|focal|] consolidation {place}"),
            NounPhrase("[dense|ill-defined|] {locus} consolidation"),
        )
    },
    "fnd_edema": {
        None: (
            NounPhrase("{sev} {side} pulmonary edema"),
            NounPhrase("{sev} {side} [interstitial|pulmonary interstitial] edema"),
            NounPhrase("{sev} pulmonary edema {on}"),
        )
    },
    "fnd_enlarged_cardiomediastinum": {
        "att_widened_mediastinum": (
            NounPhrase("{sev} widening of the [superior mediastinum|mediastinum]"),
            NounPhrase("a {sevly} widened [|superior ]mediastinum"),
        ),
        None: (
            NounPhrase("{sev} enlargement of the cardiomediastinal silhouette"),
            NounPhrase("a {sevly} enlarged cardiomediastinal silhouette"),
        ),
    },
    "fnd_fracture": {
        "att_acute_fracture": (
            NounPhrase("{a} acute {side} {bone} fracture{s}", True),
            NounPhrase("{a} acute fracture{s} of the {side} {nthbone}", True),
        ),
        "att_healed_fracture": (
            NounPhrase("{a} [healed|old|remote|old healed] {side} {bone} fracture{s}", True),
            NounPhrase("{a} [healed|old|remote] fracture{s} of the {side} {nthbone}", True),
        ),
        "att_vertebral_compression": (
            NounPhrase("a compression fracture of a {level} thoracic vertebral body"),
            NounPhrase("a {level} thoracic compression fracture with {pct}% height loss"),
            NounPhrase("a {level} thoracic vertebral compression fracture"),
        ),
        None: (
            NounPhrase("{a} {side} {bone} fracture{s}", True),
            NounPhrase("{a} fracture{s} of the {side} {nthbone}", True),
        ),
    },
    "fnd_lung_lesion": {
        "att_nodule": (
            NounPhrase("a {mm} mm [pulmonary|lung|] nodule {place}"),
            NounPhrase("a {locus} nodule measuring {mm} mm"),
            NounPhrase("a [rounded|well-defined|ill-defined|] {mm} mm {locus} nodule"),
        ),
        "att_mass": (
            NounPhrase("a {cm} cm [lung|] mass {place}"),
            NounPhrase("a {cm} x {cm2} cm {locus} mass"),
            NounPhrase("a [rounded|lobulated|] mass {place}, measuring {cm} cm"),
        ),
        "att_multiple_nodules": (
            NounPhrase("multiple nodules {place}, measuring up to {mm} mm"),
            NounPhrase("multiple nodules {place}, the largest {mm} mm"),
            NounPhrase("innumerable [|small ]nodules {place}"),
        ),
    },
    "fnd_lung_opacity": {
        None: (
            NounPhrase("{a} {sev} [focal|vague|nonspecific|] opacit{y} {place}", True),
            NounPhrase("{a} {sev} {locus} opacit{y}", True),
            NounPhrase("{sev} opacification {place}"),
        )
    },
    "fnd_pleural_effusion": {
        None: (
            NounPhrase("{a} {sev} {side} pleural effusion{s}", True),
            NounPhrase("{a} {sev} {side} effusion{s}", True),
            NounPhrase("{a} {sev} pleural effusion{s} {on}", True),
        )
    },
    "fnd_pleural_other": {
        "att_pleural_thickening": (
            NounPhrase("{sev} {side} pleural thickening"),
            NounPhrase("{sev} pleural thickening {on}"),
        ),
        "att_apical_cap": (
            NounPhrase("{sev} apical pleural thickening {on}"),
            NounPhrase("{sev} {side} apical pleural capping"),
        ),
        None: (NounPhrase("{sev} {side} pleural scarring"), NounPhrase("{sev} pleural scarring {on}")),
    },
    "fnd_pneumonia": {
        None: (
            NounPhrase("{locus} pneumonia"),
            NounPhrase("pneumonia {place}"),
            NounPhrase("a [developing|superimposed|] infectious process {place}"),
        )
    },
    "fnd_pneumothorax": {
        None: (
            NounPhrase("{a} {sev} {side} {heights} pneumothora{x}", True),
            NounPhrase("{a} {sev} {heights} pneumothora{x} {on}", True),
        )
    },
}
ALWAYS_PLURAL = frozenset({"att_multiple_nodules", "att_kerley_b", "att_air_bronchogram", "att_spiculation"})

PRESENT = (
    "[There {is}|There {is}|There {is} evidence of] {again} {np}{with}{change}",
    "{np} {is} {again} [seen|noted|present|identified|demonstrated|visualized|evident]{with}{change}",
    "[There {is}|The [film|radiograph|study|image|exam] [shows|demonstrates|reveals]] {np}{with}{change}",
    "[Note is made of|Evidence of|Findings of] {np}{with}{change}",
)
PRESENT_TERSE = ("{np}{with}{change}", "{np}{change}{with}")
IN_DOUBT = (
    "[Possible|Questionable|Suspected] {np}{change}",
    "{np} cannot be [excluded|ruled out|entirely excluded]",
    "{np} {is} [possible|not excluded|difficult to exclude]",
    "[Findings|The findings|Appearances] [may|could|might] [represent|reflect|suggest] {np}",
    "[Question of|Concern for|Suspicion of] {np}",
    "There may be {np}{change}",
    "[Cannot exclude|Difficult to exclude] {np}",
)
OPACITY_IN_DOUBT = (
    "{np}{with} [may|could|might] [represent|reflect|be due to] {doubts}",
    "{np}{with}, [possibly|questionable for|concerning for|suspicious for] {doubts}",
    "{np}{with}{change}, {doubts} not excluded",
    "{np} {is} [seen|noted|present]{with}, which [may|could|might] represent {doubts}",
)
# Seven present findings in eight end without one of these.
QUALIFIERS = (
    ", allowing for [differences in technique|patient rotation|differences in positioning]",
    ", [best|better] seen on the frontal [view|projection]",
    ", [accounting for|given] [differences in inspiration|patient positioning|the degree of inspiration]",
    ", as [suspected clinically|described previously|on the earlier film]",
    ", [more conspicuous|less conspicuous] on this projection",
)
RESOLVED = (
    "[Previously seen|Previously noted|The previously described|Prior] {np} {has} [resolved|cleared]",
    "{np} {has} resolved [since|compared to] [the prior study|___]",
)

CHANGES: dict[str, tuple[str, ...]] = {
    "new": (
        ", new [since|from|compared to|compared with] [the prior study|the prior|___|the study of ___]",
        ", not seen previously",
        ", new [in the interval|from yesterday|from ___]",
    ),
    "unchanged": (
        ", [unchanged|stable|grossly unchanged|similar to prior|without interval change]",
        ", [unchanged|stable|grossly unchanged] [since|from|compared to] [the prior study|the exam of ___]",
    ),
    "worsened": (
        ", [slightly |markedly |][worsened|increased|progressed] [since|compared to|from] [the prior|___]",
        ", with interval worsening",
    ),
    "improved": (
        ", [slightly |mildly |markedly |][improved|decreased] [since|compared to|from] [the prior|___]",
        ", with interval improvement",
    ),
}

SIGN_NOUNS: dict[str, tuple[str, ...]] = {
    "att_blunted_cpa": ("[mild |]blunting of {angle}", "[slight |]blunting of {sulcus}"),
    "att_meniscus": (
        "a meniscus {on}",
        "a [meniscus sign|meniscoid opacity] {on}",
        "a lateral meniscus {on}",
    ),
    "att_layering_fluid": (
        "[|free-flowing, ]layering pleural fluid {on}",
        "posteriorly layering pleural fluid {on}",
    ),
    "att_fissural_fluid": ("fluid in the [fissure|major fissure]", "fluid tracking in the fissure {on}"),
    "att_vascular_congestion": (
        "[mild |moderate |][pulmonary vascular|central vascular|pulmonary venous] congestion",
    ),
    "att_cephalization": (
        "cephalization of [the |]vessels",
        "[upper zone|upper lobe vascular] redistribution",
    ),
    "att_kerley_b": (
        "Kerley B lines [at the periphery|at the lung bases|laterally|]",
        "septal lines [laterally|]",
    ),
    "att_perihilar_haze": ("[|mild |central ]perihilar [haze|haziness]", "hilar indistinctness"),
    "att_peribronchial_cuffing": ("[|mild ][peribronchial|bronchial] cuffing", "peribronchial thickening"),
    "att_interstitial_thickening": ("[mild |diffuse |]interstitial [thickening|prominence]",),
    "att_visceral_pleural_line": (
        "a [thin |]visceral pleural line {on}",
        "a visceral pleural line {few} mm from the [lateral |]chest wall",
    ),
    "att_absent_markings": (
        "absent lung markings [peripherally|beyond the pleural edge|laterally]",
        "absence of vascular markings [peripherally|laterally]",
    ),
    "att_deep_sulcus": ("a deep sulcus [sign |]{on}", "a deepened costophrenic sulcus {on}"),
    "att_subq_emphysema": (
        "subcutaneous [emphysema|air|gas] {on}",
        "[mild |extensive |]subcutaneous [emphysema|air] in the chest wall",
    ),
    "att_shift_away": ("contralateral mediastinal shift", "mediastinal shift away from the affected side"),
    "att_air_bronchogram": ("[visible |]air bronchograms",),
    "att_airspace_opacity": (
        "[patchy|fluffy|confluent|] airspace [opacity|opacification] {place}",
        "airspace disease {place}",
    ),
    "att_silhouette_sign": ("obscuration of the [adjacent |]hemidiaphragm", "a silhouette sign {place}"),
    "att_ground_glass": ("[mild |diffuse |]ground-glass opacity {place}", "hazy opacity {place}"),
    "att_retrocardiac_opacity": ("[|increased |dense ]retrocardiac [opacity|density|opacification]",),
    "att_linear_opacity": ("[linear|plate-like|bandlike|discoid|subsegmental] atelectasis {place}",),
    "att_volume_loss": ("[mild |]volume loss {on}", "loss of volume {on}"),
    "att_crowding": ("crowding of the bronchovascular markings", "[bronchovascular|vascular] crowding"),
    "att_elevated_hemidiaphragm": (
        "[mild |]elevation of the {side} hemidiaphragm",
        "a elevated {side} hemidiaphragm",
    ),
    "att_ctr_gt_half": ("an increased cardiothoracic ratio of 0.{ctr}", "an increased cardiothoracic ratio"),
    "att_displacement": ("[mild |minimal |]displacement of the fragments", "{few} mm of displacement"),
    "att_callus": ("[bridging |]callus formation",),
    "att_cortical_discontinuity": ("cortical [discontinuity|disruption]", "a cortical break"),
    "att_spiculation": ("spiculated margins",),
}
SIGN_SEEN = (
    "There {is} {np}",
    "[Associated|Accompanying] {np} {is} [seen|noted|present]",
    "Note is made of {np}",
    "{np} {is} [also |][seen|noted|present|evident]",
)
