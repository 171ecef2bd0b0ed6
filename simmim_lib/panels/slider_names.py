"""Names of sliders for screen readers: ipywidgets writes a slider's label, but does not tie it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets as widgets

# A page needs this once. Sliders are drawn later than it runs, and again when they change, so it
# keeps watching; a name by reference follows a label that is written anew. A slider over a list
# calls its position its value: what stands beside it describes it better.
SCRIPT = """
if (!window.simmimNamesSliders) {
    window.simmimNamesSliders = true;
    let count = 0;
    const refer = (handle, attribute, part) => {
        if (!part || handle.hasAttribute(attribute)) return;
        part.id ||= `simmim-slider-${count++}`;
        handle.setAttribute(attribute, part.id);
    };
    const name = () => {
        for (const handle of document.querySelectorAll('.widget-slider [role=slider]')) {
            const slider = handle.closest('.widget-slider');
            refer(handle, 'aria-labelledby', slider.querySelector('.widget-label'));
            refer(handle, 'aria-describedby', slider.querySelector('.widget-readout'));
        }
    };
    new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
    name();
}
"""


def slider_names() -> "widgets.Output":
    """Return a widget that shows nothing, and names the sliders of the page that it is put on."""
    import ipywidgets as widgets

    script = {"application/javascript": SCRIPT, "text/plain": ""}
    output = {"output_type": "display_data", "data": script, "metadata": {}}
    # Where nothing is displayed, the script would not run; without room it still does.
    return widgets.Output(outputs=(output,), layout={"height": "0", "overflow": "hidden"})
