"""Good edits in many styles: told in other words, merged, extended, numbered, denied. All made up."""

from __future__ import annotations

from collections.abc import Iterator

from ccf_pipeline.records import Direction, Pair

TELLINGS: dict[str, tuple[str, ...]] = {
    "fnd_pneumothorax": (
        "There is a small left apical pneumothorax.",
        "Small left apical pneumothorax, measuring 1.2 cm from the apex.",
        "A thin visceral pleural line is seen at the left apex, consistent with a small pneumothorax.",
        "New small left pneumothorax with a visible pleural edge.",
        "Left-sided pneumothorax is identified, small in size, with no mediastinal shift.",
        "A lucency without lung markings along the left chest wall, in keeping with a small pneumothorax.",
        "Moderate left pneumothorax, with about 2 cm of pleural separation laterally.",
        "There is a sliver of air at the left lung apex, indicating a tiny pneumothorax.",
        "The left lung apex shows a pneumothorax, approximately 10%.",
        "Small left pneumothorax without evidence of tension.",
    ),
    "fnd_pleural_effusion": (
        "There is a small left pleural effusion.",
        "Small left pleural effusion with blunting of the costophrenic angle.",
        "A moderate layering left pleural effusion is present.",
        "The left costophrenic sulcus is blunted by a small effusion.",
        "Moderate left-sided pleural fluid with a meniscus.",
        "Left basilar opacity with a meniscus sign, compatible with a moderate pleural effusion.",
        "Small-to-moderate left pleural effusion, tracking along the lateral chest wall.",
        "Bilateral pleural effusions, left greater than right, are seen.",
        "There is new blunting of the left costophrenic angle, consistent with a small pleural effusion.",
    ),
    "fnd_cardiomegaly": (
        "The heart is mildly enlarged.",
        "Moderate cardiomegaly.",
        "The cardiac silhouette is moderately enlarged, with a cardiothoracic ratio above 0.5.",
        "There is mild enlargement of the cardiac silhouette.",
        "Cardiac size is increased, consistent with moderate cardiomegaly.",
        "The heart is enlarged, with prominence of the left ventricular contour.",
        "Mild-to-moderate cardiomegaly is noted.",
        "The transverse cardiac diameter is increased, indicating cardiomegaly.",
    ),
    "fnd_edema": (
        "There is moderate interstitial pulmonary edema.",
        "Perihilar haziness and septal lines are consistent with moderate pulmonary edema.",
        "Mild pulmonary vascular congestion with interstitial edema.",
        "Bilateral perihilar opacities with Kerley B lines, compatible with pulmonary edema.",
        "Indistinct pulmonary vessels and peribronchial cuffing indicate mild edema.",
        "Interstitial thickening with cephalization of vessels, in keeping with mild pulmonary edema.",
        "Moderate pulmonary edema is present bilaterally.",
        "There is alveolar edema in a batwing distribution.",
        "Mild pulmonary edema with small septal lines at the bases.",
    ),
    "fnd_consolidation": (
        "There is dense consolidation in the left lower lobe.",
        "Left lower lobe consolidation with air bronchograms.",
        "Airspace consolidation is present at the left lung base, obscuring the left hemidiaphragm.",
        "A confluent opacity with air bronchograms in the left lower lobe represents consolidation.",
        "Focal consolidation is seen in the lingula.",
        "Patchy consolidation in the right upper lobe, bounded by the minor fissure.",
        "There is homogeneous opacification of the left lower lobe, consistent with consolidation.",
    ),
    "fnd_pneumonia": (
        "Left lower lobe opacity is consistent with pneumonia.",
        "Patchy airspace opacity in the left lower lobe, compatible with pneumonia.",
        "There is a left lower lobe pneumonia.",
        "Focal airspace disease at the left base, in keeping with infectious pneumonia.",
        "Consolidation in the right middle lobe, consistent with pneumonia.",
        "A new patchy opacity in the right upper lobe represents pneumonia.",
        "Findings are those of left lower lobe pneumonia.",
        "Multifocal patchy opacities in both lower lobes, consistent with multifocal pneumonia.",
    ),
    "fnd_lung_opacity": (
        "There is a hazy opacity in the left mid lung.",
        "Patchy opacity at the right lung base.",
        "An ill-defined opacity projects over the left lower lung zone.",
        "Faint airspace opacity is present in the right upper lobe.",
        "Streaky opacities are noted at the left base.",
        "A vague opacity is seen in the right mid lung, adjacent to the hilum.",
        "Subtle increased opacity in the left perihilar region.",
    ),
    "fnd_atelectasis": (
        "Plate-like atelectasis at the left lung base.",
        "There is mild left basilar atelectasis.",
        "Linear opacities at the left base are consistent with subsegmental atelectasis.",
        "Left lower lobe atelectasis with volume loss.",
        "Bibasilar atelectasis is present.",
        "Band-like opacity at the right base, representing discoid atelectasis.",
        "Partial collapse of the left lower lobe, with elevation of the left hemidiaphragm.",
        "Minor dependent atelectasis is noted at both bases.",
    ),
    "fnd_lung_lesion": (
        "There is a 12 mm nodule in the right upper lobe.",
        "A rounded 2.5 cm mass projects over the left mid lung.",
        "A spiculated nodule measuring 18 mm is seen in the right upper lobe.",
        "Solitary pulmonary nodule in the left lower lobe, 9 mm in diameter.",
        "A well-circumscribed nodular opacity is present in the right lower lobe.",
        "Two nodules are seen in the left lung, the largest measuring 8 mm.",
        "There is a lobulated mass in the right upper lobe, approximately 4 cm.",
    ),
    "fnd_enlarged_cardiomediastinum": (
        "The mediastinum is widened.",
        "There is widening of the superior mediastinum.",
        "The mediastinal contour is widened, with an indistinct aortic knob.",
        "The cardiomediastinal silhouette is enlarged.",
        "Mediastinal widening is present, measuring about 9 cm at the level of the arch.",
        "The upper mediastinum appears widened, with loss of the normal aortic contour.",
    ),
    "fnd_fracture": (
        "There is an acute displaced fracture of the left seventh rib.",
        "Acute, mildly displaced fracture of the left lateral 7th rib.",
        "A nondisplaced fracture of the right sixth rib is seen.",
        "Comminuted fracture of the mid left clavicle.",
        "There are fractures of the left fifth through seventh ribs laterally.",
        "Compression fracture of the T8 vertebral body with mild loss of height.",
        "A cortical step-off along the left eighth rib indicates an acute fracture.",
    ),
    "fnd_pleural_other": (
        "There is pleural thickening along the left lateral chest wall.",
        "Calcified pleural plaques are seen along both hemidiaphragms.",
        "Left apical pleural thickening is present.",
        "Mild biapical pleural thickening.",
        "Calcified left pleural plaque.",
        "There is smooth pleural thickening at the right apex.",
    ),
    "fnd_support_devices": (
        "A right PICC terminates in the lower SVC.",
        "A left chest wall pacemaker is present, with leads in the right atrium and right ventricle.",
        "Endotracheal tube tip projects 4 cm above the carina.",
        "An enteric tube courses below the diaphragm.",
        "A right internal jugular central venous catheter ends at the cavoatrial junction.",
        "A left chest tube is in place.",
        "There is a right chest Port-A-Cath with its tip in the SVC.",
    ),
}
CONCLUSIONS: dict[str, tuple[str, ...]] = {
    "fnd_pneumothorax": (
        "Small left pneumothorax.",
        "Left pneumothorax, small.",
    ),
    "fnd_pleural_effusion": (
        "Left pleural effusion.",
        "Small left pleural effusion.",
    ),
    "fnd_cardiomegaly": (
        "Cardiomegaly.",
        "Enlarged heart.",
    ),
    "fnd_edema": (
        "Pulmonary edema.",
        "Mild to moderate pulmonary edema.",
    ),
    "fnd_consolidation": (
        "Consolidation as described.",
        "Lobar consolidation.",
    ),
    "fnd_pneumonia": (
        "Pneumonia.",
        "Findings consistent with pneumonia.",
    ),
    "fnd_lung_opacity": (
        "Lung opacity as above.",
        "Nonspecific opacity.",
    ),
    "fnd_atelectasis": (
        "Atelectasis.",
        "Basilar atelectasis.",
    ),
    "fnd_lung_lesion": (
        "Pulmonary nodule.",
        "Lung lesion as described above.",
    ),
    "fnd_enlarged_cardiomediastinum": (
        "Widened mediastinum.",
        "Mediastinal widening.",
    ),
    "fnd_fracture": (
        "Acute fracture as described.",
        "Acute fracture.",
    ),
    "fnd_pleural_other": (
        "Pleural thickening.",
        "Pleural disease as described.",
    ),
    "fnd_support_devices": (),
}
DENIALS: dict[str, str] = {
    "fnd_pneumothorax": "No pneumothorax.",
    "fnd_pleural_effusion": "No pleural effusion.",
    "fnd_cardiomegaly": "The heart is normal in size.",
    "fnd_edema": "No pulmonary edema.",
    "fnd_consolidation": "No focal consolidation.",
    "fnd_pneumonia": "No evidence of pneumonia.",
    "fnd_lung_opacity": "No focal opacity.",
    "fnd_atelectasis": "No atelectasis.",
    "fnd_lung_lesion": "No nodule or mass.",
    "fnd_enlarged_cardiomediastinum": "The mediastinum is not widened.",
    "fnd_fracture": "No fracture is seen.",
    "fnd_pleural_other": "No pleural thickening.",
    "fnd_support_devices": "No support devices are seen.",
}
LISTS: dict[str, tuple[str, ...]] = {
    "fnd_pneumothorax": (
        "No focal consolidation, pleural effusion or pneumothorax.",
        "No focal consolidation or pleural effusion.",
    ),
    "fnd_pleural_effusion": (
        "No pneumothorax or pleural effusion.",
        "No pneumothorax.",
    ),
    "fnd_edema": (
        "No pleural effusion or pulmonary edema.",
        "No pleural effusion.",
    ),
    "fnd_fracture": (
        "No pneumothorax or rib fracture.",
        "No pneumothorax.",
    ),
    "fnd_lung_lesion": (
        "No pleural effusion, nodule or mass.",
        "No pleural effusion.",
    ),
}
NORMAL: dict[str, tuple[str, ...]] = {
    "fnd_pneumothorax": (
        "No pneumothorax.",
        "No pneumothorax is seen on the left.",
        "The pneumothorax has resolved.",
        "Both lungs are fully expanded without pneumothorax.",
    ),
    "fnd_pleural_effusion": (
        "No pleural effusion.",
        "The costophrenic angles are sharp.",
        "Costophrenic sulci are clear, without effusion.",
    ),
    "fnd_cardiomegaly": (
        "Heart size is normal.",
        "The cardiac silhouette is within normal limits.",
        "The heart is not enlarged.",
    ),
    "fnd_edema": (
        "No pulmonary edema.",
        "Pulmonary vasculature is normal.",
        "The lungs are clear, without edema.",
    ),
    "fnd_consolidation": (
        "The lungs are clear.",
        "No focal consolidation is seen.",
    ),
    "fnd_pneumonia": (
        "The lungs are clear.",
        "No evidence of pneumonia.",
        "No focal airspace opacity to suggest pneumonia.",
    ),
    "fnd_lung_opacity": (
        "The lungs are clear.",
        "No focal opacity.",
    ),
    "fnd_atelectasis": (
        "The lungs are clear.",
        "No atelectasis is seen.",
        "The lung bases are clear.",
    ),
    "fnd_lung_lesion": (
        "No pulmonary nodule or mass.",
        "The lungs are clear.",
        "No suspicious nodule is seen.",
    ),
    "fnd_enlarged_cardiomediastinum": (
        "The mediastinum is normal in width.",
        "Mediastinal contours are within normal limits.",
        "The mediastinum is not widened.",
    ),
    "fnd_fracture": (
        "No fracture is identified.",
        "The visualized ribs are intact.",
        "No acute osseous abnormality.",
    ),
    "fnd_pleural_other": (
        "No pleural thickening.",
        "The pleural surfaces are smooth.",
        "No pleural abnormality.",
    ),
    "fnd_support_devices": (
        "No support devices.",
        "No lines or tubes are present.",
    ),
}
VIEWS, AIR, SPINE, GAS = (
    "Two views of the chest.",
    "No free air under the diaphragm.",
    "Degenerative changes of the thoracic spine.",
    "Gas-filled stomach.",
)
ALL_CLEAR = "No acute cardiopulmonary process."
NOT_ACUTE = ("fnd_support_devices", "fnd_pleural_other", "fnd_enlarged_cardiomediastinum", "fnd_cardiomegaly")


def _report(*findings: str, impression: str = "") -> str:
    return f"FINDINGS: {' '.join(findings)}" + (f"\nIMPRESSION: {impression}" if impression else "")


def _pair(
    style: str, factual: str, candidate: str, target: str, direction: Direction, *leaving: str
) -> tuple[str, Pair]:
    fields = {"pair_id": style, "factual": factual, "candidate": candidate, "target": target}
    return style, Pair.model_validate({**fields, "direction": direction, "swap_from": leaving})


def additions() -> Iterator[tuple[str, Pair]]:
    """Yield the style and the pair, for each way to tell each finding."""
    for target, tellings in TELLINGS.items():
        denial = DENIALS[target]
        report = _report(VIEWS, denial, AIR, SPINE)
        for new in tellings:
            small = new if new[:2].isupper() else new[0].lower() + new[1:]
            for style, edited in (
                ("a denial replaced", _report(VIEWS, new, AIR, SPINE)),
                ("told at the end", _report(VIEWS, AIR, SPINE, new)),
                (
                    "a sentence taken in",
                    _report(VIEWS, f"{new[:-1]}, with no free air under the diaphragm.", SPINE),
                ),
            ):
                yield _pair(style, report, edited, target, "add")
            if target not in NOT_ACUTE:
                concluded = _report(VIEWS, denial, AIR, SPINE, impression=ALL_CLEAR)
                for said in (*CONCLUSIONS[target], new, f"1. {new}"):
                    edited = _report(VIEWS, new, AIR, SPINE, impression=said)
                    yield _pair("an impression reworded", concluded, edited, target, "add")
                numbered = _report(VIEWS, denial, AIR, impression=f"1. {ALL_CLEAR} 2. {SPINE}")
                edited = _report(VIEWS, new, AIR, impression=f"1. {CONCLUSIONS[target][0]} 2. {SPINE}")
                yield _pair("a numbered impression", numbered, edited, target, "add")
            if target in LISTS:
                listed, rest = LISTS[target]
                report_with_list = _report(VIEWS, listed, AIR)
                for edited in (_report(VIEWS, new, rest, AIR), _report(VIEWS, rest, new, AIR)):
                    yield _pair("a list split", report_with_list, edited, target, "add")
                merged = f"{new[:-1]}; {rest[0].lower()}{rest[1:]}"
                yield _pair("a list merged", report_with_list, _report(VIEWS, merged, AIR), target, "add")
            yield _pair(
                "a sentence extended", report, _report(VIEWS, f"{AIR[:-1]}; {small}", SPINE), target, "add"
            )


def removals() -> Iterator[tuple[str, Pair]]:
    """Yield the style and the pair, for each way in which a finding was told."""
    for target, tellings in TELLINGS.items():
        for old in tellings:
            report = _report(VIEWS, old, AIR, GAS)
            yield _pair("dropped", report, _report(VIEWS, AIR, GAS), target, "remove")
            for normal in NORMAL[target]:
                if "resolved" not in normal:
                    yield _pair("denied", report, _report(VIEWS, normal, AIR, GAS), target, "remove")
            if CONCLUSIONS[target]:
                concluded = _report(VIEWS, old, AIR, GAS, impression=CONCLUSIONS[target][0])
                for said in (ALL_CLEAR, NORMAL[target][1]):
                    edited = _report(VIEWS, NORMAL[target][0], AIR, GAS, impression=said)
                    yield _pair("an impression denied", concluded, edited, target, "remove")


def swaps() -> Iterator[tuple[str, Pair]]:
    """Yield the style and the pair, for a choice of two findings."""
    diseases = [finding for finding in TELLINGS if finding != "fnd_support_devices"]
    for place, target in enumerate(diseases):
        for step in (1, 4, 7):
            leaving = diseases[(place + step) % len(diseases)]
            # A pneumonia is an opacity: it cannot take its place.
            if (target, leaving) == ("fnd_pneumonia", "fnd_lung_opacity"):
                continue
            for turn in range(4):
                old = TELLINGS[leaving][turn % len(TELLINGS[leaving])]
                new = TELLINGS[target][(turn * 3 + 1) % len(TELLINGS[target])]
                report = _report(VIEWS, old, AIR, GAS, impression=CONCLUSIONS[leaving][0])
                edited = _report(VIEWS, new, AIR, GAS, impression=CONCLUSIONS[target][0])
                yield _pair("swapped", report, edited, target, "swap", leaving)
