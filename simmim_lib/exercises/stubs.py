"""Tell an answer from the `...` that the lesson put in its place."""

import dis
import inspect
from types import CodeType

_KEEPS_OR_RETURNS = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "RETURN_VALUE")
"""What follows a blank. STORE_SUBSCR is not among them: `out[...] = value` writes a whole array."""


def is_stub(answer: object) -> bool:
    """Tell whether an answer, or a part of it, is still the `...` that the lesson put there."""
    if answer is ...:
        return True
    if isinstance(answer, dict):
        return any(is_stub(part) for part in answer.values())
    if isinstance(answer, list | tuple):
        return any(is_stub(part) for part in answer)
    code = code_of(answer)
    return code is not None and _has_blank(code)


def code_of(answer: object) -> CodeType | None:
    """Return the compiled code of a learner's function; None for what is not written in Python."""
    try:
        unwrapped = inspect.unwrap(answer) if callable(answer) else answer
        code = getattr(unwrapped, "__code__", None)
    except Exception:  # an object of the learner's own may do anything when it is looked at
        return None
    return code if isinstance(code, CodeType) else None


def _has_blank(code: CodeType) -> bool:
    """Tell whether a function does nothing yet, or still says `name = ...` or `return ...`.

    The source may be out of reach, so this reads the compiled code, where a lone `...` leaves no
    trace and `x[..., 0]` does not look like a blank.
    """
    steps = [s for s in dis.get_instructions(code) if s.opname not in {"RESUME", "NOP"}]
    returns = {"LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    if all(step.opname in returns and step.argval is None for step in steps):
        return True
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.argval is ... and (
            step.opname == "RETURN_CONST"
            or (following and following.opname.startswith(_KEEPS_OR_RETURNS))
        ):
            return True
    return False
