"""Dictation, normal states that are denied, and denials with a reservation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from tests.reader.generated.frames import (
    ABSENT,
    ATELECTASIS,
    CARDIOMEGALY,
    CONSOLIDATION,
    EDEMA,
    EFFUSION,
    PNEUMOMEDIASTINUM,
    PNEUMONIA,
    PNEUMOTHORAX,
    PRESENT,
    SIDED,
    UNCERTAIN,
    UNSAID,
    Frames,
    Written,
    make_sentence,
    only,
)

# --- dictation ------------------------------------------------------------------------------


def write_dictations(chance: random.Random) -> Iterator[Written]:
    words = (
        ("eff", "fnd_pleural_effusion"), ("pl eff", "fnd_pleural_effusion"), ("effs", "fnd_pleural_effusion"),
        ("pleural effs", "fnd_pleural_effusion"), ("PTX", "fnd_pneumothorax"), ("ptx", "fnd_pneumothorax"),
        ("PNA", "fnd_pneumonia"), ("pna", "fnd_pneumonia"), ("infxn", "fnd_pneumonia"), ("atx",
         "fnd_atelectasis"),
        ("atel", "fnd_atelectasis"), ("consol", "fnd_consolidation"), ("opac", "fnd_lung_opacity"),
        ("opacs", "fnd_lung_opacity"), ("fx", "fnd_fracture"), ("rib fx", "fnd_fracture"), ("rib fxs",
         "fnd_fracture"),
        ("LAD", "att_lymphadenopathy"), ("hilar LAD", "att_lymphadenopathy"), ("vol loss", "att_volume_loss"),
        ("pulm edema", "fnd_edema"), ("interst edema", "fnd_edema"), ("CHF", "att_chf_pattern"),
        ("vasc congestion", "att_vascular_congestion"), ("pulm vasc congestion", "att_vascular_congestion"),
        ("cardiomeg", "fnd_cardiomegaly"), ("nod", "fnd_lung_lesion"),
        ("pulm nods", "fnd_lung_lesion"), ("pl thickening", "fnd_pleural_other"),
        ("subq emphysema", "att_subq_emphysema"), ("SQ emphysema", "att_subq_emphysema"),
        ("hyperinfl", "att_hyperinflation"), ("GGO", "att_ground_glass"),
        ("infilt", "fnd_lung_opacity"), ("infiltrate", "fnd_lung_opacity"), ("compression fx",
         "att_vertebral_compression"),
    )  # fmt: skip
    denials = (
        "No {w}.",
        "no {w}",
        "w/o {w}",
        "No e/o {w}.",
        "neg for {w}",
        "No acute {w}.",
        "NO {w}",
        "No evid of {w}.",
    )
    assertions = ("{w}.", "There is {w}.", "c/w {w}", "Unch {w}.", "New {w}.", "Stable {w}", "Incr {w}.",
                  "Decr {w}.",
                  "+{w}", "pt has {w}", "Findings c/w {w}.")  # fmt: skip
    doubts = ("Poss {w}.", "poss. {w}", "?{w}", "c/f {w}", "s/o {w}", "{w} poss.", "cannot r/o {w}",
              "{w} not excl.", "susp {w}",
              "? {w}", "{w} vs artifact")  # fmt: skip
    for (word, concept), (frames, states, number) in product(
        words, ((denials, (ABSENT,), 2), (assertions, (PRESENT,), 2), (doubts, (UNCERTAIN,), 2))
    ):
        for frame in chance.sample(frames, number):
            if frame == "No acute {w}." and concept not in ("fnd_pneumonia", "fnd_pneumothorax"):
                frame = "No {w}."
            yield frame.format(w=word), (only(concept, *states),)
    sides = (("L", "left"), ("R", "right"), ("lt", "left"), ("rt", "right"), ("Lt", "left"), ("R-sided",
             "right"),
             ("bilat", "bilateral"), ("b/l", "bilateral"), ("LLL", "left"), ("RUL", "right"), ("RLL",
              "right"),
             ("L basilar", "left"), ("R basal", "right"), ("bibas", "bilateral"))  # fmt: skip
    degrees = (
        ("sm", "small"),
        ("mod", "moderate"),
        ("lg", "large"),
        ("tr", "trace"),
        ("min", "minimal"),
        ("sl", "slight"),
    )
    for (short, side), (word, concept) in product(
        sides, (("eff", "fnd_pleural_effusion"), ("atel", "fnd_atelectasis"), ("opac", "fnd_lung_opacity"))
    ):
        grade, severity = chance.choice(degrees)
        text = f"{grade} {short} {word}" if concept != "fnd_lung_opacity" else f"{short} {word}"
        yield text, (only(concept, PRESENT, side=side, severity=None if "opac" in word else severity),)
    for text, concept, state in (
        ("Heart WNL.", "fnd_cardiomegaly", ABSENT),
        ("Heart sl enlarged.", "fnd_cardiomegaly", PRESENT), ("Heart size nml.", "fnd_cardiomegaly", ABSENT),
        ("Heart mildly enl.", "fnd_cardiomegaly", PRESENT), ("Mild cardiomeg.", "fnd_cardiomegaly", PRESENT),
        ("Lungs clr.", "fnd_lung_opacity", ABSENT), ("Lungs CTA.", "fnd_pneumothorax", UNSAID),
        ("Lungs nl.", "fnd_lung_opacity", ABSENT), ("Bones nl.", "fnd_lung_lesion", UNSAID),
        ("NAD.", "nrm_no_acute_process|fnd_no_finding", PRESENT), ("No acute cardiopulm dz.",
         "nrm_no_acute_process", PRESENT),
        ("CXR nl.", "fnd_no_finding", PRESENT),
        ("CXR neg.", "fnd_no_finding", PRESENT), ("Nml chest.", "fnd_no_finding", PRESENT),
        ("4 cm infrahilar LAD", "att_lymphadenopathy", PRESENT), ("No acute dz.", "nrm_no_acute_process",
         PRESENT),
        ("Nodule 2 CM.", "fnd_cardiomegaly", UNSAID), ("ETT 3 CM above carina.", "fnd_cardiomegaly", UNSAID),
        ("LAD stent.", "att_lymphadenopathy", UNSAID), ("Calcified LAD.", "att_lymphadenopathy", UNSAID),
    ):  # fmt: skip
        yield text, (only(concept, state),)


# --- negated normals and qualified denials --------------------------------------------------


def write_negated_normals(chance: random.Random) -> Iterator[Written]:
    adverbs = ("", "entirely", "completely", "quite", "fully")
    nots = ("is not", "isn't", "does not appear", "is no longer", "was not")
    table = (
        ("heart", "normal in size", "nrm_normal_heart", "fnd_cardiomegaly", (PRESENT, UNCERTAIN)),
        ("cardiac silhouette", "normal", "nrm_normal_heart", "fnd_cardiomegaly", (PRESENT, UNCERTAIN)),
        ("right lung", "clear", "nrm_clear_lungs", "fnd_lung_opacity", (UNSAID, PRESENT, UNCERTAIN)),
        ("left lung", "well expanded", "nrm_normal_volumes", "att_hyperinflation", (UNSAID,)),
        ("left lung", "fully inflated", "nrm_normal_volumes", "att_hyperinflation", (UNSAID,)),
        ("right lung", "well aerated", "nrm_normal_volumes|nrm_clear_lungs", "att_hyperinflation", (UNSAID,)),
        ("mediastinum", "normal", "nrm_normal_mediastinum", "nrm_midline", (UNSAID,)),
        ("left costophrenic angle", "sharp", "nrm_sharp_cpa", "att_blunted_cpa",
         (UNSAID, PRESENT, UNCERTAIN)),
        ("trachea", "midline", "nrm_midline", "nrm_trachea_midline", (UNSAID, ABSENT)),
        ("left hemidiaphragm", "well defined", "nrm_diaphragm_normal", "nrm_no_effusion", (UNSAID,)),
        ("pulmonary vasculature", "normal", "nrm_normal_vascularity", "nrm_no_congestion", (UNSAID,)),
        ("right hilum", "normal", "nrm_hila_normal", "nrm_no_nodule_mass", (UNSAID,)),
        ("tube", "in satisfactory position", "nrm_devices_ok", "nrm_no_devices", (UNSAID,)),
        ("rib cage", "intact", "nrm_bones_intact", "nrm_no_acute_fracture", (UNSAID,)),
    )  # fmt: skip
    for (part, normal, state, finding, states), verb in product(table, nots):
        adverb = chance.choice(adverbs)
        expected = (only(state, UNSAID, ABSENT), only(finding, *states))
        yield make_sentence(f"The {part} {verb} {adverb} {normal}"), expected
    for part, normal, state, finding, _ in table:
        yield make_sentence(f"Not {normal}: the {part}"), (only(state, UNSAID, ABSENT),)
        yield (
            make_sentence(f"The {part} is {normal}"),
            (only(state, PRESENT), only(finding, ABSENT, UNSAID, PRESENT)),
        )
        yield make_sentence(f"The {part} remains {normal}"), (only(state, PRESENT),)
    for text, concept, states in (
        ("Lungs are not well expanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are not well expanded.", "att_low_lung_volumes", (PRESENT, UNSAID)),
        ("The lungs are not fully expanded.", "att_low_lung_volumes", (PRESENT, UNSAID)),
        ("The lungs are less than fully inflated.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are poorly expanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are underexpanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are not hyperinflated.", "att_hyperinflation", (ABSENT,)),
        ("The lungs are far from clear.", "nrm_clear_lungs", (ABSENT, UNSAID)),
        ("The lungs are anything but clear.", "nrm_clear_lungs", (ABSENT, UNSAID)),
        ("Abnormal chest.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("Not a normal chest radiograph.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("The chest is not normal.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("The study is not normal.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("Heart is nonenlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("Nonenlarged heart.", "fnd_cardiomegaly", (ABSENT,)),
        ("Non-enlarged cardiac silhouette.", "fnd_cardiomegaly", (ABSENT,)),
        ("The heart appears nonenlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("Unenlarged heart.", "fnd_cardiomegaly", (ABSENT,)),
        ("Cardiomediastinal silhouette is non-enlarged.", "fnd_enlarged_cardiomediastinum", (ABSENT,)),
        ("The heart is not abnormally enlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("The heart is not abnormal.", "fnd_cardiomegaly", (ABSENT, UNSAID)),
        ("Heart size is normal, not enlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("The mediastinum is nonwidened.", "fnd_enlarged_cardiomediastinum", (ABSENT,)),
        ("Nondilated aorta.", "att_aortic_aneurysm", (ABSENT, UNSAID)),
        ("Lungs are nonconsolidated.", "fnd_consolidation", (ABSENT, UNSAID)),
        ("The trachea is nondeviated.", "att_tracheal_deviation", (ABSENT, UNSAID)),
        ("Noncalcified nodule.", "att_calcified_granuloma", (ABSENT, UNSAID)),
        ("Noncalcified pulmonary nodule in the right apex.", "fnd_lung_lesion", (PRESENT,)),
        ("Nondisplaced rib fracture.", "fnd_fracture", (PRESENT,)),
        ("Nondisplaced rib fracture.", "att_displacement", (ABSENT, UNSAID)),
        ("Nonloculated effusion.", "fnd_pleural_effusion", (PRESENT,)),
        ("Nonobstructive atelectasis.", "fnd_atelectasis", (PRESENT,)),
        ("Healed rib deformities.", "label:fnd_fracture", (PRESENT,)),
        ("Old healed left rib deformities.", "att_healed_fracture", (PRESENT,)),
        ("Old right rib deformity.", "label:fnd_fracture", (PRESENT, UNCERTAIN)),
        ("Healed deformity of the right clavicle.", "label:fnd_fracture", (PRESENT,)),
        ("Chronic post-traumatic deformities of the left ribs.", "label:fnd_fracture", (PRESENT,)),
        ("Remote healed rib fractures.", "att_healed_fracture", (PRESENT,)),
        ("Calcified mediastinal node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified mediastinal lymph nodes.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Prominent calcified mediastinal lymph node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Large calcified mediastinal lymph nodes.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified hilar and mediastinal nodes, unchanged.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified right paratracheal node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Negative.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Negative.", "fnd_no_finding", (PRESENT,)),
        ("Normal.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Normal.", "fnd_no_finding", (PRESENT,)),
        ("Unremarkable.", "fnd_no_finding", (PRESENT,)),
        ("Negative chest.", "fnd_no_finding", (PRESENT,)),
        ("Negative examination.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Negative chest x-ray.", "fnd_no_finding", (PRESENT,)),
        ("Negative for pneumothorax.", "fnd_no_finding", (UNSAID,)),
    ):  # fmt: skip
        yield text, (only(concept, *states),)


def write_qualified_denials(chance: random.Random) -> Iterator[Written]:
    normal = {
        "fnd_pleural_effusion": "nrm_no_effusion", "fnd_pneumothorax": "nrm_no_pneumothorax",
        "fnd_consolidation": "nrm_no_consolidation", "fnd_edema": "nrm_no_edema",
        "fnd_pneumonia": "nrm_no_pneumonia",
    }  # fmt: skip
    findings = (EFFUSION, PNEUMOTHORAX, CONSOLIDATION, EDEMA, PNEUMONIA)
    narrow = ("large", "sizable", "overt", "gross", "massive", "large-volume", "substantial",
              "sizeable", "significantly large", "moderate or large", "large or moderate")  # fmt: skip
    openings = ("No", "There is no", "Without", "No evidence of")
    for finding, word in product(findings, narrow):
        opening = chance.choice(openings)
        expected = (only(finding.concept, ABSENT, UNCERTAIN), only(normal[finding.concept], UNSAID))
        yield make_sentence(f"{opening} {word} {finding.noun}"), expected
    plain = ("definite", "convincing", "obvious", "evident", "visible", "discernible", "focal",
             "identifiable",
             "apparent", "radiographic evidence of", "evidence of any", "clear")  # fmt: skip
    for finding, word in product(findings, plain):
        yield (
            make_sentence(f"{chance.choice(openings[:3])} {word} {finding.noun}"),
            (only(finding.concept, ABSENT, UNCERTAIN),),
        )
    for finding in (EFFUSION, PNEUMOTHORAX, ATELECTASIS, EDEMA):
        for frame in ("No more than trace {x}.", "At most a trace {x}.", "No more than mild {x}.",
                      "Trace {x} at most.",
                      "Nothing more than minimal {x}.", "No worse than mild {x}.", "Only trace {x}.",
                      "No significant {x}, trace at most.", "Not more than minimal {x}."):  # fmt: skip
            states = (ABSENT, UNCERTAIN) if "significant" in frame else (PRESENT, UNCERTAIN)
            yield make_sentence(frame.format(x=finding.noun)), (only(finding.concept, *states),)
        for frame in ("No {x} of significant size.", "No {x} of any size.", "No {x} of note.",
                      "No {x} whatsoever.",
                      "No {x} at all."):  # fmt: skip
            yield make_sentence(frame.format(x=finding.noun)), (only(finding.concept, ABSENT, UNCERTAIN),)
    yield from (
        ("Vascular congestion without overt edema.", (only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion. No overt edema.", (only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Mild congestion, no overt pulmonary edema.", (only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Mild vascular congestion but no edema.", (only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("There is pulmonary vascular congestion with no frank edema.", (only("label:fnd_edema",
         ABSENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion.", (only("label:fnd_edema", PRESENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion with edema.", (only("label:fnd_edema", PRESENT),)),
        ("No acute displaced rib fracture.", (only("fnd_fracture", ABSENT),)),
        ("No displaced rib fracture.", (only("fnd_fracture", ABSENT, UNCERTAIN),
         only("nrm_no_acute_fracture", UNSAID))),
        ("No acute rib fracture.", (only("nrm_no_acute_fracture", PRESENT),)),
        ("No lobar consolidation.", (only("fnd_consolidation", ABSENT),)),
        ("No new consolidation.", (only("fnd_consolidation", ABSENT, UNCERTAIN),)),
        ("No tension pneumothorax.", (only("fnd_pneumothorax", ABSENT, UNCERTAIN, UNSAID),)),
        ("No pneumothorax under tension.", (only("fnd_pneumothorax", ABSENT, UNCERTAIN, UNSAID),)),
    )  # fmt: skip


# --- exceptions, answers and what was done before ---------------------------------------------


def write_exceptions(chance: random.Random) -> Iterator[Written]:
    """Yield a finding that is denied but for one place, double denials, and answers behind a colon."""
    degrees = ("", "a trace", "a small amount")
    excepts = ("except", "except for", "other than", "apart from", "with the exception of")
    for finding, side in product(SIDED, ("left", "right")):
        word, degree = chance.choice(excepts), chance.choice(degrees)
        place = chance.choice((f"at the {side} base", f"on the {side}", f"in the {side} upper zone"))
        if degree and finding in (EFFUSION, PNEUMOTHORAX):
            word = {"except": "except for"}.get(word, word)
            yield (
                f"No {finding.noun} {word} {degree} {place}.",
                (only(finding.concept, PRESENT, side=side),),
            )
        else:
            yield f"No {finding.noun} except {place}.", (only(finding.concept, PRESENT, side=side),)
        known = f"No {finding.noun} {chance.choice(excepts[1:])} the known {side} one."
        yield known, (only(finding.concept, PRESENT, side=side),)
    frames = Frames(chance)
    yield from frames.fill(
        ("The chest is not {free} {!x}.", "The lungs are not {how} {free} {!x}.", "This is not {free} {!x}.",
         "The film is not {normal}: there is {a}.", "The study is not {normal}; {a} is seen.",
         "The base is not {odd}, compatible with {x}."),
        PRESENT, free=("free of", "clear of", "without"), how=("entirely", "completely", "quite"),
        normal=("normal", "negative", "unremarkable", "clear"), odd=("ventilated", "transradiant"),
    )  # fmt: skip
    yield from frames.fill(
        ("{x}: {open}.", "Neither {!x} nor cavitation can be {verb}.", "Hazy film, {!x} v. artifact."),
        UNCERTAIN, open=("unable to exclude", "cannot be excluded", "possible", "not excluded"),
        verb=("excluded", "ruled out"),
    )  # fmt: skip
    yield from frames.fill(
        ("{film} {done} to {ask} {!x}.", "{film} {done} for exclusion of {!x}."), UNSAID,
        film=("Portable film", "Single view", "A second radiograph", "Examination"),
        done=("obtained", "performed", "was acquired"),
        ask=("evaluate for", "assess for", "detect", "rule out", "exclude"), drawn=40,
    )  # fmt: skip
    yield from frames.fill(
        ("{the} seen earlier, which has since {gone}.", "There was {a}, which has since {gone}.",
         "{x} negative, bowel gas positive.", "{a} was described on CT but is not {seen} on this film."),
        ABSENT, gone=("resolved", "cleared", "disappeared"), seen=("visible", "seen", "identified"),
    )  # fmt: skip
    yield from Frames(chance, (EDEMA, CARDIOMEGALY, PNEUMOMEDIASTINUM)).fill(
        ("{film} {done} to {ask} {!x}, and none is seen.", "{day} there was {a}; today there is none."),
        ABSENT, film=("A film", "This view"), done=("was acquired", "was taken"),
        ask=("detect", "assess for"), day=("Yesterday", "Earlier", "Initially"),
    )  # fmt: skip
    for finding in SIDED:
        noun = finding.noun
        yield f"The left {noun} has {chance.choice(('cleared', 'resolved'))}, the right has not.", (
            only(finding.concept, ABSENT, side="left"), only(finding.concept, PRESENT, side="right"),
        )  # fmt: skip
        yield (
            f"{noun} at the right base, none at the apex.",
            (only(finding.concept, PRESENT, side="right"),),
        )
