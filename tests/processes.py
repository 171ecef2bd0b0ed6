"""Processes that tests start."""

import subprocess


def finish(*processes: subprocess.Popen, seconds: float) -> None:
    """Wait until all have ended well; whatever happens, none is left running."""
    try:
        for process in processes:
            _, errors = process.communicate(timeout=seconds)
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in processes:
            process.kill()
