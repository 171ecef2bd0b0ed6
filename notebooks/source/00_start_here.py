# %% [markdown]
# # 00 Start here
#
# <!-- badge -->
#
# About 2 minutes. You will be able to move a slider and see a figure follow.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["nbval-check-output"]
import simmim_lib

print("The package", simmim_lib.__name__, "is here.")

# %%
import base64
import io

import ipywidgets
import matplotlib.pyplot as plt

slider = ipywidgets.IntSlider(description="Frozen layers", max=4, continuous_update=False)
slider.layout.width, slider.style.description_width = "auto", "initial"
picture = ipywidgets.Image()


def draw(change=None):
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.barh(["frozen layers"], [slider.value])
    axes.set(xlim=(0, 4), xlabel="layers")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(figure)
    picture.value = buffer.getvalue()


# %%
from IPython.display import display

draw()
slider.observe(draw, "value")
panel = ipywidgets.VBox([slider, picture])
view = {
    "application/vnd.jupyter.widget-view+json": {
        "version_major": 2,
        "version_minor": 0,
        "model_id": panel.model_id,
    },
    "image/png": base64.b64encode(picture.value).decode(),
    "text/plain": "A panel.",
}
display(view, raw=True, metadata={"image/png": {"alt": "A bar as long as the number of layers."}})

# %% [markdown]
# ## Recap
#
# A panel is a slider and a figure.
#
# ## Where next
#
# Lesson 01.
