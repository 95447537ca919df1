"""A drawn film as a DICOM file: 12 bits stored in 16, either polarity, no name in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ccf_pipeline.demo.patients import DemoImage, digest

if TYPE_CHECKING:
    from ccf_pipeline.demo.images import Pixels
    from ccf_pipeline.demo.studies import DemoStudy

_BITS = 12


def write_dicom(path: Path, pixels: Pixels, study: DemoStudy, image: DemoImage) -> None:
    """Write a CR or DX image; half of them are MONOCHROME1, where bright is stored as low."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import (
        UID,
        ComputedRadiographyImageStorage,
        DigitalXRayImageStorageForPresentation,
        ExplicitVRLittleEndian,
    )

    noise = digest("dicom", image.dicom_id)
    is_inverted = noise[0] % 2 == 1
    is_digital = noise[1] % 2 == 1
    top = (1 << _BITS) - 1
    stored = np.round(((1 - pixels) if is_inverted else pixels) * top).astype("<u2")

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = (
        DigitalXRayImageStorageForPresentation if is_digital else ComputedRadiographyImageStorage
    )
    meta.MediaStorageSOPInstanceUID = UID(_make_uid("image", image.dicom_id))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_make_uid("implementation"))
    film = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    film.SOPClassUID = meta.MediaStorageSOPClassUID
    film.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    film.StudyInstanceUID = _make_uid("study", study.study_id)
    film.SeriesInstanceUID = _make_uid("series", study.study_id, image.view)
    film.PatientName = ""
    film.PatientID = study.subject_id
    film.PatientSex = study.sex
    film.PatientIdentityRemoved = "YES"
    film.StudyDate = study.date
    film.StudyTime = study.time
    film.Modality = "DX" if is_digital else "CR"
    film.BodyPartExamined = "CHEST"
    if image.view_is_recorded:
        film.ViewPosition = image.view
    film.PhotometricInterpretation = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    if is_digital:
        film.PresentationLUTShape = "INVERSE" if is_inverted else "IDENTITY"
    film.SamplesPerPixel = 1
    film.Rows, film.Columns = stored.shape
    film.BitsAllocated = 16
    film.BitsStored = _BITS
    film.HighBit = _BITS - 1
    film.PixelRepresentation = 0
    film.WindowCenter = top // 2
    film.WindowWidth = top
    film.PixelData = stored.tobytes()
    film.save_as(path, enforce_file_format=True)


def _make_uid(*names: object) -> str:
    """A UID under the root for UUIDs, the same for the same names."""
    return f"2.25.{int.from_bytes(digest('uid', *names)[:16], 'big')}"
