"""One DICOM file: a grey image as its own tags say that it is to be looked at.

Source: the DICOM standard, part 3, annex C.11 (look-up tables, windows), which pydicom applies.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError

if TYPE_CHECKING:
    from pydicom import FileDataset

SUFFIXES = (".dcm", ".dicom")

GREY = ("MONOCHROME1", "MONOCHROME2")
"""How a file says what its numbers mean: in the first, small ones are bright."""

FAR = 2**31 - 1
"""Beyond all that a pixel may be."""

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""Tags one of which holds the image."""

PAIRS = (("WindowCenter", "WindowWidth"), ("RescaleSlope", "RescaleIntercept"))
"""Tags that say something only both together."""

TABLES = ("VOILUTSequence", "ModalityLUTSequence")
"""Tags that hold a look-up table."""


class NoGreyImageError(ValueError):
    """A file that is no single grey image, with the reason in words that follow "it"."""


def is_dicom(path: Path) -> bool:
    """Tell by the name."""
    return path.suffix.lower() in SUFFIXES


def size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, from the first bytes of the file.

    Raises:
        WorkbookError: pydicom is not installed.
        Exception: whatever a damaged file makes pydicom raise.
    """
    header = _read(path, stop_before_pixels=True)
    return int(header.Columns), int(header.Rows)


def pixels(path: Path, most: int | None = None) -> NDArray[np.uint8]:
    """Return the image as its tags ask for, (height, width), black 0 and white 255.

    Stored numbers become units (the rescale or modality table), these a range of grey (the window
    or the table of what is of interest; else all that occurs in the image), and small numbers
    bright where the file says so.

    Args:
        path: of the file.
        most: how many pixels it may have.

    Raises:
        WorkbookError: pydicom is not installed.
        NoGreyImageError: it is a series, has colour, no pixels or too many, or is compressed in
            a way that nothing here unpacks; in words that follow "it".
        Exception: whatever else a damaged file makes pydicom raise.
    """
    found = _read(path)
    _check(found, most)
    _leave_out_empty(found)
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    values = apply_modality_lut(found.pixel_array, found)
    seen = np.asarray(apply_voi_lut(values, found), np.float64)
    black, white = _ends(found, seen)
    grey = (seen - black) / (white - black) if white != black else np.zeros_like(seen)
    bright = 1 - grey if found.PhotometricInterpretation == GREY[0] else grey
    return np.rint(255 * np.clip(bright, 0, 1)).astype(np.uint8)


def _ends(found: "FileDataset", seen: NDArray[np.float64]) -> tuple[float, float]:
    """Return the numbers that stand for black and white, before any inversion."""
    from pydicom.pixels.processing import apply_windowing

    if "VOILUTSequence" in found:
        return 0.0, 2.0 ** found.VOILUTSequence[0].LUTDescriptor[2] - 1
    if "WindowCenter" in found:
        with np.errstate(over="ignore"):  # of the exponential function, far outside the window
            black, white = apply_windowing(np.array([-FAR, FAR]), found)
        return float(black), float(white)
    return float(seen.min()), float(seen.max())


def _leave_out_empty(found: "FileDataset") -> None:
    """Leave out tags without a value, as whoever removes names from scans leaves them behind."""
    for names in PAIRS:
        if any(name not in found or found[name].is_empty for name in names):
            for name in names:
                found.pop(name, None)
    for name in TABLES:
        if not found.get(name):
            found.pop(name, None)


def _check(found: "FileDataset", most: int | None) -> None:
    """Refuse what is no single grey image, before its pixels are unpacked."""
    if not any(name in found for name in PIXELS):
        raise NoGreyImageError(
            "holds no image: it is a DICOM file without pixels, as a report may be"
        )
    frames = int(found.get("NumberOfFrames") or 1)
    if frames > 1:
        raise NoGreyImageError(
            f"is a series of {frames} images, where one is expected: save each as a file of its own"
        )
    meaning = found.get("PhotometricInterpretation")
    if not meaning:
        raise NoGreyImageError(
            "does not say what its numbers mean (its tag Photometric Interpretation is missing or "
            "empty): save it as PNG instead"
        )
    if meaning not in GREY:
        raise NoGreyImageError(
            f"has colour ({meaning}), where a grey image is expected: save it as PNG instead"
        )
    if most and found.Rows * found.Columns > most:
        raise NoGreyImageError(f"has more than {most:,} pixels, too many to be opened safely")
    _check_packing(found)


def _check_packing(found: "FileDataset") -> None:
    """Refuse what is compressed in a way that nothing here unpacks, such as lossless JPEG."""
    from pydicom.pixels.decoders.base import get_decoder

    packing = found.file_meta.TransferSyntaxUID
    if packing.is_compressed and not get_decoder(packing).is_available:
        raise NoGreyImageError(
            f"is compressed ({packing.name}), and what unpacks it is not installed: run "
            "`pip install pylibjpeg[all]`, or save it as PNG"
        )


def _read(path: Path, **how: Any) -> "FileDataset":
    try:
        import pydicom
    except ImportError as error:
        raise WorkbookError(
            f"{path.name} is a DICOM file, which pydicom reads, but pydicom is not installed: run "
            "`pip install pydicom`, or save the images as PNG."
        ) from error
    _refuse_deflated(path)
    return pydicom.dcmread(path, **how)


def _refuse_deflated(path: Path) -> None:
    """Refuse files that pydicom would unpack as a whole, before anything tells their size."""
    from pydicom import uid
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    try:
        packing = read_file_meta_info(path).get("TransferSyntaxUID")
    except InvalidDicomError:
        return  # as reading it will say
    if packing == uid.DeflatedExplicitVRLittleEndian:
        raise NoGreyImageError(
            "is deflated as a whole, and may be of any size: save it uncompressed, or as PNG"
        )
