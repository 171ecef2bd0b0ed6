"""What tests/test_distribution.py runs in processes of their own; the results go to a folder.

Run as `distribution_worker.py mirrored DEVICES FOLDER` or `worker INDEX PORTS FOLDER`.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from simmim_lib import experiments
from simmim_lib.foundation.startup import load_tensorflow
from simmim_lib.settings import Settings

LABELS = Settings(
    targets=("mnist", "uci-digits"), labels_per_class=(1, 3), task_weights=(1.0, 0.5), seeds=2,
    steps=4, optimizer="momentum", learning_rate=0.002, source="glyphs", frozen_layers=1,
)  # fmt: skip
PLANS = {
    "labels": LABELS,
    "probe": LABELS.replace(adaptation="probe-then-fine-tune", optimizer="adamw"),
    "unlabelled": LABELS.replace(
        frozen_layers=0, shared_heads=True, labels_per_class=(0, 3), information=1.0, spread=0.8,
        agreement=0.7, confidence=0.2, ramp=0.1, augmentation=1.0,
    ),
}  # fmt: skip


def train(settings):
    """Return the trained weights of an experiment, each (seeds, ...)."""
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    *_, weights = experiments.maximise_information(settings, tasks, network)
    return weights


def mirrored(devices, folder):
    """Train on several logical devices of the processor."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * int(devices)
    tf.config.set_logical_device_configuration(cpu, logical)
    _train_all("mirrored", Path(folder) / "0.npz")


def worker(index, ports, folder):
    """Train on one of several machines, and write a result if it is the chief."""
    address = [f"127.0.0.1:{port}" for port in ports.split(",")]
    task = {"type": "worker", "index": int(index)}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": address}, "task": task})
    _train_all("multi-worker", Path(folder) / f"{index}.npz")
    result = experiments.run(LABELS.replace(strategy="multi-worker"), baseline=False)
    result.to_json(Path(folder) / f"{index}.json")


def _train_all(strategy, path):
    found = {}
    for name, settings in PLANS.items():
        for position, weight in enumerate(train(settings.replace(strategy=strategy))):
            found[f"{name}_{position}"] = weight
    from simmim_lib.training import devices as training_devices

    np.savez(path, replicas=training_devices.strategy(strategy).num_replicas_in_sync, **found)


if __name__ == "__main__":
    load_tensorflow()
    command, *arguments = sys.argv[1:]
    {"mirrored": mirrored, "worker": worker}[command](*arguments)
