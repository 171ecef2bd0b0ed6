"""The question of lesson 00."""

from simmim_lib.exercises.questions import Answer, Estimate, question
from simmim_lib.foundation.progress import progress_bar
from simmim_lib.lessons.start_here import networks


@question(
    Estimate(
        "00-few-labels",
        "A small network has learned to read *printed* letters and digits. Now you give it "
        "*handwritten* digits: ten labelled pictures of each, a hundred in all, and one second to "
        "train. How many of a hundred other handwritten digits does it read?",
        least=0,
        most=100,
        within=6,
        too_low="A hundred pictures sound like little, but the network does not start from "
        "nothing: strokes, corners and loops look the same in print and in handwriting.",
        too_high="It has a good start, but people write the same digit in many ways, and ten "
        "examples show only some of them.",
        close="A good eye: the network knows strokes from print, and ten examples show it how "
        "digits are written.",
        unit="digits",
    )
)
def _few_labels() -> Answer:
    with progress_bar("Adapting") as progress:
        accuracy = networks.accuracy("mnist", 10, progress)
    return Answer(
        100 * float(accuracy.mean()),
        "On the left you see the labelled pictures, on the right how far they get you. The grey "
        "curve copies the label of the most similar labelled picture, pixel by pixel; nothing is "
        "trained. The network, retrained for about a second, does better with the same "
        "labels. Move the slider *Labels per class*, then choose another dataset: the network is "
        "trained anew each time. Every further label helps less than the one before, and "
        "photographs of clothes stay harder than digits.",
    )
