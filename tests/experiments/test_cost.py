"""What an experiment costs, against TensorFlow's profiler, a count by hand, and the system."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from processes import python_with

from simmim_lib import datasets, freezing, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import cost, environment
from simmim_lib.experiments.environment import peak_memory
from simmim_lib.experiments.examples import UNLABELLED_BATCH_SIZE
from simmim_lib.settings import Settings


def profiled_flops(model) -> int:
    """Ask TensorFlow's own profiler what one image takes."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    one = tf.TensorSpec([1, *model.input_shape[1:]], model.inputs[0].dtype)
    compiled = tf.function(lambda images: model(images)).get_concrete_function(one)
    graph = convert_variables_to_constants_v2(compiled).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph=graph, options=options).total_float_ops


@pytest.mark.parametrize("build", [lambda: trunks.classifier(10), trunks.article_network])
def test_forward_flops_are_the_profilers(build):
    model = build()
    assert cost.forward_flops(model) == profiled_flops(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small-vit", "words", "efficientnet-lite0"])
def test_forward_flops_of_other_trunks_are_nearly_the_profilers(name):
    """It counts normalisation and activation, too, but not the products of pairs in attention."""
    model = trunks.build_trunk(name)
    assert cost.forward_flops(model) == pytest.approx(profiled_flops(model), rel=0.1)


def test_attention_by_hand():
    """Three places of width 4, two heads of 5 numbers: products with weights, and of pairs."""
    import keras

    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, keras.layers.MultiHeadAttention(2, 5)(inputs, inputs))
    to_heads, back = 3 * (2 * 4 * 10 + 10), 2 * 10 * 4 + 4
    assert cost.forward_flops(model) == 3 * (to_heads + back) + 3 * 3 * 2 * (2 * 5 + 2 * 5)


def test_products_of_pairs_by_hand():
    """Four blocks in which 16 patches compare themselves, and take from each other."""
    trunk = trunks.build_trunk("small-vit")
    dense = [layer for layer in trunk.layers if hasattr(layer, "kernel")]
    pairs = 4 * 2 * 2 * 16 * 16 * trunk.get_layer("block_1_taken").kernel.shape[0]
    assert cost.forward_flops(trunk) == sum(map(cost.layer_flops, dense)) + pairs


def test_a_probe_by_hand():
    settings = Settings(adaptation="probe", labels_per_class=2, steps=7, seeds=4)
    head = 128 * 10 + 10
    found = cost.estimate(settings)
    assert found.trained == head
    # Both passes; 20 labelled digits are one batch; a sum and a product for each weight.
    assert found.flops == 3 * 4 * 7 * 20 * (2 * 128 * 10 + 10)


@pytest.mark.parametrize("frozen_layers", range(5))
def test_parameters_are_those_of_the_layers(frozen_layers):
    found = cost.estimate(Settings(frozen_layers=frozen_layers))
    model = trunks.add_head(trunks.build_trunk(), 10)
    freezing.freeze(model, frozen_layers)
    trained = sum(weight.numpy().size for weight in model.trainable_variables)
    assert (found.trained, found.trained + found.frozen) == (trained, model.count_params())


def test_every_view_of_every_image_counts():
    plain = Settings(frozen_layers=0)  # 32 labelled images a step
    flops = cost.estimate(plain).flops
    one_view = plain.replace(information=1.0)
    others = UNLABELLED_BATCH_SIZE
    assert cost.estimate(one_view).flops == pytest.approx(flops * (32 + others) / 32)
    two_views = one_view.replace(agreement=1.0, augmentation=1.0)
    assert cost.estimate(two_views).flops == pytest.approx(flops * (32 + 2 * others) / 32)
    nothing_labelled = one_view.replace(labels_per_class=0)
    assert cost.estimate(nothing_labelled).flops == pytest.approx(flops * others / 32)


@pytest.mark.parametrize(("batch_size", "images"), [(8, 8), (64, 64), (100, 100), (500, 100)])
def test_a_batch_holds_as_many_images_as_asked_and_no_more_than_have_labels(batch_size, images):
    plain = Settings(frozen_layers=0)  # 32 of 100 labelled images a step
    found = cost.estimate(plain.replace(batch_size=batch_size)).flops
    assert found == pytest.approx(cost.estimate(plain).flops * images / 32)


def test_images_that_have_labels_are_not_seen_without_them(monkeypatch):
    """Of 300 images, 60 for validation, 200 with labels leave fewer than a batch."""
    data = datasets.load("mnist")
    few = datasets.Part(data.train.images[:300], data.train.labels[:300])
    monkeypatch.setattr(datasets, "load", lambda name, size: replace(data, train=few))

    def images(labels_per_class):
        settings = Settings(frozen_layers=0, labels_per_class=labels_per_class, information=1.0)
        plain = settings.replace(information=0.0)
        return 32 * cost.estimate(settings).flops / cost.estimate(plain).flops - 32

    assert images(5) == pytest.approx(UNLABELLED_BATCH_SIZE)
    assert images(15) == pytest.approx(300 - 60 - 150)


def test_the_cost_of_two_networks_is_the_sum():
    assert cost.Cost(1, 2, 3.0) + cost.Cost(10, 20, 30.0) == cost.Cost(11, 22, 33.0)


def test_each_target_goes_through_the_trunk_and_its_own_head():
    both = Settings(targets=("mnist", "fashion"), shared_heads=False)
    alone = [cost.estimate(each).flops for each in both.separately()]
    assert cost.estimate(both).flops == pytest.approx(sum(alone))


def test_probe_then_fine_tune_costs_half_of_each():
    def flops(adaptation):
        return cost.estimate(Settings(adaptation=adaptation, steps=50)).flops

    mixed = (flops("probe") + flops("fine-tune")) / 2
    assert flops("probe-then-fine-tune") == pytest.approx(mixed)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_peak_memory_is_this_process_alone():
    """A child of a large process begins small, and remembers what it has given back."""
    code = """
import numpy as np
from simmim_lib.experiments import environment
before = environment.peak_memory()
np.ones(50_000_000)
print(before, environment.peak_memory())
"""
    ballast = bytearray(os.urandom(1)) * 900_000_000
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before < len(ballast) / 2
    assert after >= before + 300_000_000


def test_where_peak_memory_is_unknown_a_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "STATUS", Path(tmp_path, "nowhere"))
    with pytest.raises(WorkbookError, match=re.escape("does not say")):
        peak_memory()


def test_energy_is_power_times_time_times_overhead():
    assert cost.watt_hours(3600, watts=65, overhead=1) == 65
    assert cost.watt_hours(36, watts=100, overhead=1.5) == pytest.approx(1.5)
    for bad in ({"seconds": -1}, {"seconds": 1, "watts": 0}, {"seconds": 1, "overhead": 0.9}):
        with pytest.raises(WorkbookError, match=[*bad][-1]):
            cost.watt_hours(**bad)


WITH_CODECARBON = """
import sys
import time

from codecarbon import OfflineEmissionsTracker

watts, overhead, folder = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
tracker = OfflineEmissionsTracker(
    country_iso_code="FRA",
    tracking_mode="process",
    measure_power_secs=1,
    force_cpu_power=watts,
    force_mode_cpu_load=True,
    force_ram_power=0,
    gpu_ids=[],
    pue=overhead,
    save_to_file=False,
    output_dir=folder,
    allow_multiple_runs=True,
    log_level="error",
)
tracker.start()
start, busy = time.perf_counter(), time.process_time()
while time.perf_counter() - start < 4:
    sum(range(10_000))
busy = time.process_time() - busy
tracker.stop()
print(busy, tracker.final_emissions_data.energy_consumed)
"""


@pytest.mark.slow
def test_codecarbon_finds_the_same_energy_for_the_same_load(tmp_path):
    """It multiplies a nominal power by load, too: here by that of one core of all there are."""
    watts, overhead = 65.0, 1.5
    given = map(str, (watts, overhead, tmp_path))
    command = [python_with("codecarbon"), "-c", WITH_CODECARBON, *given]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    busy, kilowatt_hours = map(float, done.stdout.split()[-2:])
    full_load = busy / os.cpu_count()  # as many seconds on every core
    ours = cost.watt_hours(full_load, watts, overhead)
    assert ours == pytest.approx(1000 * kilowatt_hours, rel=0.1)


def test_frozen_blocks_look_once_at_each_image_that_teaches():
    settings = Settings(adaptation="probe", labels_per_class=7)
    whole, head = trunks.classifier(10), 2 * 128 * 10 + 10
    of_an_image = cost.forward_flops(whole) - head
    assert cost.feature_flops(settings) == 70 * of_an_image
    assert cost.feature_flops(Settings(frozen_layers=0)) == 0
    chosen = datasets.choose(datasets.load("mnist"), 7, seed=0)
    seen = len(chosen.labelled) + len(chosen.unlabelled)
    informed = Settings(recipe="simmim", frozen_layers=4, labels_per_class=7)
    assert cost.feature_flops(informed) == seen * of_an_image


def test_memory_by_hand():
    found = cost.Cost(trained=10, frozen=100, flops=0.0)
    assert found.bytes == 4 * (100 + 10 + 10 + 20)
