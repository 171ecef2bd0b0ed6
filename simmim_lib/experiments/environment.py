"""What a result depends on beside its settings: versions, machine, memory."""

import platform
from pathlib import Path

from simmim_lib import __version__
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import machine, packages
from simmim_lib.settings import Settings


def versions() -> dict[str, str]:
    """Return the versions that a result depends on; "unknown" of what is only on the path."""
    others = ("tensorflow", "keras", "numpy")
    return {
        "python": platform.python_version(),
        "simmim-workbook": __version__,
        **{name: packages.version(name) or "unknown" for name in others},
    }


STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """Return the most main memory that this process has had at once, in bytes.

    Linux keeps it for the process alone; the peak that Python's own `resource` tells begins with
    the peak of the process that started this one.

    Raises:
        WorkbookError: the system does not tell.
    """
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return 1024 * int(value.split()[0])
    raise WorkbookError(
        "This system does not say how much memory a process has used at its peak: run the report "
        "on Linux to see it."
    )


def describe_environment(settings: Settings) -> dict[str, str]:
    """Return what the numbers of a report depend on beside its settings."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(each) for each in devices]
    names = [each.get("device_name", "a GPU") for each in details]
    return {
        **versions(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{_processor()}, {machine.cores()} cores",
        "GPU": ", ".join(names) or "none",
        "seeds": f"{settings.seeds} (0 to {settings.seeds - 1})",
        "budget": settings.budget,
    }


def _processor() -> str:
    """Return the processor's name; Python itself knows only its family on many systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def peak_memory_in_words() -> str:
    """Return the most memory that this process has had, in words."""
    try:
        return f"{peak_memory() / 2**20:,.0f} MiB"
    except WorkbookError as error:
        return str(error)
