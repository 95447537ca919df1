"""The words of what surrounds the findings: devices, lasting states, normal states and denials."""

from __future__ import annotations

DEVICES: dict[str, tuple[str, ...]] = {
    "att_ett": ("[The |]endotracheal tube{tip}", "[ET tube|ETT]{tip}"),
    "att_tracheostomy": ("[The |A ]tracheostomy tube{tip}", "Tracheostomy tube{tip}"),
    "att_ngt": ("[The |]nasogastric tube{tip}", "[NG|Enteric|Orogastric] tube{tip}"),
    "att_feeding_tube": ("[The |A ]feeding tube{tip}", "Dobhoff [feeding |]tube{tip}"),
    "att_cvc": (
        "[The |A ]{side} internal jugular central [venous catheter|line]{tip}",
        "{side} [subclavian|IJ] central venous catheter{tip}",
    ),
    "att_picc": ("[The |A ]{side} PICC [line |]{tip}", "{side}-sided PICC{tip}"),
    "att_port": ("[The |A ]{side} Port-A-Cath{tip}", "{side} chest wall infusion port{tip}"),
    "att_dialysis_catheter": ("[The |A ]{side} [dialysis|hemodialysis] catheter{tip}",),
    "att_swan_ganz": ("[The |A ]{side} Swan-Ganz catheter{tip}", "{side} pulmonary artery catheter{tip}"),
    "att_pacemaker": ("[The |A ]{side} [dual-lead |]pacemaker{tip}", "{side} chest wall pacemaker{tip}"),
    "att_icd": ("[The |A ]{side} ICD{tip}", "{side} chest wall defibrillator{tip}"),
    "att_valve": (
        "[The |A ]prosthetic [aortic |mitral |]valve{tip}",
        "[Aortic|Mitral] valve prosthesis{tip}",
    ),
    "att_chest_tube": ("[The |A ]{side} chest tube{tip}", "{side} thoracostomy tube{tip}"),
}
DEVICE_TIPS: dict[str, tuple[str, ...]] = {
    "att_ett": (" [tip|terminates|ends] {ett} cm above the carina", " with tip {ett} cm above the carina"),
    "att_tracheostomy": (" is [midline|in place|noted]",),
    "att_ngt": (
        " [courses below the diaphragm|with tip in the stomach|terminates in the stomach]",
        " tip below the diaphragm",
    ),
    "att_feeding_tube": (" with tip in the [stomach|proximal duodenum]", " courses below the diaphragm"),
    "att_pacemaker": (
        " with leads in the [right atrium and right ventricle|right ventricle]",
        " with [intact |]leads",
    ),
    "att_icd": (" with lead in the right ventricle", " with leads [unchanged|as before|in place]"),
    "att_swan_ganz": (" with tip in the [main|right|left] pulmonary artery",),
    "att_valve": (" is [noted|seen|present|in place]",),
    "att_chest_tube": (
        " is in place",
        " [projects|terminates] over the {side} [lung apex|hemithorax|lung base]",
    ),
}
CATHETER_TIPS = (
    " [terminates|ends] in the [lower|mid|upper|distal] SVC",
    " with tip [at the cavoatrial junction|in the lower SVC|in the mid SVC|in the right atrium]",
    " tip projects {below} cm below the carina",
)
DEVICE_IN_SHORT = (
    " in place",
    " [remains |]in place",
    " as [above|described above]",
    " is [noted|present|unchanged]",
)
WELL_PLACED = (
    " is in [standard|appropriate|satisfactory|good|unchanged and appropriate] position",
    " in [standard|appropriate|satisfactory] position",
)
ETT_FAULTS = (
    "tip is at the carina",
    "is too low, 1 cm above the carina",
    "extends into the right main bronchus",
)
MISPLACED: dict[str, str] = {
    "att_ett": " {ettfault} and should be withdrawn",
    "att_ngt": " is coiled in the esophagus and should be repositioned",
    "att_feeding_tube": " is coiled in the esophagus and should be repositioned",
    "att_cvc": " is malpositioned, with tip in the internal jugular vein",
    "att_picc": " is malpositioned, with tip in the internal jugular vein",
}
DEVICE_IN_DOUBT = (
    "[Possible|Questionable] retained catheter fragment projecting over the mediastinum",
    "A [thin |]linear density may represent an external catheter",
)

HABITS: dict[str, tuple[str, ...]] = {
    "att_low_lung_volumes": (
        "There are {gradely} low lung volumes",
        "{gradely} low lung volumes[| again noted| limiting assessment| accentuating the markings]",
    ),
    "att_hyperinflation": (
        "[The |]lungs are {gradely} hyperinflated",
        "{grade} hyperinflation [of the lungs|]{change}",
    ),
    "att_flattened_diaphragm": (
        "Flattening of the hemidiaphragms{change}",
        "[Flattened|Mildly flattened] diaphragms{change}",
    ),
    "att_emphysema": ("{grade} emphysema{change}", "Emphysematous changes [are noted|]{change}"),
    "att_tortuous_aorta": (
        "[The |]aorta is {gradely} tortuous{change}",
        "[Tortuous|Unfolded] [thoracic |]aorta{change}",
    ),
    "att_aortic_calcification": (
        "[Aortic knob|Aortic arch|Aortic] calcification[s are noted| is noted| is present]",
        "Atherosclerotic calcifications [of the aorta|of the aortic arch]{change}",
    ),
    "att_sternotomy_wires": (
        "[Median s|S]ternotomy wires [are intact|are present|are noted|again noted]{change}",
    ),
    "att_surgical_clips": (
        "[Mediastinal|{hand} axillary|Upper abdominal] surgical clips [are noted|are seen|]",
    ),
    "att_degenerative_spine": (
        "[{grade}|Multilevel] degenerative changes [of|in|throughout] the thoracic spine{change}",
        "{grade} thoracic spondylosis{change}",
    ),
    "att_calcified_granuloma": (
        "[A c|C]alcified granuloma [in the {hand} lung|is noted|measuring {few} mm]",
        "{few} mm calcified granuloma [in the {hand} lung|]{change}",
    ),
    "att_hiatal_hernia": ("{hernia} hiatal hernia [is present|is noted|]",),
}

NORMALS: dict[str, tuple[str, ...]] = {
    "nrm_clear_lungs": (
        "[The lungs|Lungs|Both lungs] are clear[| bilaterally]",
        "Clear lungs[| bilaterally]",
    ),
    "nrm_normal_volumes": (
        "[The lungs|Lungs] are [well expanded|well inflated|normally expanded]",
        "Normal lung volumes",
    ),
    "nrm_normal_vascularity": (
        "[The |]pulmonary vasculature is [normal|within normal limits]",
        "Normal pulmonary vascularity",
    ),
    "nrm_hila_normal": (
        "[The |]hila are [unremarkable|normal|within normal limits]",
        "Hilar contours are normal",
    ),
    "nrm_sharp_cpa": ("[The |]costophrenic angles are [sharp|clear]", "Sharp costophrenic angles"),
    "nrm_pleura_normal": ("[The |]pleural surfaces are [clear|unremarkable]", "Pleural spaces are clear"),
    "nrm_midline": ("[The |]trachea is midline", "Midline trachea"),
    "nrm_diaphragm_normal": ("[The |]hemidiaphragms are [normal in position|well defined]",),
    "nrm_bones_unremarkable": (
        "[The |]osseous structures are unremarkable",
        "[Visualized|Imaged] bones [are |]unremarkable",
    ),
    "nrm_no_free_air": (
        "No free air [below|under] the diaphragm",
        "No [subdiaphragmatic free air|free intraperitoneal air]",
    ),
    "nrm_no_acute_process": (
        "No [|evidence of ]acute cardiopulmonary [process|abnormality|disease]",
        "No acute intrathoracic [process|abnormality]",
        "No radiographic evidence of acute cardiopulmonary process",
    ),
    "nrm_normal_heart": (
        "[The |]heart size is [normal|within normal limits]",
        "[The |]heart is normal in size",
        "[Normal heart size|Cardiac size within normal limits]",
    ),
    "nrm_normal_cm_silhouette": (
        "[The |]cardiomediastinal silhouette is [normal|within normal limits|unremarkable]",
        "Normal cardiomediastinal silhouette",
    ),
    "nrm_normal_mediastinum": (
        "[The |]mediastinal contours are [normal|unremarkable|within normal limits]",
        "[The |]mediastinum is unremarkable",
    ),
    "nrm_no_devices": ("No [indwelling |]lines or tubes", "No support devices [are seen|]"),
    "nrm_no_acute_fracture": ("No acute fracture[| is seen| is identified]", "No acute osseous abnormality"),
}
NORMAL_HEART_AND_MEDIASTINUM = (
    "[The |]heart size and mediastinal contours are [normal|within normal limits|unremarkable]"
)
ABSENT_NOUNS: dict[str, tuple[str, ...]] = {
    "fnd_atelectasis": ("atelectasis",),
    "fnd_consolidation": ("focal consolidation", "focal consolidation", "consolidation"),
    "fnd_edema": ("pulmonary edema", "edema"),
    "fnd_lung_lesion": ("pulmonary nodule", "lung mass", "pulmonary nodule or mass"),
    "fnd_lung_opacity": ("focal opacity", "parenchymal opacity"),
    "fnd_pleural_effusion": ("pleural effusion", "pleural effusion", "effusion"),
    "fnd_pleural_other": ("pleural thickening",),
    "fnd_pneumonia": ("pneumonia",),
    "fnd_pneumothorax": ("pneumothorax",),
}
ABSENT = (
    "[No|There is no] {list}",
    "[There is no|No] [evidence of|radiographic evidence of] {list}",
    "No {list} [is seen|is identified|is present|is visualized|seen|identified]",
    "[No|There is no] [definite|convincing] {list}",
)
ABSENT_ON_ONE_SIDE = ("[No|There is no] {side} {noun}", "[No|There is no] {noun} {on}")
