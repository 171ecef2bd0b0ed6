"""What tests/test_simmim.py runs in processes of their own; the results go to a file for NumPy.

Run as `simmim_worker.py load MODEL WEIGHTS OUT`, `mirrored OUT` or `worker INDEX PORTS OUT`.
"""

import contextlib
import json
import os
import sys

import numpy as np

from simmim_lib.foundation.startup import load_tensorflow

SIDE, EXAMPLES, BATCH = 8, 24, 8
CLASSES = ("zero", "one", "two")
KINDS = {"digits": "classification", "marks": "multi-label", "size": "regression"}
CLASS_NAMES = {"digits": CLASSES, "marks": ("round", "open"), "size": ("pixels",)}


def data(seed=0):
    """Return images and labels by task, the same everywhere."""
    random = np.random.default_rng(seed)
    images = {name: random.random((EXAMPLES, SIDE, SIDE, 1), np.float32) for name in KINDS}
    labels = {
        "digits": random.integers(3, size=EXAMPLES),
        "marks": random.integers(2, size=(EXAMPLES, 2)).astype(np.float32),
        "size": random.random((EXAMPLES, 1), np.float32),
    }
    return images, labels


def tasks():
    import simmim_lib

    return [simmim_lib.Task(name, CLASS_NAMES[name], kind) for name, kind in KINDS.items()]


def trunk(seed=0):
    """Return a small stack of layers: two with weights, and a bottleneck of 5 units."""
    import keras

    start = [keras.initializers.GlorotUniform(seed=seed + i) for i in range(2)]
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            keras.layers.Conv2D(4, 3, 2, activation="relu", kernel_initializer=start[0], name="c"),
            keras.layers.Flatten(name="f"),
            keras.layers.Dense(5, activation="relu", kernel_initializer=start[1], name="d"),
        ],
        name="trunk",
    )


def joint_model(**options):
    """Return a compiled model of three tasks whose weights are the same everywhere."""
    import keras

    import simmim_lib

    model = simmim_lib.SimMIM(trunk(), tasks())
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.3, w.shape) for w in model.weights])
    options.setdefault("optimizer", keras.optimizers.Adam(0.01))
    options.setdefault("loss_weights", {"digits": 1.0, "marks": 0.5, "size": 2.0})
    model.compile(**options)
    return model


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data()).batch(BATCH)


def load(path, weights, out):
    """Predict with a stored model and train it on; predict with stored weights."""
    from simmim_lib import simmim
    from simmim_lib.errors import WorkbookError

    images, labels = data()
    rebuilt = joint_model()
    rebuilt.load_weights(weights)
    found = {f"rebuilt_{name}": value for name, value in predict(rebuilt, images).items()}
    try:
        model = simmim.load(path)
    except WorkbookError as error:
        np.savez(out, error=str(error), **found)
        return
    found |= predict(model, images)
    model.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    found |= {f"after_{name}": value for name, value in predict(model, images).items()}
    found["weights"] = list(model.get_compile_config()["loss_weights"].values())
    found["frozen"] = [layer.name for layer in model.trunk.layers if not layer.trainable]
    np.savez(out, **found)


def predict(model, images):
    return model.predict(images, batch_size=EXAMPLES, verbose=0)


def mirrored(out):
    """Train on two devices and on one, with the same batches."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    results = {"replicas": strategy.num_replicas_in_sync}
    for name, scope in ("two", strategy.scope()), ("one", contextlib.nullcontext()):
        with scope:
            model = joint_model()
        history = model.fit(dataset(), epochs=2, verbose=0).history
        evaluated = model.evaluate(dataset(), verbose=0, return_dict=True)
        results[f"{name}_loss"] = [*history["loss"], evaluated["loss"]]
        results[f"{name}_accuracy"] = history["digits_accuracy"]
        results |= {f"{name}_{i}": value for i, value in enumerate(model.get_weights())}
    np.savez(out, **results)


def worker(index, ports, out):
    """Train on one of several machines, and as if there were one machine only."""
    address = [f"127.0.0.1:{port}" for port in ports.split(",")]
    task = {"type": "worker", "index": int(index)}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": address}, "task": task})
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    from simmim_lib import simmim

    results = {"replicas": strategy.num_replicas_in_sync}
    with strategy.scope():
        model = joint_model()
    history = simmim.fit_on_workers(model, dataset(), epochs=2)
    results["loss"] = [epoch["loss"] for epoch in history]
    results["accuracy"] = [epoch["digits_accuracy"] for epoch in history]
    results |= {str(i): value for i, value in enumerate(model.get_weights())}
    try:
        model.fit(dataset(), verbose=0)
        results["fit"] = "works"
    except (TypeError, ValueError):
        results["fit"] = "fails"
    np.savez(out, **results)


if __name__ == "__main__":
    load_tensorflow()
    command, *arguments = sys.argv[1:]
    {"load": load, "mirrored": mirrored, "worker": worker}[command](*arguments)
