"""Start TensorFlow, without its page of messages and without taking all of a card."""

import contextlib
import os
import sys
from collections.abc import Iterator

from simmim_lib.foundation import keras_setup


def load_tensorflow() -> None:
    """Import TensorFlow and Keras and let them look for devices, without their start-up messages.

    The messages are written by compiled code, past Python's `sys.stderr`, and no setting stops all
    of them; so the process's error stream is closed off for these seconds. Whatever goes wrong
    later is heard as usual, and a failing import still raises.

    Keras is set up as usual, whatever a reader's file `keras.json` says, since this process is a
    lesson's or a command's; and of a GPU only the memory that is needed is taken.

    Raises:
        WorkbookError: a Keras that cannot be used, as `keras_setup.load_keras` says.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _silent_error_stream():
            keras_setup.load_keras()
            import tensorflow as tf

            tf.config.list_physical_devices()
        # A lesson builds several small models; the hint that this costs time would only alarm.
        tf.get_logger().setLevel("ERROR")
    _share_gpus()
    keras_setup.set_up()


def _share_gpus() -> None:
    """Let a lesson, a report and a sweep share a card: by default TensorFlow takes all its memory.

    Source: TensorFlow's guide "Use a GPU", section "Limiting GPU memory growth".
    """
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        # One that is in use already stays as it is, and so does one that its owner has divided.
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(device, True)


@contextlib.contextmanager
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
