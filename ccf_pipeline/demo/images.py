"""Small chest films drawn from the ground truth: recognisable, crude, and written as JPEG or DICOM."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccf_pipeline.demo.cases import DeviceSeen, Fact
from ccf_pipeline.demo.patients import DemoImage, seeded_random
from ccf_pipeline.records import Side

if TYPE_CHECKING:
    from ccf_pipeline.demo.studies import DemoStudy

Pixels = npt.NDArray[np.float64]
_SIZES = ((224, 192), (208, 208), (240, 200))
_GROWTH = {
    "trace": 0.5,
    "tiny": 0.5,
    "minimal": 0.6,
    "mild": 0.8,
    "small": 0.8,
    "subtle": 0.6,
    "borderline": 0.5,
}
_GROWTH |= {"moderate": 1.3, "large": 2.0, "severe": 1.9, "extensive": 1.8}
_BONES = {
    "rib": (0.33, 0.45),
    "clavicle": (0.2, 0.13),
    "humerus": (0.45, 0.24),
    "scapula": (0.4, 0.3),
    "spine": (0.0, 0.6),
    "thoracic spine": (0.0, 0.6),
    "sternum": (0.0, 0.42),
}
_HEIGHTS = {"upper lobe": 0.3, "apex": 0.2, "middle lobe": 0.6, "lingula": 0.6, "mid zone": 0.48}


def image_size(image: DemoImage) -> tuple[int, int]:
    """Rows and columns, known from the id."""
    return _SIZES[int(image.dicom_id[:8], 16) % len(_SIZES)]


def write_image(path: Path, study: DemoStudy, image: DemoImage) -> None:
    """Draw one exposure and write it as what its suffix says."""
    pixels = draw_image(study, image)
    if path.suffix == ".dcm":
        from ccf_pipeline.demo.dicom import write_dicom

        write_dicom(path, pixels, study, image)
    else:
        Image.fromarray((pixels * 255).astype(np.uint8)).save(path, "JPEG", quality=85)


def draw_image(study: DemoStudy, image: DemoImage) -> Pixels:
    """A film as brightness from 0 to 1; the patient's right is on the left of a frontal view."""
    rng = seeded_random(image.dicom_id)
    canvas = _Canvas(*image_size(image), rng)
    if image.view in ("AP", "PA"):
        _draw_frontal(canvas, study)
    else:
        _draw_lateral(canvas, study)
    return canvas.develop()


class _Canvas:
    """Coordinates run from 0 to 1 across (x) and down (y), whatever the size."""

    def __init__(self, rows: int, columns: int, rng: random.Random) -> None:
        self.y, self.x = np.mgrid[0:rows, 0:columns].astype(float)
        self.y /= rows
        self.x /= columns
        self.light: Pixels = np.full((rows, columns), 0.04)
        self.rng = rng
        self._noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))

    def ellipse(self, x: float, y: float, width: float, height: float, soft: float = 0.12) -> Pixels:
        """1 inside, 0 outside, with a soft rim."""
        distance = np.sqrt(((self.x - x) / width) ** 2 + ((self.y - y) / height) ** 2)
        return np.asarray(np.clip((1 - distance) / soft + 0.5, 0, 1))

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float = 0.006) -> Pixels:
        """A stroke with soft edges."""
        (x0, y0), (x1, y1) = start, end
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        along = np.clip(((self.x - x0) * (x1 - x0) + (self.y - y0) * (y1 - y0)) / length, 0, 1)
        distance = np.hypot(self.x - x0 - along * (x1 - x0), self.y - y0 - along * (y1 - y0))
        return np.asarray(np.clip(1.5 - distance / width, 0, 1))

    def blend(self, mask: Pixels, brightness: float, opacity: float = 1.0) -> None:
        """Move what the mask covers towards a brightness."""
        self.light += mask * opacity * (brightness - self.light)

    def add(self, mask: Pixels, amount: float) -> None:
        """Lay something thin over what is there."""
        self.light += mask * amount

    def develop(self) -> Pixels:
        """Blur a little, add grain, and clip."""
        light = self.light
        for axis in (0, 1):
            light = (np.roll(light, 1, axis) + 2 * light + np.roll(light, -1, axis)) / 4
        return np.asarray(np.clip(light + self._noise.normal(0, 0.018, light.shape), 0, 1))


def _draw_frontal(canvas: _Canvas, study: DemoStudy) -> None:
    case = study.case
    present = {fact.concept: fact for fact in case.facts if fact.polarity == "present"}
    volume = (
        0.88 if "att_low_lung_volumes" in case.known else 1.08 if "att_hyperinflation" in case.known else 1.0
    )
    _draw_torso(canvas)
    lungs = {side: _draw_lung(canvas, side, volume) for side in ("right", "left")}
    heart = _draw_heart(canvas, present, study.view)
    _draw_ribs(canvas, 1 - 0.7 * heart)
    lungs = {side: lung * (1 - heart) for side, lung in lungs.items()}
    for fact in present.values():
        _draw_finding(canvas, fact, lungs, volume, case.visit.is_supine)
    for device in case.devices:
        _draw_device(canvas, device)
    _draw_wires(canvas, case.habits)


def _draw_torso(canvas: _Canvas) -> None:
    canvas.blend(canvas.ellipse(0.5, 0.72, 0.52, 0.74, 0.05), 0.58)
    canvas.blend(canvas.ellipse(0.5, 0.02, 0.13, 0.2, 0.15), 0.6)
    canvas.blend(canvas.ellipse(0.5, 1.1, 0.5, 0.36, 0.2), 0.78)
    for side in (-1, 1):
        canvas.add(canvas.line((0.5 + side * 0.05, 0.17), (0.5 + side * 0.36, 0.1), 0.016), 0.14)


def _draw_lung(canvas: _Canvas, side: str, volume: float) -> Pixels:
    sign = -1 if side == "right" else 1
    floor = 0.74 if side == "right" else 0.77
    height = 0.34 * volume
    lung = canvas.ellipse(0.5 + sign * 0.215, 0.14 + height, 0.165, height * 1.12, 0.08)
    dome = canvas.ellipse(0.5 + sign * 0.21, floor * volume + 0.2, 0.24, 0.22, 0.1)
    lung = lung * (1 - dome)
    canvas.blend(lung, 0.17, 0.92)
    vessels = canvas.ellipse(0.5 + sign * 0.1, 0.46, 0.11, 0.17, 0.9)
    canvas.add(vessels * lung, 0.16)
    return lung


def _draw_heart(canvas: _Canvas, present: dict[str, Fact], view: str) -> Pixels:
    growth = 1.06 if view == "AP" else 1.0
    if "fnd_cardiomegaly" in present:
        growth += 0.2 * _get_growth(present["fnd_cardiomegaly"])
    right = canvas.ellipse(0.48, 0.6, 0.11 * growth, 0.13 * growth, 0.2)
    left = canvas.ellipse(0.5 + 0.06 * growth, 0.65, 0.125 * growth, 0.115 * growth, 0.2)
    widening = 1.5 if "fnd_enlarged_cardiomediastinum" in present else 1.0
    trunk = canvas.ellipse(0.505, 0.4, 0.062 * widening, 0.3, 0.25)
    knob = canvas.ellipse(0.55, 0.34, 0.045 * widening, 0.05, 0.3)
    heart = np.maximum(np.maximum(right, left), np.maximum(trunk, knob))
    canvas.blend(heart, 0.77)
    canvas.blend(canvas.line((0.5, 0.05), (0.5, 0.36), 0.014), 0.5, 0.6)
    canvas.add(canvas.line((0.5, 0.1), (0.5, 0.98), 0.03), 0.05)
    return np.asarray(heart)


def _draw_ribs(canvas: _Canvas, weight: Pixels) -> None:
    for nth in range(8):
        y = 0.17 + nth * 0.072
        for sign in (-1, 1):
            rim = (canvas.x - 0.5) * sign
            curve = y + 0.9 * (rim - 0.2) ** 2 + 0.12 * rim
            band = np.clip(1.4 - np.abs(canvas.y - curve) / 0.011, 0, 1)
            canvas.add(weight * band * ((rim > 0.06) & (rim < 0.4)), 0.055)


def _draw_finding(
    canvas: _Canvas, fact: Fact, lungs: dict[str, Pixels], volume: float, is_supine: bool
) -> None:
    for side in _list_sides(fact.side):
        lung = lungs[side]
        sign = -1 if side == "right" else 1
        centre = 0.5 + sign * 0.22
        growth = _get_growth(fact)
        if fact.concept == "fnd_pleural_effusion":
            floor = (0.74 if side == "right" else 0.77) * volume
            _draw_effusion(canvas, (centre, floor), sign, growth, lung, is_supine)
        elif fact.concept == "fnd_pneumothorax":
            _draw_pneumothorax(canvas, centre, sign, growth, lung)
        elif fact.concept == "fnd_atelectasis":
            start = (centre - 0.09, 0.68)
            canvas.add(canvas.line(start, (centre + 0.09, 0.66), 0.008 * growth + 0.004) * lung, 0.32)
        elif fact.concept in ("fnd_consolidation", "fnd_pneumonia", "fnd_lung_opacity"):
            y = _HEIGHTS.get(fact.region or "", 0.64)
            cloud = canvas.ellipse(centre, y, 0.09 * growth, 0.085 * growth, 0.9)
            canvas.add(cloud * lung, 0.4 if fact.concept == "fnd_consolidation" else 0.3)
        elif fact.concept == "fnd_lung_lesion":
            size = 0.05 if fact.kind == "att_mass" else 0.02
            y = _HEIGHTS.get(fact.region or "", 0.6)
            canvas.add(canvas.ellipse(centre + sign * 0.03, y, size * 1.1, size, 0.3), 0.42)
        elif fact.concept == "fnd_pleural_other":
            _draw_thick_pleura(canvas, centre, sign, growth)
        elif fact.concept == "fnd_fracture":
            _draw_fracture(canvas, _BONES.get(fact.region or "", _BONES["rib"]), sign)
    if fact.concept == "fnd_edema":
        for lung in lungs.values():
            canvas.add(canvas.ellipse(0.5, 0.5, 0.34, 0.26, 0.9) * lung, 0.17 + 0.1 * _get_growth(fact))


def _draw_effusion(
    canvas: _Canvas, base: tuple[float, float], sign: int, growth: float, lung: Pixels, is_supine: bool
) -> None:
    if is_supine:
        canvas.add(np.clip((canvas.y - 0.25) / 0.4, 0, 1) * lung, 0.2 * growth)
        return
    # The meniscus: fluid climbs towards the chest wall.
    outward = np.clip((canvas.x - base[0]) * sign / 0.16, -1, 1)
    level = base[1] - 0.03 - 0.045 * growth - 0.13 * growth * np.maximum(outward, 0) ** 2
    fluid = np.clip((canvas.y - level) / 0.02, 0, 1)
    canvas.blend(fluid * np.clip(lung * 2, 0, 1), 0.66, 0.95)


def _draw_thick_pleura(canvas: _Canvas, centre: float, sign: int, growth: float) -> None:
    """A cap over the apex, and a band along the chest wall."""
    canvas.add(canvas.ellipse(centre, 0.19, 0.12, 0.05, 0.4), 0.3)
    canvas.add(canvas.line((centre + sign * 0.13, 0.28), (centre + sign * 0.15, 0.6), 0.012 * growth), 0.34)


def _draw_fracture(canvas: _Canvas, place: tuple[float, float], sign: int) -> None:
    """Two ends of a bone that do not meet, bright beside the dark gap."""
    x, y = 0.5 + sign * place[0], place[1]
    canvas.add(canvas.line((x - sign * 0.05, y - 0.025), (x - sign * 0.008, y - 0.012), 0.014), 0.5)
    canvas.add(canvas.line((x + sign * 0.008, y + 0.022), (x + sign * 0.05, y + 0.035), 0.014), 0.5)
    canvas.blend(canvas.line((x, y - 0.03), (x, y + 0.04), 0.01), 0.06)


def _draw_pneumothorax(canvas: _Canvas, centre: float, sign: int, growth: float, lung: Pixels) -> None:
    shift = 0.03 * growth
    kept = canvas.ellipse(centre - sign * shift, 0.5 + 0.8 * shift, 0.155 - shift * 0.4, 0.35, 0.03)
    seen = (
        np.clip((0.62 - canvas.y) / 0.12, 0, 1)
        * np.clip((canvas.x - centre) * sign / 0.05 + 1.6, 0, 1)
        * lung
    )
    canvas.blend((1 - kept) * seen, 0.04, 0.9)
    canvas.add(np.clip(kept * (1 - kept) * 4, 0, 1) * seen, 0.35)


def _draw_device(canvas: _Canvas, device: DeviceSeen) -> None:
    sign = -1 if device.side != "left" else 1
    name = device.concept
    if name in ("att_ett", "att_tracheostomy"):
        depth = 0.3 if device.is_well_placed else 0.38
        canvas.add(canvas.line((0.5, 0.0 if name == "att_ett" else 0.12), (0.5, depth), 0.008), 0.3)
    elif name in ("att_ngt", "att_feeding_tube"):
        canvas.add(canvas.line((0.515, 0.0), (0.52, 0.78), 0.005), 0.3)
        canvas.add(canvas.line((0.52, 0.78), (0.62, 0.88), 0.005), 0.3)
    elif name == "att_chest_tube":
        canvas.add(canvas.line((0.5 + sign * 0.42, 0.66), (0.5 + sign * 0.2, 0.26), 0.009), 0.3)
    elif name in ("att_pacemaker", "att_icd"):
        canvas.blend(canvas.ellipse(0.5 + sign * 0.3, 0.22, 0.065, 0.045, 0.1), 0.97)
        for x, y in ((0.47, 0.62), (0.56, 0.72)):
            canvas.add(canvas.line((0.5 + sign * 0.25, 0.23), (0.48, 0.32), 0.005), 0.3)
            canvas.add(canvas.line((0.48, 0.32), (x, y), 0.005 if name == "att_pacemaker" else 0.01), 0.35)
    elif name == "att_valve":
        ring = canvas.ellipse(0.54, 0.58, 0.035, 0.025, 0.4)
        canvas.add(np.clip(ring * (1 - ring) * 4, 0, 1), 0.4)
    else:
        _draw_catheter(canvas, name, sign)


def _draw_catheter(canvas: _Canvas, name: str, sign: int) -> None:
    entry = (0.5 + sign * (0.06 if name == "att_cvc" else 0.34), 0.06 if name == "att_cvc" else 0.2)
    canvas.add(canvas.line(entry, (0.465, 0.26), 0.005), 0.32)
    canvas.add(canvas.line((0.465, 0.26), (0.462, 0.46), 0.005), 0.32)
    if name == "att_port":
        canvas.blend(canvas.ellipse(0.5 + sign * 0.3, 0.24, 0.028, 0.022, 0.2), 0.95)
    if name == "att_swan_ganz":
        canvas.add(canvas.line((0.462, 0.46), (0.53, 0.6), 0.005), 0.32)
        canvas.add(canvas.line((0.53, 0.6), (0.56, 0.44), 0.005), 0.32)


def _draw_wires(canvas: _Canvas, habits: tuple[str, ...]) -> None:
    if "att_sternotomy_wires" in habits:
        for nth in range(5):
            ring = canvas.ellipse(0.5, 0.3 + nth * 0.09, 0.022, 0.012, 0.5)
            canvas.add(np.clip(ring * (1 - ring) * 4, 0, 1), 0.4)
    if "att_surgical_clips" in habits:
        for nth in range(3):
            canvas.add(canvas.line((0.56, 0.42 + nth * 0.05), (0.575, 0.43 + nth * 0.05), 0.005), 0.45)


def _draw_lateral(canvas: _Canvas, study: DemoStudy) -> None:
    present = {fact.concept: fact for fact in study.case.facts if fact.polarity == "present"}
    canvas.blend(canvas.ellipse(0.5, 0.62, 0.44, 0.68, 0.05), 0.55)
    lung = canvas.ellipse(0.5, 0.45, 0.3, 0.36, 0.1) * (1 - canvas.ellipse(0.45, 0.98, 0.4, 0.27, 0.1))
    canvas.blend(lung, 0.2, 0.9)
    growth = 1.0 + (0.2 * _get_growth(present["fnd_cardiomegaly"]) if "fnd_cardiomegaly" in present else 0.0)
    canvas.blend(canvas.ellipse(0.38, 0.6, 0.13 * growth, 0.14 * growth, 0.2), 0.72)
    canvas.add(canvas.line((0.47, 0.05), (0.5, 0.36), 0.02), -0.12)
    for nth in range(10):
        canvas.add(canvas.ellipse(0.76 - 0.02 * abs(nth - 5) / 5, 0.14 + nth * 0.08, 0.045, 0.032, 0.3), 0.2)
    effusion = present.get("fnd_pleural_effusion")
    if effusion is not None:
        level = 0.72 - 0.06 * _get_growth(effusion) - 0.25 * np.maximum(canvas.x - 0.6, 0)
        canvas.blend(np.clip((canvas.y - level) / 0.02, 0, 1) * (lung > 0.3), 0.66, 0.9)
    for concept in ("fnd_consolidation", "fnd_pneumonia", "fnd_lung_opacity"):
        if concept in present:
            y = _HEIGHTS.get(present[concept].region or "", 0.64)
            canvas.add(canvas.ellipse(0.58, y, 0.1, 0.08, 0.9) * lung, 0.25)


def _get_growth(fact: Fact) -> float:
    return _GROWTH.get(fact.severity or "", 1.0)


def _list_sides(side: Side | None) -> tuple[str, ...]:
    if side == "bilateral":
        return ("right", "left")
    return (side or "right",)
