// Controls and tables of the live pages.
"use strict";

const Controls = {
  // The listed numbers from one to another.
  numbers(least, most, step) {
    const count = 1 + Math.round((most - least) / step);
    return Array.from({ length: count }, (_, n) => Number((least + n * step).toFixed(6)));
  },

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

  // A list to choose one name from; `set` is given its position.
  choice(title, names, set) {
    const label = document.createElement("label"), select = document.createElement("select");
    names.forEach((name, number) => select.add(new Option(name, number)));
    select.addEventListener("change", () => set(Number(select.value)));
    label.append(`${title} `, select);
    return label;
  },

  // The frame of a page: controls above a picture, and what the picture says below it.
  frame(root, width, height, words) {
    root.querySelector("noscript")?.remove();
    root.querySelector("img")?.remove();
    const form = document.createElement("div"), canvas = document.createElement("canvas");
    const told = document.createElement(words);
    form.className = "live-controls";
    Object.assign(canvas, { width, height });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "The picture is being drawn.");
    told.setAttribute("aria-live", "polite");
    root.append(form, canvas, told);
    return { form, canvas, told, pen: canvas.getContext("2d") };
  },

  // Draw again when the page's ink changes, as a picture keeps the ink that it was drawn in.
  whenInkChanges(draw) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  },

  // Fill a table: the heads of its columns, then the texts of each line.
  fill(table, head, lines) {
    const row = (texts, kind) => {
      const line = document.createElement("tr");
      for (const text of texts) {
        const cell = document.createElement(kind);
        cell.textContent = text;
        line.append(cell);
      }
      return line;
    };
    table.replaceChildren(row(head, "th"), ...lines.map((line) => row(line, "td")));
  },
};
