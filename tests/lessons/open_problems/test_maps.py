"""Maps of the lesson's methods: one value a pixel, of the network that is asked."""

import numpy as np
import pytest

from simmim_lib import attribution, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.open_problems import maps, two_tasks
from simmim_lib.simmim import SimMIM, Task


@pytest.fixture(scope="module")
def model() -> SimMIM:
    tasks = [Task(name, tuple("0123456789")) for name in two_tasks.SOURCES]
    model = SimMIM(trunks.build_trunk(), tasks)
    model.set_weights(trunks.fresh_weights(model, 0))
    return model


IMAGES = two_tasks.draw_pictures("test", 3, seed=0).images


def test_the_network_of_a_head_answers_as_the_model_does_and_is_its_own(model):
    for task in two_tasks.SOURCES:
        network = two_tasks.network_of(model, task)
        np.testing.assert_allclose(network(IMAGES), model(IMAGES)[task], atol=1e-5)
    network.set_weights([0 * weight for weight in network.get_weights()])
    assert np.abs(np.asarray(model(IMAGES)["digit"])).max() > 0


def test_a_head_that_does_not_exist_is_refused(model):
    with pytest.raises(WorkbookError, match=r"Unknown task 'nose'\. Choose one of: digit, garment"):
        two_tasks.network_of(model, "nose")


@pytest.mark.parametrize("method", maps.METHODS)
def test_every_method_has_a_value_for_each_pixel(model, method):
    network = two_tasks.network_of(model, "digit")
    classes = maps.answers(network, IMAGES)
    found = maps.METHODS[method](network, IMAGES, classes)
    assert found.shape == IMAGES.shape
    assert np.isfinite(found).all()
    # Of a network that knows nothing yet, Grad-CAM may have nothing that speaks for a class.
    assert np.ptp(found) > 0 or method == "Grad-CAM"


@pytest.mark.slow
def test_integrated_gradients_of_the_lesson_s_network_are_complete():
    images = two_tasks.draw_pictures("test", 8, seed=1).images
    for task in two_tasks.SOURCES:
        network = two_tasks.network_of(two_tasks.trained_model(), task)
        classes = maps.answers(network, images)
        found = attribution.integrated_gradients(network, images, classes)
        assert attribution.completeness_error(network, images, classes, found).max() < 1e-3
