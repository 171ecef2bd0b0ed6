"""DICOM files are read as their own tags say, and refused in a sentence where they cannot be."""

import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from simmim_lib import datasets
from simmim_lib.datasets import dicom_files
from simmim_lib.datasets.image_files import BrokenImageError, has_colour, read_image
from simmim_lib.errors import WorkbookError

RAMP = np.linspace(0, 4095, 28 * 28).reshape(28, 28).astype(np.uint16)
"""Twelve bits in sixteen, as most scanners store."""


def save(path: Path, values: np.ndarray = RAMP, **tags: object) -> Path:
    """Write an uncompressed DICOM file with these pixels and tags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID = SecondaryCaptureImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = generate_uid()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.Rows, file.Columns = values.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PixelRepresentation = 0
    file.PixelData = values.astype("<u2").tobytes()
    for name, value in tags.items():
        setattr(file, name, value)
    pydicom.dcmwrite(path, file, enforce_file_format=True)
    return path


def seen(path: Path) -> np.ndarray:
    return read_image(path, 28, grey=True).pixels


def test_sixteen_bits_become_eight_over_all_that_occurs(tmp_path):
    path = save(tmp_path / "a.dcm")
    np.testing.assert_array_equal(seen(path), np.rint(RAMP / 4095 * 255))
    assert not has_colour(path)
    assert dicom_files.size(path) == (28, 28)


def test_inverted_files_are_turned_round(tmp_path):
    usual, inverted = save(tmp_path / "a.dcm"), tmp_path / "b.dcm"
    save(inverted, 4095 - RAMP, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(seen(usual), seen(inverted))


@pytest.mark.parametrize("slope", [1, 2])
def test_a_window_is_that_of_the_standard(tmp_path, slope):
    """Part 3, C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5), clipped."""
    centre, width, intercept = 1000, 400, -1024
    tags = {"WindowCenter": centre, "WindowWidth": width}
    rescaled = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    values = slope * RAMP.astype(float) + intercept
    expected = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    found = seen(save(tmp_path / "a.dcm", **tags, **rescaled))
    np.testing.assert_array_equal(found, np.rint(255 * expected))


def test_the_first_of_several_windows_counts(tmp_path):
    one = save(tmp_path / "one.dcm", WindowCenter=1000, WindowWidth=400)
    several = save(tmp_path / "two.dcm", WindowCenter=[1000, 50], WindowWidth=[400, 9])
    np.testing.assert_array_equal(seen(one), seen(several))


def test_a_table_of_grey_is_used(tmp_path):
    table = Dataset()
    greys = 16 * np.arange(4096)
    table.LUTDescriptor, table.LUTData = [4096, 0, 16], greys.astype("<u2").tobytes()
    path = save(tmp_path / "a.dcm", VOILUTSequence=[table])
    np.testing.assert_array_equal(seen(path), np.rint(16 * RAMP.astype(float) / 65535 * 255))


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": None, "WindowWidth": None},
        {"WindowCenter": 1000},
        {"WindowCenter": 1000, "WindowWidth": None},
        {"WindowWidth": 400},
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"RescaleSlope": 2},
        {"VOILUTSequence": []},
        {"ModalityLUTSequence": []},
    ],
)
def test_tags_without_a_value_are_as_if_they_were_not_there(tmp_path, tags):
    """Whoever removes names from scans often leaves such tags behind."""
    usual = seen(save(tmp_path / "a.dcm"))
    np.testing.assert_array_equal(seen(save(tmp_path / "b.dcm", **tags)), usual)


def test_an_empty_table_leaves_the_window(tmp_path):
    window = {"WindowCenter": 0, "WindowWidth": 400, "RescaleSlope": 1, "RescaleIntercept": -900}
    usual = seen(save(tmp_path / "a.dcm", **window))
    found = seen(save(tmp_path / "b.dcm", **window, VOILUTSequence=[]))
    np.testing.assert_array_equal(found, usual)
    assert 0 < usual.mean() < 255


def changed(path: Path, change) -> Path:
    file = pydicom.dcmread(save(path))
    change(file)
    file.save_as(path)
    return path


def test_a_file_without_pixels_is_told_from_a_damaged_one(tmp_path):
    def report(file):
        del file.PixelData, file.PhotometricInterpretation, file.Rows, file.Columns

    for number, change in enumerate((report, lambda file: file.pop("PixelData"))):
        with pytest.raises(BrokenImageError, match="holds no image"):
            seen(changed(tmp_path / f"{number}.dcm", change))


def test_what_nothing_here_unpacks_is_told_from_a_damaged_one(tmp_path, monkeypatch):
    def compress(file):
        file.PixelData = encapsulate([bytes(300)])
        file["PixelData"].is_undefined_length = True
        file.file_meta.TransferSyntaxUID = JPEGLosslessSV1

    decoder = type(pydicom.pixels.get_decoder(JPEGLosslessSV1))
    monkeypatch.setattr(decoder, "is_available", False)
    with pytest.raises(BrokenImageError, match=r"is compressed \(JPEG Lossless.*pip install"):
        seen(changed(tmp_path / "a.dcm", compress))


def test_one_value_everywhere_is_black(tmp_path):
    assert not seen(save(tmp_path / "a.dcm", np.full((28, 28), 7, np.uint16))).any()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"NumberOfFrames": 12}, "is a series of 12 images"),
        ({"PhotometricInterpretation": None}, "does not say what its numbers mean"),
        ({"PhotometricInterpretation": "RGB"}, "has colour (RGB), where a grey image"),
        ({"Rows": 30_000, "Columns": 30_000}, "too many to be opened safely"),
        ({"Rows": 5000}, "cannot be read: The number of bytes"),
        ({"WindowCenter": 9, "WindowWidth": 0}, "cannot be read: The (0028,1051) Window Width"),
    ],
)
def test_what_is_no_grey_image_is_refused(tmp_path, tags, words):
    with pytest.raises(BrokenImageError) as error:
        seen(save(tmp_path / "a.dcm", **tags))
    assert words in str(error.value)


def test_a_file_that_is_no_dicom_is_refused(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no scan")
    with pytest.raises(BrokenImageError, match="damaged, or is no DICOM file"):
        seen(tmp_path / "a.dcm")


def test_without_pydicom_it_is_said_what_to_install(tmp_path, monkeypatch):
    path = save(tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(WorkbookError, match="pip install pydicom"):
        seen(path)


def test_a_folder_of_scans_is_a_dataset_by_patient(tmp_path):
    random = np.random.default_rng(0)
    for name in ("healthy", "ill"):
        for patient in range(8):
            for visit in range(2):
                values = random.integers(0, 4096, (40, 30)).astype(np.uint16)
                save(tmp_path / name / f"{name}{patient}_{visit}.dcm", values)
    found = datasets.load(f"folder:{tmp_path}?group=_")
    assert found.train.images.shape[1:] == (28, 28, 1)
    assert len(found.train) + len(found.test) == 32 and len(found.test) % 2 == 0
    assert datasets.picture_sizes(f"folder:{tmp_path}") == [(30, 40)] * 32


def test_what_would_be_unpacked_as_a_whole_is_refused(tmp_path):
    """Two hundred kilobytes may become gigabytes, before a tag tells the size."""
    path = save(tmp_path / "a.dcm")
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    pydicom.dcmwrite(path, file, enforce_file_format=True)
    for look in (seen, dicom_files.size):
        with pytest.raises(Exception, match="deflated as a whole"):
            look(path)
