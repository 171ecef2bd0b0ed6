// The page of a threshold: two bell curves, the ROC curve, and ten thousand people in a table.
"use strict";

(function () {
  const root = document.getElementById("threshold");
  if (!root) return;
  const ILL = "#D55E00", HEALTHY = "#0072B2";
  const state = { threshold: 1, apart: 2, prevalence: 0.1 };
  const { form, canvas, told: table, pen } = Controls.frame(root, 760, 320, "table");
  for (const [title, values, name] of [
    ["Threshold", Controls.numbers(-2, 5, 0.25), "threshold"],
    ["How far the ill lie from the healthy", Controls.numbers(0, 4, 0.5), "apart"],
    ["Share of ill people", [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.74], "prevalence"],
  ]) {
    form.append(Controls.range(title, values, state[name], (value) => { state[name] = value; draw(); }));
  }

  function draw() {
    const ink = getComputedStyle(root).color;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.font = "13px sans-serif";
    curves(ink, { left: 30, top: 30, width: 400, height: 240 });
    roc(ink, { left: 500, top: 30, width: 240, height: 240 });
    tell();
  }

  function curves(ink, box) {
    const x = (score) => box.left + box.width * (score + 4) / 12;
    const y = (height) => box.top + box.height * (1 - height / 0.45);
    for (const [middle, colour, name] of [[0, HEALTHY, "healthy"], [state.apart, ILL, "ill"]]) {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = 2;
      pen.beginPath();
      for (let score = -4; score <= 8; score += 0.05) pen.lineTo(x(score), y(Screening.height(score - middle)));
      pen.stroke();
      pen.fillText(name, colour === ILL ? x(middle) + 18 : x(middle) - 66, y(0.38));
    }
    line(ink, [[x(state.threshold), box.top], [x(state.threshold), box.top + box.height]]);
    line(ink, [[box.left, box.top + box.height], [box.left + box.width, box.top + box.height]]);
    pen.fillStyle = ink;
    pen.fillText("told: healthy", Math.max(box.left, x(state.threshold) - 95), box.top - 8);
    pen.fillText("told: ill", x(state.threshold) + 8, box.top - 8);
    pen.fillText("score", box.left + box.width / 2, box.top + box.height + 30);
  }

  function roc(ink, box) {
    const place = ({ sensitivity, specificity }) => [
      box.left + box.width * (1 - specificity), box.top + box.height * (1 - sensitivity),
    ];
    line(ink, [[box.left, box.top], [box.left, box.top + box.height], [box.left + box.width, box.top + box.height]]);
    const corners = Controls.numbers(-4, 8, 0.1).map((at) => place(Screening.at(at, state.apart, 0.5)));
    line(ink, corners);
    const [x, y] = place(Screening.at(state.threshold, state.apart, 0.5));
    pen.fillStyle = ILL;
    pen.beginPath();
    pen.arc(x, y, 6, 0, 7);
    pen.fill();
    pen.fillStyle = ink;
    pen.fillText(`sensitivity; AUC ${Screening.area(state.apart).toFixed(3)}`, box.left, box.top - 8);
    pen.fillText("1 - specificity", box.left + box.width / 2 - 40, box.top + box.height + 30);
  }

  function line(colour, points) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }

  function tell() {
    const found = Screening.at(state.threshold, state.apart, state.prevalence);
    const people = (share) => Math.round(10000 * share).toLocaleString("en");
    const percent = (share) => (Number.isNaN(share) ? "nobody" : `${(100 * share).toFixed(1)} %`);
    Controls.fill(table, ["of 10,000 people", "ill", "healthy", "of those told so, true of"], [
      ["told: ill", people(found.found), people(found.alarmed), percent(found.positive)],
      ["told: healthy", people(found.missed), people(found.calm), percent(found.negative)],
      ["told the truth", percent(found.sensitivity), percent(found.specificity), percent(found.accuracy)],
    ]);
    canvas.setAttribute("aria-label",
      `Scores of healthy and ill people as two bell curves ${state.apart} apart, a threshold at ${state.threshold}; `
      + `sensitivity ${percent(found.sensitivity)}, specificity ${percent(found.specificity)}.`);
  }

  draw();
  Controls.whenInkChanges(draw);
})();
