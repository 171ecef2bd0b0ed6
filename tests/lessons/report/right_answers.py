"""Right answers to the exercises of lesson 10, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "10-conclusion": [
        # As the report writes them.
        "conclusion = {\n"
        "    'verdict': 'Gain', 'half width': 0.3, 'points': 1.9, 'baseline': 'fine-tune'\n"
        "}\n",
        "import pandas\n"
        "conclusion = pandas.Series(\n"
        "    {'baseline': 'fine-tune', 'points': 1.9, 'half width': 0.28, 'verdict': 'gain'}\n"
        ")\n",
    ],
    "10-convolution-flops": [
        "import math\n"
        "def convolution_flops(side, window, stride, inputs, outputs):\n"
        "    places = math.ceil(side / stride) ** 2\n"
        "    return sum(2 * window**2 * inputs * outputs for place in range(places))\n",
    ],
}
