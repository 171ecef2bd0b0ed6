// Controls of the live pages.
"use strict";

const Controls = {
  // A slider over listed numbers, with its title before it and its number after it.
  range(title, values, value, set) {
    const label = document.createElement("label"), slider = document.createElement("input");
    const shown = document.createElement("output");
    const show = (number) => {
      shown.textContent = number;
      slider.setAttribute("aria-valuetext", number);
    };
    Object.assign(slider, { type: "range", min: 0, max: values.length - 1, step: 1 });
    slider.value = values.indexOf(value);
    show(value);
    slider.addEventListener("input", () => {
      set(values[slider.value]);
      show(values[slider.value]);
    });
    label.append(`${title} `, slider, " ", shown);
    return label;
  },
};
