"""Several devices and several machines: TensorFlow's strategies, by name."""

import functools
import os
from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError, shown

if TYPE_CHECKING:
    import tensorflow as tf


@functools.cache
def strategy(name: str | None) -> "tf.distribute.Strategy":
    """Return the strategy that a name in `settings.STRATEGIES` stands for.

    The same one each time. On several machines it has to be asked for before TensorFlow computes
    anything, and waits until all of them are there.

    Args:
        name: none for TensorFlow's own choice of one device.

    Raises:
        WorkbookError: TF_CONFIG is missing or cannot be used, or TensorFlow was used before.

    Source: TensorFlow's guide "Distributed training with TensorFlow".
    """
    import tensorflow as tf

    if name is None:
        return tf.distribute.get_strategy()
    return _mirrored() if name == "mirrored" else _multi_worker()


def is_chief(name: str | None) -> bool:
    """Return whether this process writes the files: one of several machines does."""
    return name is None or strategy(name).extended.should_checkpoint


def _mirrored() -> "tf.distribute.Strategy":
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multi_worker() -> "tf.distribute.Strategy":
    import tensorflow as tf

    given = os.environ.get("TF_CONFIG")
    if not given:
        raise WorkbookError(
            "strategy is 'multi-worker', but TF_CONFIG, which says where the machines are and "
            "which of them this is, is not set: set it as docs/operators.md shows, or use "
            "'mirrored' for the devices of one machine."
        )
    try:
        if not tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec():
            raise ValueError("it names no cluster")  # alone, TensorFlow would train without a word
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise WorkbookError(
            "strategy is 'multi-worker', but TensorFlow has computed something already, so "
            "machines cannot join any more: run this first in a new process."
        ) from error
    except Exception as error:  # whatever the several readers of TF_CONFIG stumble over
        raise WorkbookError(
            f"TF_CONFIG is {shown(given)}, which TensorFlow cannot use ({error}): write "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        ) from error
