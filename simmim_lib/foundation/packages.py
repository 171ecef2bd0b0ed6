"""Packages that are installed, under whichever name."""

import functools
import importlib.metadata
from collections.abc import Mapping


def version(package: str) -> str | None:
    """Return the version of an installed package, or None where there is none.

    Some builds have names of their own (tensorflow-cpu, tf-nightly, tensorflow-rocm): where nothing
    is installed under the usual name, what brings the module of this name counts.

    Args:
        package: its usual name, such as "tensorflow".
    """
    found = _find(package)
    if found is None:
        # What an interrupted installation has left may lack its name, or its version.
        names = filter(None, _packages_by_module().get(package, ()))
        found = next(filter(None, map(_find, names)), None)
    return found


def _find(name: str) -> str | None:
    try:
        return importlib.metadata.version(name) or None
    except (importlib.metadata.PackageNotFoundError, FileNotFoundError, KeyError):
        # The last two come from the package importlib-metadata, which finds others' once imported.
        return None


@functools.cache  # it looks into every package that is installed
def _packages_by_module() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()
