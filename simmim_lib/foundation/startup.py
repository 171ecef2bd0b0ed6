"""Start TensorFlow without the page of messages that it writes first."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_tensorflow() -> None:
    """Import TensorFlow and let it look for devices, with its start-up messages thrown away.

    The messages are written by compiled code, past Python's `sys.stderr`, and no setting stops all
    of them; so the process's error stream is closed off for these seconds. Whatever goes wrong
    later is heard as usual, and a failing import still raises.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _silent_error_stream():
        import tensorflow as tf

        tf.config.list_physical_devices()
    # A lesson builds several small models; the hint that this costs time would only alarm.
    tf.get_logger().setLevel("ERROR")


@contextmanager
def _silent_error_stream() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
