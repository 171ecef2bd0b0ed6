"""YAML by the rules of version 1.2, where a plain word means what it looks like.

PyYAML reads version 1.1, in which 010 is 8, 1:30 is 90 and `no` is False. Here numbers are decimal
unless they begin with 0o or 0x, only `true` and `false` are truth values, only `null`, `~` and
nothing at all are null, and the rest is text, dates included. Tags stand for these kinds only.
Anchors, aliases and merge keys (`<<`) mean what they do in version 1.1.

Source: YAML 1.2.2, section 10.3, "Core Schema".
"""

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import plain_files

MAX_CHARACTERS = 2_000_000
"""Bytes of a file, and characters that it stands for when all aliases are put in."""

TAG = "tag:yaml.org,2002:"

PLAIN_WORDS = {
    "null": r"|~|null|Null|NULL",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "merge": r"<<",
}
"""By the kind of a value, the plain words that are of it; the first that fits counts."""


def _integer(word: str) -> int:
    return int(word, 0) if word.startswith(("0o", "0x")) else int(word)


def _float(word: str) -> float:
    return float(re.sub(r"\.(?=[in])", "", word.lower()))  # Python writes .inf and .nan so


SCALARS: Mapping[str, Callable[[str], Any]] = {
    "null": lambda word: None,
    "bool": lambda word: word.lower() == "true",
    "int": _integer,
    "float": _float,
    "str": str,
}
"""By the kind of a value, what makes it from a word."""


def read(path: Path) -> Any:
    """Return what a YAML file holds: mappings, lists, texts, numbers, truth values and None.

    Raises:
        WorkbookError: a file that cannot be read, is no YAML, is too long or becomes so by its
            aliases, or gives a name twice.
    """
    try:
        import yaml
    except ImportError as error:
        raise WorkbookError(
            "A grid is read with PyYAML, which is not installed: pip install pyyaml"
        ) from error
    try:
        return _parse(path, plain_files.read_text(path, MAX_CHARACTERS))
    except WorkbookError:
        raise
    except OSError as error:
        raise WorkbookError(f"Cannot read {path} ({error.strerror}): name a YAML file.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        told = " ".join(str(problem).split())[:200]
        raise WorkbookError(f"{path}{line}: this is not YAML ({told}): fix it.") from error


def _parse(path: Path, text: str) -> Any:
    loader = _loader()(text)
    root = loader.get_single_node()
    if root is None:
        return None
    if _size(root, {}) > MAX_CHARACTERS:
        raise WorkbookError(
            f"{path} has aliases (such as *name) that stand for more than {MAX_CHARACTERS:,} "
            "characters, or for themselves: write the values out, or leave them out."
        )
    if repeated := _repeated(root):
        name, line = repeated
        raise WorkbookError(f"{path}, line {line}: {shown(name)} is there already: give it once.")
    return loader.construct_document(root)


@functools.cache
def _loader() -> Any:
    """Return PyYAML's safe loader with the rules of version 1.2, and with no other tags."""
    import yaml

    known = yaml.SafeLoader.yaml_constructors

    class CoreLoader(yaml.SafeLoader):
        yaml_implicit_resolvers: Mapping[str, Any] = {}
        yaml_constructors: Mapping[str | None, Any] = {
            **{TAG + kind: _constructor(kind) for kind in SCALARS},
            **{TAG + kind: known[TAG + kind] for kind in ("seq", "map")},
            None: known[None],  # which refuses every other tag
        }

    for kind, words in PLAIN_WORDS.items():
        CoreLoader.add_implicit_resolver(TAG + kind, re.compile(rf"(?:{words})\Z"), None)
    return CoreLoader


def _constructor(kind: str) -> Callable[[Any, Any], Any]:
    """Return what makes a value of a kind from a node, which a tag may have called so."""
    from yaml.constructor import ConstructorError

    def construct(loader: Any, node: Any) -> Any:
        word = loader.construct_scalar(node)
        try:
            if kind in PLAIN_WORDS and not re.fullmatch(PLAIN_WORDS[kind], word):
                raise ValueError
            return SCALARS[kind](word)
        except ValueError as error:  # also of a number with thousands of digits
            problem = f"{shown(word)} is no {kind}"
            raise ConstructorError(None, None, problem, node.start_mark) from error

    return construct


def _parts(node: Any) -> Iterable[Any]:
    """Return the nodes in a list or a mapping, names before their values."""
    return node.value if node.id == "sequence" else itertools.chain(*node.value)


def _size(node: Any, sizes: dict[int, float]) -> float:
    """Return how many characters a node stands for with its aliases put in.

    Args:
        node: any.
        sizes: those that are known, by the node's identity; it is added to. What is met inside of
            itself is infinite.
    """
    if id(node) not in sizes:
        sizes[id(node)] = math.inf
        scalar = node.id == "scalar"
        inside = len(node.value) if scalar else sum(_size(part, sizes) for part in _parts(node))
        sizes[id(node)] = 1 + inside
    return sizes[id(node)]


def _repeated(root: Any) -> tuple[str, int] | None:
    """Return the first name that stands twice in a mapping, and its line: YAML takes the last."""
    waiting, visited = [root], set()
    while waiting:
        node = waiting.pop()
        if node.id == "scalar" or id(node) in visited:
            continue
        visited.add(id(node))
        waiting += _parts(node)
        names = set()
        for key, _ in node.value if node.id == "mapping" else ():
            if key.id == "scalar" and key.value in names:
                return key.value, key.start_mark.line + 1
            names.add(key.value if key.id == "scalar" else None)
    return None
