// The page on which two gradients fight: angle and lengths by sliders, each method's step drawn.
"use strict";

(function () {
  const root = document.getElementById("fight");
  if (!root) return;
  const state = { angle: 120, first: 1, second: 2 };
  const { form, canvas, told: table, pen } = Controls.frame(root, 760, 420, "table");
  const lengths = Controls.numbers(0.25, 4, 0.25);
  for (const [title, values, name] of [
    ["Angle between the gradients, in degrees", Controls.numbers(0, 175, 5), "angle"],
    ["Length of the first", lengths, "first"],
    ["Length of the second", lengths, "second"],
  ]) {
    form.append(Controls.range(title, values, state[name], (value) => { state[name] = value; draw(); }));
  }
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933"];

  function draw() {
    const turn = state.angle * Math.PI / 180;
    const a = [state.first, 0], b = [state.second * Math.cos(turn), state.second * Math.sin(turn)];
    const steps = Object.keys(Gradients.weights).map((name) => {
      const weights = Gradients.weights[name](a, b), step = Gradients.mix(a, b, weights);
      return { name, weights, step, gains: [Gradients.dot(step, a), Gradients.dot(step, b)] };
    });
    const farthest = Math.max(...[a, b, ...steps.map((each) => each.step)].map(Gradients.length));
    const scale = 340 / farthest, ink = getComputedStyle(root).color;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.font = "13px sans-serif";
    arrow(pen, a, scale, ink, "first gradient", 3);
    arrow(pen, b, scale, ink, "second gradient", 3);
    steps.forEach((each, n) => arrow(pen, each.step, scale, COLOURS[n], Gradients.titles[each.name], 2));
    tell(steps);
  }

  function arrow(pen, [x, y], scale, colour, name, width) {
    const from = [canvas.width / 2, canvas.height - 30], to = [from[0] + scale * x, from[1] - scale * y];
    const turn = Math.atan2(to[1] - from[1], to[0] - from[0]);
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    for (const side of [2.7, -2.7]) {
      pen.moveTo(...to);
      pen.lineTo(to[0] + 9 * Math.cos(turn + side), to[1] + 9 * Math.sin(turn + side));
    }
    pen.stroke();
    pen.fillText(name, Math.min(to[0] + 5, canvas.width - 100), Math.max(12, to[1] - 5));
  }

  function tell(steps) {
    const head = ["method", "weights", "first task", "second task"];
    const gain = (value) => (Math.abs(value) < 1e-9 ? "stays" : value > 0 ? "improves" : "gets worse");
    const lines = steps.map(({ name, weights, gains }) => [
      Gradients.titles[name], weights.map((weight) => weight.toFixed(2)).join(", "), ...gains.map(gain),
    ]);
    Controls.fill(table, head, lines);
    const worse = steps.filter(({ gains }) => Math.min(...gains) < -1e-9);
    const names = worse.map(({ name }) => Gradients.titles[name]).join(", ") || "none";
    canvas.setAttribute("aria-label",
      `Two gradients at ${state.angle} degrees, ${state.first} and ${state.second} long, and the steps of seven `
      + `methods; a task gets worse with: ${names}.`);
  }

  draw();
  Controls.whenInkChanges(draw);
})();
