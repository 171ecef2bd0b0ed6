// The page of the formula: every prediction over three classes is a point of a triangle.
"use strict";

(function () {
  const root = document.getElementById("triangle");
  if (!root) return;
  const NAMES = ["3", "5", "8"], TRUE = 0, SIDE = 340, STEPS = 60, RATE = 0.5;
  const corners = [[SIDE / 2 + 30, 30], [30, 30 + SIDE * Math.sqrt(0.75)], [SIDE + 30, 30 + SIDE * Math.sqrt(0.75)]];
  const readings = Object.keys(Formula.losses);
  const state = { reading: "written", first: 0.3, second: 0.6 };
  const { form, canvas, told: table, pen } = Controls.frame(root, 420, 360, "table");
  form.append(Controls.choice("Loss", readings.map((name) => Formula.titles[name]), (number) => {
    state.reading = readings[number];
    draw();
  }));
  for (const [title, name] of [
    [`p of the label, ${NAMES[0]}`, "first"], [`share of the rest that ${NAMES[1]} has`, "second"],
  ]) {
    const values = Controls.numbers(0.05, 0.95, 0.05);
    form.append(Controls.range(title, values, state[name], (value) => { state[name] = value; draw(); }));
  }

  const place = (p) => [0, 1].map((axis) => p.reduce((sum, each, n) => sum + each * corners[n][axis], 0));

  function draw() {
    const start = [state.first, (1 - state.first) * state.second, (1 - state.first) * (1 - state.second)];
    const path = Formula.descend(state.reading, start, TRUE, STEPS, RATE);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    shade();
    pen.strokeStyle = pen.fillStyle = "#D55E00";
    pen.lineWidth = 3;
    pen.beginPath();
    for (const p of path) pen.lineTo(...place(p));
    pen.stroke();
    dot(place(start), 6);
    dot(place(path.at(-1)), 3);
    pen.fillStyle = getComputedStyle(root).color;
    pen.font = "14px sans-serif";
    NAMES.forEach((name, n) => pen.fillText(n === TRUE ? `${name} (the label)` : name, corners[n][0] - 6, corners[n][1] + (n ? 18 : -8)));
    tell(start, path.at(-1));
  }

  // Dark is a small loss.
  function shade() {
    const points = [];
    for (let i = 0; i <= 80; i++) for (let j = 0; i + j <= 80; j++) points.push([i / 80, j / 80, (80 - i - j) / 80]);
    const losses = points.map((p) => Math.min(3, Formula.losses[state.reading](p, TRUE).loss));
    const least = Math.min(...losses), range = Math.max(...losses) - least;
    points.forEach((p, n) => {
      const light = Math.round(60 + 190 * (losses[n] - least) / range), [x, y] = place(p);
      pen.fillStyle = `rgb(${light}, ${light}, 255)`;
      pen.fillRect(x - 2.5, y - 2.5, 5, 5);
    });
  }

  function dot([x, y], radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.fill();
  }

  function tell(start, end) {
    const shown = (p) => p.map((each) => each.toFixed(2)).join(", ");
    Controls.fill(table, ["loss", "here", "p after descending it", "towards the label"], readings.map((name) => {
      const last = Formula.descend(name, start, TRUE, STEPS, RATE).at(-1);
      return [Formula.titles[name], Formula.losses[name](start, TRUE).loss.toFixed(3), shown(last), last[TRUE] > start[TRUE] ? "yes" : "no"];
    }));
    canvas.setAttribute("aria-label",
      `A triangle whose points are predictions over three classes. From ${shown(start)}, descending `
      + `${Formula.titles[state.reading]} leads to ${shown(end)}.`);
  }

  draw();
  Controls.whenInkChanges(draw);
})();
