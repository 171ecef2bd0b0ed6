"""A folder of images or texts with a sub-folder for each class, perhaps below train/ and test/."""

from collections.abc import Callable, Sequence
from pathlib import Path

from simmim_lib.datasets import image_files, text_files
from simmim_lib.datasets.image_files import is_image
from simmim_lib.datasets.listing import FEW, PARTS, LabelledFile, Listing, several
from simmim_lib.datasets.naming import OwnData
from simmim_lib.datasets.text_files import is_text
from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.links import leading_out

HIDDEN = (".", "__MACOSX")
"""How names begin of what is not for people; the second is what macOS adds to its archives."""


def list_folder(own: OwnData) -> Listing:
    """List the images of a folder, or the texts where it has no images but files of text.

    Hidden files and folders are ignored. Where there is a folder `train` that has folders itself,
    it and `val` (or `valid`, `validation`) and `test` are parts, each with folders for the classes;
    names as in `PARTS`, in any case. Links are followed; those that lead out of the folder are
    named in the listing.

    Raises:
        WorkbookError: the folder is missing or unreadable, has not at least two classes or is not
            the one above them, a class has no examples, a part is there twice, or has a class that
            `train` has not, or no file's name has the sign behind which a group ends.
    """
    parts, others = _parts(own.path)
    content, is_example = _kind_of_examples([folder for folder, _ in parts])
    examples = {}
    for folder, part in parts:
        examples[part], left_out = _examples_of_classes(folder, is_example)
        others += left_out
        for name in examples[part]:
            check_choice(f"class in {folder}:", name, examples["train"])
    class_names = tuple(examples["train"])
    files = [
        LabelledFile(
            path, _shown(path, own), class_names.index(name), part, _group(path, own.group)
        )
        for part, classes in examples.items()
        for name, paths in classes.items()
        for path in paths
    ]
    read = [file.path for file in files]
    if read and own.group and not any(own.group in path.stem for path in read):
        raise WorkbookError(
            f"group={shown(own.group)} is to stand in files' names behind the patient or the like, "
            f"but no file in {own.path} has it, such as {_shown(read[0], own)}: each file would be "
            "a group of its own. Name the sign that is there, or leave group= away."
        )
    folders = dict.fromkeys([*(folder for folder, _ in parts), *(path.parent for path in read)])
    return Listing(
        own.path,
        "classification",
        class_names,
        tuple(files),
        left_out=tuple(_shown(path, own) for path in others),
        from_outside=tuple(_shown(path, own) for path in leading_out(own.path, [*folders, *read])),
        content=content,
    )


def _kind_of_examples(folders: Sequence[Path]) -> tuple[str, Callable[[Path], bool]]:
    """Return what the folders above the classes hold, and what tells an example from other files.

    Many a folder of images has notes in it, so that texts are examples where there are no images.
    """
    classes = [path for folder in folders for path in _contents(folder)[0]]
    has_texts = any(_has(is_text, path) for path in classes)
    if has_texts and not any(map(_has_images, classes)):
        return "texts", is_text
    return "images", is_image


def _parts(folder: Path) -> tuple[list[tuple[Path, str]], list[Path]]:
    """Return the folders that hold classes, each with its part, and what else lies beside them."""
    folders, others = _contents(folder)
    by_part: dict[str, Path] = {}
    for path in folders:
        part = PARTS.get(path.name.lower())
        if part in by_part:
            raise WorkbookError(
                f"{folder} has two folders for one part, {shown(by_part[part].name)} and "
                f"{shown(path.name)}: put their images together, or name a class otherwise."
            )
        if part:
            by_part[part] = path
    if "train" not in by_part or not _contents(by_part["train"])[0]:
        return [(folder, "train")], []
    parts = sorted(by_part.items(), key=lambda item: item[0] != "train")
    left_out = [path for path in folders if path not in by_part.values()]
    return [(path, part) for part, path in parts], [*left_out, *others]


def _shown(path: Path, own: OwnData) -> str:
    return path.relative_to(own.path).as_posix()


def _group(path: Path, sign: str) -> str:
    """Return the part of a file's name before a sign, or all of it."""
    return path.stem.partition(sign)[0] if sign else ""


def _examples_of_classes(
    folder: Path, is_example: Callable[[Path], bool]
) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the examples of each class, and what is neither example nor class."""
    classes, left_out = _contents(folder)
    _check_classes(folder, classes)
    files = {}
    for each in classes:
        folders, others = _contents(each)
        files[each.name] = [path for path in others if is_example(path)]
        if not files[each.name]:
            raise WorkbookError(
                f"The class {shown(each.name)} in {folder} {_why_empty(folders, is_example)}"
            )
        left_out += [*folders, *(path for path in others if not is_example(path))]
    return files, left_out


def _why_empty(folders: Sequence[Path], is_example: Callable[[Path], bool]) -> str:
    """Return what is wrong with a class that has no examples, and what to do.

    Args:
        folders: in the folder of the class.
        is_example: what the other classes hold.
    """
    files = text_files if is_example is is_text else image_files
    what = "texts" if is_example is is_text else "images"
    if deeper := [path for path in folders if _has(is_example, path)]:
        names = several((repr(path.name) for path in deeper), FEW)
        return (
            f"has {what} in folders of its own only ({names}): put them directly into the folder "
            "of the class, or, if these are the classes, name the folder that they are in."
        )
    return (
        f"has no {what}: put some directly into its folder ({', '.join(files.SUFFIXES)}), or "
        "delete the folder."
    )


def _has(is_example: Callable[[Path], bool], folder: Path) -> bool:
    return any(map(is_example, _contents(folder)[1]))


def _has_images(folder: Path) -> bool:
    return _has(is_image, folder)


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the other things in a folder, each sorted, without hidden ones."""
    try:
        shown = [path for path in folder.iterdir() if not path.name.startswith(HIDDEN)]
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
    """Refuse what is not the folder above at least two classes, with the advice that fits."""
    if not classes:
        raise WorkbookError(
            f"{folder} has no sub-folders: put the images of each class into a sub-folder that has "
            f"the name of the class{_or_above(folder)}."
        )
    if _are_parts(classes):
        names = " and ".join(path.name for path in classes)
        raise WorkbookError(
            f"{folder} has {names}, but no folder train with a sub-folder for each class: put the "
            "images of each class into a sub-folder that has its name, in every part."
        )
    if len(classes) == 1:
        raise WorkbookError(
            f"{folder} has one class only, {shown(classes[0].name)}: {_below(classes[0])}"
        )


def _are_parts(folders: Sequence[Path]) -> bool:
    """Tell whether folders are parts, and no classes that are called so (as of pictures of a test).

    They are if one of them is for training, or if there are no images in them.
    """
    parts = [PARTS.get(path.name.lower()) for path in folders]
    return all(parts) and ("train" in parts or not any(map(_has_images, folders)))


def _or_above(folder: Path) -> str:
    """Return the advice to name the folder above, if this seems to be one class of several."""
    if _has_images(folder) and sum(map(_has_images, _contents(folder.parent)[0])) > 1:
        return f", or, if this is one class, name the folder above, {folder.parent}"
    return ""


def _below(only: Path) -> str:
    """Return the advice for a folder with one sub-folder: perhaps the classes are below that."""
    folders = _contents(only)[0]
    while len(folders) == 1:
        only = folders[0]
        folders = _contents(only)[0]
    if folders:
        return f"if the classes are the folders in {only}, name this one."
    return (
        "add a sub-folder of images for another class, because with one there is nothing to tell "
        "apart."
    )
