// Four readings of the article's formula, each with its slope with respect to the logits.
"use strict";

const Formula = {
  softmax(logits) {
    const most = Math.max(...logits), powers = logits.map((each) => Math.exp(each - most));
    const sum = powers.reduce((one, other) => one + other);
    return powers.map((each) => each / sum);
  },

  titles: {
    written: "(a) -p log p of the label", cross_entropy: "(b) cross-entropy, -log p",
    entropy: "(c) entropy of the prediction", accuracy: "(d) stopped p times -log p",
  },

  // By reading, the loss of a prediction, and how it changes with each logit.
  losses: {
    written(p, label) {
      const log = Formula.log(p[label]);
      return { loss: -p[label] * log, slope: Formula.away(p, label).map((each) => each * p[label] * (1 + log)) };
    },
    cross_entropy(p, label) {
      return { loss: -Formula.log(p[label]), slope: Formula.away(p, label) };
    },
    entropy(p) {
      const loss = p.reduce((sum, each) => sum - each * Formula.log(each), 0);
      return { loss, slope: p.map((each) => -each * (Formula.log(each) + loss)) };
    },
    accuracy(p, label) {
      const loss = -p[label] * Formula.log(p[label]);
      return { loss, slope: Formula.away(p, label).map((each) => each * p[label]) };
    },
  },

  log: (p) => Math.log(Math.max(p, 1e-300)),

  // The slope of -log p of the label.
  away: (p, label) => p.map((each, place) => each - (place === label ? 1 : 0)),

  // Where gradient descent on the logits leads from a prediction.
  descend(name, p, label, steps, rate) {
    let logits = p.map(Formula.log);
    const path = [p];
    for (let step = 0; step < steps; step++) {
      const { slope } = Formula.losses[name](Formula.softmax(logits), label);
      logits = logits.map((each, place) => each - rate * slope[place]);
      path.push(Formula.softmax(logits));
    }
    return path;
  },
};
