"""A folder of images with a sub-folder for each class, perhaps below train/, val/ and test/."""

from collections.abc import Sequence
from pathlib import Path

from simmim_lib.datasets.image_files import SUFFIXES, is_image
from simmim_lib.datasets.listing import PARTS, LabelledFile, Listing
from simmim_lib.datasets.naming import OwnData
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation.links import leading_out


def list_folder(own: OwnData) -> Listing:
    """List the images of a folder.

    Hidden files and folders are ignored. Where there is a folder `train` that has folders itself,
    it and `val` (or `valid`, `validation`) and `test` are parts, each with folders for the classes.
    Links are followed; those that lead out of the folder are named in the listing.

    Raises:
        WorkbookError: the folder is missing or unreadable, has not at least two classes, a class
            has no images, or a part has a class that `train` has not.
    """
    parts, others = _parts(own.path)
    images = {}
    for folder, part in parts:
        images[part], left_out = _images_of_classes(folder)
        others += left_out
        for name in images[part]:
            check_choice(f"class in {folder}:", name, images["train"])
    class_names = tuple(images["train"])
    files = [
        LabelledFile(
            path, _shown(path, own), class_names.index(name), part, _group(path, own.group)
        )
        for part, classes in images.items()
        for name, paths in classes.items()
        for path in paths
    ]
    read = [file.path for file in files]
    folders = dict.fromkeys([*(folder for folder, _ in parts), *(path.parent for path in read)])
    return Listing(
        own.path,
        "classification",
        class_names,
        tuple(files),
        left_out=tuple(_shown(path, own) for path in others),
        from_outside=tuple(_shown(path, own) for path in leading_out(own.path, [*folders, *read])),
    )


def _parts(folder: Path) -> tuple[list[tuple[Path, str]], list[Path]]:
    """Return the folders that hold classes, each with its part, and what else lies beside them."""
    folders, others = _contents(folder)
    parts = [(path, PARTS[path.name]) for path in folders if path.name in PARTS]
    parts.sort(key=lambda item: item[1] != "train")
    if not parts or parts[0][1] != "train" or not _contents(parts[0][0])[0]:
        return [(folder, "train")], []
    known = {path for path, _ in parts}
    return parts, [*(path for path in folders if path not in known), *others]


def _shown(path: Path, own: OwnData) -> str:
    return path.relative_to(own.path).as_posix()


def _group(path: Path, sign: str) -> str:
    """Return the part of a file's name before a sign, or all of it."""
    return path.stem.partition(sign)[0] if sign else ""


def _images_of_classes(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the image files of each class, and what is neither image nor class."""
    classes, left_out = _contents(folder)
    _check_classes(folder, classes)
    files = {}
    for each in classes:
        folders, others = _contents(each)
        files[each.name] = [path for path in others if is_image(path)]
        if not files[each.name]:
            raise WorkbookError(
                f"The class {each.name!r} in {folder} has no images: put some directly into its "
                f"folder ({', '.join(SUFFIXES)}), or delete the folder."
            )
        left_out += [*folders, *(path for path in others if not is_image(path))]
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
