// Which patches of an image are hidden, as many in each.
"use strict";

const Masks = {
  // Patches on each side, patches on each side of a unit: how many units there are.
  units: (grid, unit) => Math.ceil(grid / unit) ** 2,

  // The share's units, rounded up.
  hidden: (units, ratio) => Math.ceil(Number((ratio * units).toFixed(9))),

  // Rows of true (hidden) and false, (grid, grid); `random` gives numbers from 0 to 1.
  draw(grid, unit, ratio, random) {
    const side = Math.ceil(grid / unit), units = side * side;
    const order = Array.from({ length: units }, (_, place) => [random(), place]).sort(([a], [b]) => a - b);
    const chosen = new Set(order.slice(0, Masks.hidden(units, ratio)).map(([, place]) => place));
    const at = (line) => Math.floor(line / unit);
    return Array.from({ length: grid }, (_, row) =>
      Array.from({ length: grid }, (_, column) => chosen.has(at(row) * side + at(column))));
  },
};
