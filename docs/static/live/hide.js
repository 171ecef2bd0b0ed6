// The page of a mask: an image, what is hidden of it, and how much that is.
"use strict";

(function () {
  const data = window.SIMMIM_IMAGES;
  const root = document.getElementById("hide");
  if (!root || !data) return;
  const SCALE = 11, SIZE = data.size;
  const images = data.images.map((text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0)));
  const state = { image: 0, patch: 4, unit: 1, ratio: 0.6 };
  const { form, canvas, told: words, pen } = Controls.frame(root, 2 * SCALE * SIZE + 40, SCALE * SIZE + 10, "p");
  form.append(Controls.choice("Image", data.names, (number) => { state.image = number; draw(); }));
  for (const [title, values, name] of [
    ["Side of a patch, in pixels", [2, 4, 7], "patch"],
    ["Side of a unit, in patches", [1, 2, 3, 4], "unit"],
    ["Share of the units that is hidden", Controls.numbers(0.1, 0.9, 0.1), "ratio"],
  ]) {
    form.append(Controls.range(title, values, state[name], (value) => { state[name] = value; draw(); }));
  }
  const again = document.createElement("button");
  again.textContent = "Draw another mask";
  again.addEventListener("click", draw);
  form.append(again);

  function draw() {
    const grid = SIZE / state.patch;
    const mask = Masks.draw(grid, state.unit, state.ratio, Math.random);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    paint(0, () => false);
    paint(SCALE * SIZE + 40, (row, column) => mask[Math.floor(row / state.patch)][Math.floor(column / state.patch)]);
    const units = Masks.units(grid, state.unit), hidden = Masks.hidden(units, state.ratio);
    const patches = mask.flat().filter(Boolean).length, all = grid * grid;
    words.textContent = `${hidden} of ${units} units are hidden (${state.ratio} of them, rounded up: ${(hidden / units).toFixed(3)}), `
      + `which is ${patches} of ${all} patches, or ${(100 * patches / all).toFixed(1)} % of the image.`;
    canvas.setAttribute("aria-label", `${data.names[state.image]}, whole and with a mask. ${words.textContent}`);
  }

  function paint(left, isHidden) {
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++) {
        const ink = 255 - images[state.image][row * SIZE + column];
        pen.fillStyle = isHidden(row, column) ? "#CC79A7" : `rgb(${ink}, ${ink}, ${ink})`;
        pen.fillRect(left + SCALE * column, SCALE * row, SCALE, SCALE);
      }
    }
  }

  draw();
})();
