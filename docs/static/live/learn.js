// The page on which a head learns: controls, a picture of every seed, and the same in words.
"use strict";

(function () {
  const data = window.SIMMIM_HEADS;
  const root = document.getElementById("learn");
  if (!root || !data) return;
  const settings = { source: 0, labels: 3, seeds: 3, information: 0, spread: 1 };
  const ways = {
    labels: [1, 2, 3, 5, 10, 20], seeds: [1, 2, 3, 5],
    information: [0, 0.1, 0.3, 1, 3], spread: [0, 0.25, 0.5, 1, 2],
  };
  const titles = {
    labels: "Labels per class", seeds: "Seeds", information: "Information of images without labels",
    spread: "of which: spread over the classes",
  };

  const { form, canvas, told: words, pen } = Controls.frame(root, 760, 300, "p");
  form.append(Controls.choice("Source of the frozen trunk", data.sources.map((each) => each.title), (number) => {
    settings.source = number;
    learn();
  }));
  for (const name of Object.keys(ways)) {
    form.append(Controls.range(titles[name], ways[name], settings[name], (value) => { settings[name] = value; learn(); }));
  }
  const units = data.units, classes = data.classes.length;
  const features = data.sources.map((each) => Heads.halves(each.features));
  const test = { from: data.train, rows: data.labels.length - data.train };
  let round = 0, drawAgain = () => {};

  // Which images of each class have a label: the first ones of an order that the seed decides.
  function chosen(seed) {
    const order = data.orders[seed];
    const taken = new Array(classes).fill(0), labelled = [], rest = [];
    for (const place of order) {
      const label = data.labels[place];
      if (taken[label] < settings.labels) {
        taken[label] += 1;
        labelled.push(place);
      } else rest.push(place);
    }
    return { labelled, rest };
  }

  function rows(of, places) {
    const found = new Float64Array(places.length * units);
    places.forEach((place, row) => found.set(of.subarray(place * units, (place + 1) * units), row * units));
    return found;
  }

  function learn() {
    const mine = ++round, of = features[settings.source];
    const runs = [];
    for (let seed = 0; seed < settings.seeds; seed++) {
      const { labelled, rest } = chosen(seed);
      runs.push({
        learner: Heads.learner({
          labelled: rows(of, labelled), labels: labelled.map((place) => data.labels[place]),
          unlabelled: rows(of, rest), units, kernel: data.kernels[seed], bias: new Array(classes).fill(0),
          rate: data.rate, information: settings.information, spread: settings.spread,
          ramp: data.steps / 2,
        }),
        course: [],
      });
    }
    const seen = of.subarray(test.from * units);
    const truth = data.labels.slice(test.from);
    let step = 0;
    function look() {
      let shares;
      for (const run of runs) {
        const { kernel, bias } = run.learner.weights;
        const p = Heads.probabilities(seen, test.rows, units, kernel, bias);
        run.course.push([step, Heads.accuracy(p, truth)]);
        shares = Heads.meanOf(p, test.rows, classes);
      }
      drawAgain = () => draw(runs, shares);
      drawAgain();
    }
    function go() {
      if (mine !== round) return;
      if (step % 5 === 0) look();
      if (step >= data.steps) return tell(runs);
      for (const run of runs) run.learner.step();
      step += 1;
      if (step % 5 === 0) requestAnimationFrame(go);
      else go();
    }
    go();
  }

  function draw(runs, shares) {
    const dark = getComputedStyle(root).color;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.font = "13px sans-serif";
    const box = { left: 50, top: 30, width: 400, height: 220 };
    const x = (step) => box.left + box.width * step / data.steps;
    const y = (share) => box.top + box.height * (1 - share);
    axes(pen, dark, box, "test accuracy of every seed; mean ± interval", "training steps, all examples at once");
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      pen.fillStyle = dark;
      pen.fillText(share.toFixed(2), box.left - 34, y(share) + 4);
    }
    for (const step of [0, data.steps / 2, data.steps]) pen.fillText(step, x(step) - 8, box.top + box.height + 16);
    pen.lineWidth = 2;
    pen.strokeStyle = "#D55E00";
    for (const run of runs) {
      pen.beginPath();
      run.course.forEach(([step, share], number) => pen[number ? "lineTo" : "moveTo"](x(step), y(share)));
      pen.stroke();
    }
    // The interval over seeds, at the last step.
    const { mean, half } = Heads.interval(runs.map((run) => run.course.at(-1)[1]));
    const place = x(runs[0].course.at(-1)[0]) + 8;
    pen.strokeStyle = pen.fillStyle = dark;
    pen.beginPath();
    pen.arc(place, y(mean), 4, 0, 2 * Math.PI);
    pen.fill();
    if (!Number.isNaN(half)) {
      const ends = [mean - half, mean + half].map((share) => y(Math.min(1, Math.max(0, share))));
      pen.beginPath();
      pen.moveTo(place, ends[0]);
      pen.lineTo(place, ends[1]);
      for (const end of ends) {
        pen.moveTo(place - 4, end);
        pen.lineTo(place + 4, end);
      }
      pen.stroke();
    }
    const bars = { left: 520, top: 30, width: 220, height: 220 };
    axes(pen, dark, bars, "share of each predicted class", "class (last seed); 10 % each is even");
    const most = Math.max(0.3, ...shares), step = bars.width / classes;
    shares.forEach((share, k) => {
      pen.fillStyle = "#0072B2";
      const height = bars.height * share / most;
      pen.fillRect(bars.left + k * step + 2, bars.top + bars.height - height, step - 4, height);
      pen.fillStyle = dark;
      pen.fillText(data.classes[k], bars.left + k * step + step / 3, bars.top + bars.height + 16);
    });
  }

  function axes(pen, colour, box, above, below) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 1;
    pen.strokeRect(box.left, box.top, box.width, box.height);
    pen.fillText(above, box.left, box.top - 10);
    pen.fillText(below, box.left, box.top + box.height + 34);
  }

  function tell(runs) {
    const last = runs.map((run) => run.course.at(-1)[1]);
    const { mean, half } = Heads.interval(last);
    const spread = Number.isNaN(half) ? "" : ` ± ${(100 * half).toFixed(1)}`;
    const each = last.map((share) => (100 * share).toFixed(1)).join(", ");
    words.textContent = `After ${data.steps} steps on ${settings.labels} labelled images of each digit, source `
      + `${data.sources[settings.source].title}: test accuracy ${(100 * mean).toFixed(1)}${spread} % (${each}), on `
      + `${test.rows} images.`;
    canvas.setAttribute("aria-label", words.textContent);
  }

  learn();
  Controls.whenInkChanges(() => drawAgain());
})();
