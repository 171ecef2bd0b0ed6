"""Images of one's own: a folder with a sub-folder for each class becomes a dataset."""

import hashlib
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.catalogue import CATALOGUE
from simmim_lib.datasets.few_labels import stratified
from simmim_lib.datasets.loading import IMAGE_SIZE, Dataset, Part, register
from simmim_lib.errors import WorkbookError, check_flag, check_whole

if TYPE_CHECKING:
    from PIL.Image import Image as Picture


def from_folder(
    path: str | os.PathLike[str],
    size: int = IMAGE_SIZE,
    *,
    name: str | None = None,
    grey: bool = False,
    seed: int = 0,
) -> Dataset:
    """Read images of one's own from a folder that has a sub-folder for each class.

    From then on, and until this process ends, `load` and `Settings` know the dataset by its name;
    so what is stored about it, such as `Settings.as_code()`, needs this call before it.

    A picture is turned as its camera says, its middle square is cut out and scaled to `size`, so
    nothing is distorted. Palettes and CMYK become red, green and blue, transparent pixels white,
    16 bits 8; of several frames the first counts. If no picture has colour, all are grey. Hidden
    files are ignored; other files that are no images, and pictures that repeat another one of
    their class, are left out with a warning.

    Args:
        path: the folder; the names of its sub-folders, sorted, are the classes' names.
        size: the height and width to scale to, in pixels. The workbook's own network needs 28;
            at another size, hand the dataset that is returned to a network of your own.
        name: what to call the dataset: letters, digits, - and _; by default as the folder is.
        grey: whether to do without colours, as for a network pre-trained on grey images.
        seed: chooses the fifth of each class, at least one image, that is kept for testing.

    Returns:
        The dataset, with read-only arrays: images (n, size, size, 1 or 3), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the folder is missing or has fewer than two classes, a class has fewer than
            5 different images, an image is broken, unreadable or dangerously large or is in two
            classes, a number is out of range, or the name is taken.
    """
    check_whole("size", size, 8, 1024)
    check_whole("seed", seed, least=0)
    check_flag("grey", grey)
    if not isinstance(path, str | os.PathLike):
        raise WorkbookError(f"path is {path!r}, but must name a folder, such as 'my-pictures'.")
    folder = Path(os.path.expanduser(path))
    name = os.path.basename(os.path.abspath(folder)) if name is None else name
    if folder.is_dir():  # else that is the first thing to put right
        _check_own_name(name)
    dataset = _divide(read(folder, size, grey), name, seed)
    return register(dataset)


def _check_own_name(name: object) -> None:
    """Refuse a name that cannot be a file's, or a target's on a command line."""
    valid = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)
    if not valid or str(name).lower() == "none":
        raise WorkbookError(
            f"{name!r} cannot be the name of a dataset: give one of letters, digits, - and _, such "
            "as name='my-pictures'."
        )
    if name in CATALOGUE:
        raise WorkbookError(
            f"{name!r} is a dataset of the workbook: give yours another name, such as "
            f"name='my-{name}'."
        )


def _divide(pictures: "LabelledPictures", name: str, seed: int) -> Dataset:
    """Keep a fifth of each class for testing, rounded up over all so that no class has none."""
    labels, random = pictures.labels, np.random.default_rng(seed)
    test = stratified(labels, -(-len(labels) // 5), random)
    train = random.permutation(np.setdiff1d(np.arange(len(labels)), test))

    def part(chosen: NDArray[np.intp]) -> Part:
        return Part(np.divide(pictures.images[chosen], 255, dtype=np.float32), labels[chosen])

    source, licence = "a folder of the user's own", "not stated"
    return Dataset(name, name, part(train), part(test), pictures.class_names, source, licence)


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What may be opened, whatever a file is called: Pillow knows others that start programs (EPS)."""


SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm"),
)


MIN_IMAGES = 5
"""In each class: one for testing, and enough of the others for learning and for validation."""


class LabelledPictures(NamedTuple):
    """Pictures in the order of their classes' names, then of their files' names.

    Attributes:
        images: (n, size, size, channels), uint8; one channel if no picture has colour, else three.
        labels: (n,), int32, positions in `class_names`.
        class_names: the names of the sub-folders, sorted.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    class_names: tuple[str, ...]


def read(folder: Path, size: int, grey: bool = False) -> LabelledPictures:
    """Read every picture of a folder that has a sub-folder for each class.

    A picture is turned as its camera says (EXIF), its middle square is cut out and scaled to
    `size`, so nothing is distorted. Palettes and CMYK become red, green and blue, transparent
    pixels white, 16 bits 8; of several frames or pages the first counts.

    Hidden files and folders are ignored. What else is left out, a warning names: files without
    the suffix of an image, folders within a class, pictures that repeat another one of the class
    (else the same picture could be learned from and tested on).

    Args:
        folder: where the sub-folders are.
        size: the height and width to scale to, in pixels.
        grey: whether to do without the colours of pictures that have some.

    Returns:
        The pictures; their order and all else is the same on every file system.

    Raises:
        WorkbookError: the folder is missing or has not at least two classes, a class has too few
            pictures, a file is broken or unreadable or has more than Pillow's limit of pixels, or
            one picture is in two classes.
    """
    files, left_out = _image_files(folder)
    images, labels, repeated = _distinct(files, size, "L" if grey else "RGB")
    _check_counts(folder, tuple(files), np.bincount(labels, minlength=len(files)))
    _tell(folder, left_out + repeated)
    stacked = np.stack(images).reshape(len(images), size, size, -1)
    if np.array_equal(stacked.min(axis=-1), stacked.max(axis=-1)):
        stacked = stacked[..., :1]
    return LabelledPictures(stacked, np.array(labels, np.int32), tuple(files))


def _distinct(
    files: dict[str, list[Path]], size: int, mode: str
) -> tuple[list[NDArray[np.uint8]], list[int], list[Path]]:
    """Read each class's pictures; return them, their labels, and files that repeat another one."""
    images, labels, repeated = [], [], []
    first_with: dict[bytes, Path] = {}
    for label, paths in enumerate(files.values()):
        for path in paths:
            image = _read_picture(path, size, mode)
            first = first_with.setdefault(hashlib.sha256(image.tobytes()).digest(), path)
            if first.parent != path.parent:
                raise WorkbookError(
                    f"{first} and {path} look the same at {size} x {size} pixels, but are in two "
                    "classes: take at least one of them out."
                )
            if first is path:
                images.append(image)
                labels.append(label)
            else:
                repeated.append(path)
    return images, labels, repeated


def _image_files(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the image files of each class, and what is neither image nor class."""
    classes, left_out = _contents(folder)
    _check_classes(folder, classes)
    files = {}
    for each in classes:
        folders, others = _contents(each)
        files[each.name] = [path for path in others if _is_image(path)]
        if not files[each.name]:
            raise WorkbookError(
                f"The class {each.name!r} in {folder} has no images: put some directly into its "
                f"folder ({', '.join(SUFFIXES)}), or delete the folder."
            )
        left_out += [*folders, *(path for path in others if not _is_image(path))]
    return files, left_out


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the other things in a folder, each sorted, without hidden ones."""
    try:
        shown = [path for path in folder.iterdir() if not path.name.startswith(".")]
        shown.sort(key=lambda path: path.name)  # paths themselves sort differently on Windows
        return [path for path in shown if path.is_dir()], [
            path for path in shown if not path.is_dir()
        ]
    except OSError as error:
        raise WorkbookError(
            f"The folder {folder} cannot be read ({error.strerror}): name one that you may read "
            "and that has a sub-folder of images for each class."
        ) from error


def _is_image(path: Path) -> bool:
    """Tell by the name; what is no plain file, such as a pipe, might keep its reader for ever."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _check_classes(folder: Path, classes: Sequence[Path]) -> None:
    if not classes:
        raise WorkbookError(
            f"{folder} has no sub-folders: put the images of each class into a sub-folder that has "
            "the name of the class."
        )
    if len(classes) == 1:
        raise WorkbookError(
            f"{folder} has one class only, {classes[0].name!r}: add a sub-folder of images for "
            "another class, because with one there is nothing to tell apart."
        )


def _check_counts(folder: Path, class_names: Sequence[str], counts: NDArray[np.intp]) -> None:
    smallest = int(np.argmin(counts))
    if counts[smallest] < MIN_IMAGES:
        raise WorkbookError(
            f"The class {class_names[smallest]!r} in {folder} has too few different images, "
            f"{counts[smallest]}: each class needs at least {MIN_IMAGES}, to learn from, to "
            "validate and to test."
        )


def _tell(folder: Path, left_out: Sequence[Path]) -> None:
    if left_out:
        shown = [str(path.relative_to(folder)) for path in left_out[:5]]
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        warnings.warn(
            f"Left out of {folder}, because they are not images or repeat one: "
            f"{', '.join(shown)}{more}.",
            stacklevel=4,  # the line that called datasets.from_folder
        )


def _read_picture(path: Path, size: int, mode: str) -> NDArray[np.uint8]:
    """Return a picture as (size, size) or (size, size, 3)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on oddities that do no harm
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                return np.asarray(_prepare(picture, size).convert(mode))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise WorkbookError(
            f"The image {path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, too many to be "
            "opened safely: make it smaller, or take it out."
        ) from error
    except UnidentifiedImageError as error:
        raise WorkbookError(
            f"The image {path} is broken, or of a kind other than {', '.join(FORMATS)}: save it "
            "again as PNG or JPEG, or take it out."
        ) from error
    except Exception as error:  # whatever a damaged file makes Pillow raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise WorkbookError(
            f"The image {path} cannot be read ({reason}): replace it, or take it out."
        ) from error


def _prepare(picture: "Picture", size: int) -> "Picture":
    """Bring a picture of any kind to red, green and blue, the right way up, square, `size` high."""
    from PIL import Image, ImageOps

    picture.draft(None, (4 * size, 4 * size))  # a large JPEG need not be decoded in full
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16") or (
        upright.mode == "I" and picture.format in ("PNG", "PPM")
    ):
        upright = Image.fromarray(np.rint(np.asarray(upright) / 257).astype(np.uint8))
    if upright.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {upright.mode}, whose range is not known")
    if "A" in upright.getbands() or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright)
    return ImageOps.fit(upright.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
