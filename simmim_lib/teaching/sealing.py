"""Undo what an answer did to the library that checks it.

An answer runs in the same process as its check, since it is handed Keras models and changes them.
So whoever writes `exercises.check = ...`, empties `EXERCISES` or replaces `numpy.allclose` must not
decide about the verdict: what a check relies on is remembered before, and put back.
"""

import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

PACKAGES = ("simmim_lib", "numpy", "scipy", "builtins", "math", "inspect", "dis", "traceback", "re")
"""What checks rely on; of Keras and TensorFlow, whose modules change by themselves, nothing."""

_CODE = ("__code__", "__defaults__", "__kwdefaults__")


class Seal:
    """Remembers the modules that are loaded now, and puts them back.

    Functions and classes are remembered everywhere; of our own modules also the code of functions,
    the attributes of classes, and the entries of dictionaries, such as `EXERCISES`, with what is in
    them where it should never change. Other values may change: they are caches and the like.
    """

    def __init__(self) -> None:
        self._modules = dict(_sealed_modules())
        self._names = {name: _callables(module) for name, module in self._modules.items()}
        self._entries: list[tuple[str, dict, dict]] = []
        self._attributes: list[tuple[str, Any, dict[str, Any]]] = []
        for name, module in self._modules.items():
            if name.partition(".")[0] == "simmim_lib":
                self._look_into(name, module)

    def _look_into(self, name: str, module: ModuleType) -> None:
        for attribute, value in vars(module).items():
            path = f"{name}.{attribute}"
            if isinstance(value, dict) and not attribute.startswith("__"):
                self._entries.append((path, value, dict(value)))
                self._attributes += [(path, each, dict(vars(each))) for each in _frozen(value)]
            elif isinstance(value, FunctionType):
                code = {part: getattr(value, part) for part in _CODE}
                self._attributes.append((path, value, code))
            elif isinstance(value, type) and value.__module__ == name:
                self._attributes.append((path, value, _methods(value)))

    def restore(self) -> list[str]:
        """Put everything back.

        Returns:
            What had been changed, by its dotted names.
        """
        changed = [*self._restore_names(), *self._restore_entries(), *self._restore_attributes()]
        return list(dict.fromkeys(changed))

    def _restore_names(self) -> Iterator[str]:
        for module_name, module in self._modules.items():
            if sys.modules.get(module_name) is not module:
                sys.modules[module_name] = module
                yield module_name
            names = vars(module)
            for name, value in self._names[module_name].items():
                if names.get(name) is not value:
                    names[name] = value
                    yield f"{module_name}.{name}"

    def _restore_entries(self) -> Iterator[str]:
        for path, now, then in self._entries:
            lost = [key for key in then if now.get(key) is not then[key]]
            if lost:
                now.update({key: then[key] for key in lost})
                yield path

    def _restore_attributes(self) -> Iterator[str]:
        for path, owner, then in self._attributes:
            is_class = isinstance(owner, type)
            put = setattr if is_class else object.__setattr__  # which frozen objects take, too
            for name, value in then.items():
                now = vars(owner).get(name) if is_class else getattr(owner, name, None)
                if now is not value:
                    put(owner, name, value)
                    yield path


def _sealed_modules() -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES and isinstance(module, ModuleType):
            yield name, module


def _callables(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if callable(value)}


def _frozen(entries: dict) -> Iterator[Any]:
    """Yield the values that say of themselves that they do not change."""
    for each in entries.values():
        kind = getattr(type(each), "__dataclass_params__", None)
        if kind and kind.frozen and hasattr(each, "__dict__"):
            yield each


def _methods(owner: type) -> dict[str, Any]:
    """Return what a class defines itself; what Python adds cannot be set."""
    kinds = (FunctionType, staticmethod, classmethod, property)
    return {name: value for name, value in vars(owner).items() if isinstance(value, kinds)}
