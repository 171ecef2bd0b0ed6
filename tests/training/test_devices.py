"""Training on several devices and machines, in processes of their own, beside training on one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import distribution_worker
import numpy as np
import pytest
import tensorflow as tf
from distribution_worker import LABELS, PLANS
from processes import finish

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import Settings
from simmim_lib.training import devices

ROOT = Path(__file__).resolve().parents[2]
WORKERS = {"worker": ["127.0.0.1:9", "127.0.0.1:10"]}
FIRST = {"type": "worker", "index": 0}


@pytest.fixture(scope="module")
def alone():
    """What one device makes of every plan."""
    return {name: distribution_worker.train(settings) for name, settings in PLANS.items()}


def run(*of_each_process):
    """Run the worker in several processes at once; only errors reach the error stream."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, distribution_worker.__file__]
    processes = [
        subprocess.Popen(
            [*command, *map(str, arguments)], env=environment, stderr=subprocess.PIPE, text=True
        )
        for arguments in of_each_process
    ]
    finish(*processes, seconds=240)


def check(path, replicas, alone):
    with np.load(path) as found:
        assert found["replicas"] == replicas
        for name, weights in alone.items():
            for position, expected in enumerate(weights):
                weight = found[f"{name}_{position}"]
                np.testing.assert_allclose(weight, expected, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_several_devices_train_as_one(alone, tmp_path):
    """Batches of 0, 10, 30 and 256 images: three devices get shares of different sizes."""
    run(("mirrored", 3, tmp_path))
    check(tmp_path / "0.npz", 3, alone)


@pytest.mark.slow
def test_two_machines_train_as_one_and_the_chief_writes(alone, tmp_path):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = ",".join(str(each.getsockname()[1]) for each in sockets)
    for each in sockets:
        each.close()
    run(*(("worker", index, ports, tmp_path) for index in range(2)))
    for index in range(2):
        check(tmp_path / f"{index}.npz", 2, alone)
    assert not (tmp_path / "1.json").exists()
    written = json.loads((tmp_path / "0.json").read_text())
    assert written["settings"]["strategy"] == "multi-worker"
    expected = experiments.run(LABELS, baseline=False).accuracy
    for name, accuracy in expected.items():
        np.testing.assert_allclose(written["accuracy"][name], accuracy, atol=1e-3)


@pytest.mark.slow
def test_one_device_may_be_mirrored():
    """A report made for several GPUs runs where there is one device."""
    small = LABELS.replace(targets=("uci-digits",), labels_per_class=1, task_weights=None, steps=2)
    found = distribution_worker.train(small.replace(strategy="mirrored"))
    for one, other in zip(found, distribution_worker.train(small), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert devices.is_chief("mirrored")


def test_a_weighting_with_a_memory_is_refused():
    settings = LABELS.replace(weighting="uncertainty", strategy="mirrored")
    with pytest.raises(WorkbookError, match=r"'uncertainty' has one memory.*use weighting='fixed'"):
        distribution_worker.train(settings)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(WorkbookError, match="Did you mean 'mirrored'"):
        Settings(strategy="mirored")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "TF_CONFIG, which says where the machines are .* is not set"),
        ("{", "which TensorFlow cannot use .*: write {.cluster"),
        (json.dumps({"task": FIRST}), "it names no cluster"),
        (json.dumps({"cluster": WORKERS}), "must also specify `task_type`"),
        (json.dumps({"cluster": WORKERS, "task": {**FIRST, "index": 2}}), "exceeds the maximum"),
        (json.dumps({"cluster": WORKERS, "task": FIRST}), "has computed something already"),
    ],
)
def test_machines_that_cannot_join_are_told_why(given, said, monkeypatch):
    tf.ones(1)  # TensorFlow is in use, as in every notebook that has computed something
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if given:
        monkeypatch.setenv("TF_CONFIG", given)
    with pytest.raises(WorkbookError, match=said):
        devices.strategy("multi-worker")
