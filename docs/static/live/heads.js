// A linear head that learns in the browser, as simmim_lib trains it: cross-entropy on labelled
// examples, minus the information of those without a label, and Keras's Adam. Plain functions on
// flat arrays, row by row; lessons 02 and 05 explain the formulas.
"use strict";

const Heads = {
  // Rows of softmax(features @ kernel + bias).
  probabilities(features, rows, units, kernel, bias) {
    const classes = bias.length;
    const p = new Float64Array(rows * classes);
    for (let row = 0; row < rows; row++) {
      const at = row * classes;
      for (let k = 0; k < classes; k++) p[at + k] = bias[k];
      for (let unit = 0; unit < units; unit++) {
        const value = features[row * units + unit];
        if (value === 0) continue;
        for (let k = 0; k < classes; k++) p[at + k] += value * kernel[unit * classes + k];
      }
      let largest = -Infinity;
      for (let k = 0; k < classes; k++) largest = Math.max(largest, p[at + k]);
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += p[at + k] = Math.exp(p[at + k] - largest);
      for (let k = 0; k < classes; k++) p[at + k] /= sum;
    }
    return p;
  },

  // Loss in nats and its slope on the logits: the mean of -log p of the labels.
  crossEntropy(p, labels, classes) {
    const slope = p.map((value) => value / labels.length);
    let loss = 0;
    labels.forEach((label, row) => {
      loss -= Math.log(p[row * classes + label]) / labels.length;
      slope[row * classes + label] -= 1 / labels.length;
    });
    return { loss, slope };
  },

  // The mean over the rows of p.
  meanOf(p, rows, classes) {
    const mean = new Float64Array(classes);
    for (let place = 0; place < rows * classes; place++) mean[place % classes] += p[place] / rows;
    return mean;
  },

  // mean H(p) + spread * KL(mean p || uniform), and its slope on the logits.
  lackOfInformation(p, rows, classes, spread) {
    const mean = Heads.meanOf(p, rows, classes);
    let unsure = 0, away = 0;
    for (let k = 0; k < classes; k++) away += mean[k] * (Math.log(mean[k] + 1e-8) + Math.log(classes));
    const slope = new Float64Array(rows * classes);
    for (let row = 0; row < rows; row++) {
      let entropy = 0, pull = 0;
      for (let k = 0; k < classes; k++) {
        const value = p[row * classes + k];
        if (value > 0) entropy -= value * Math.log(value);
        pull += value * Heads.awaySlope(mean[k], classes);
      }
      unsure += entropy / rows;
      for (let k = 0; k < classes; k++) {
        const value = p[row * classes + k];
        const surer = value > 0 ? -value * (Math.log(value) + entropy) : 0;
        const evener = value * (Heads.awaySlope(mean[k], classes) - pull);
        slope[row * classes + k] = (surer + spread * evener) / rows;
      }
    }
    return { loss: unsure + spread * away, slope };
  },

  awaySlope(mean, classes) {
    return Math.log(mean + 1e-8) + mean / (mean + 1e-8) + Math.log(classes);
  },

  // Add features^T slope to a kernel's gradient, and the sums of slope to a bias's.
  addGradient(features, rows, units, slope, factor, gradient) {
    const classes = gradient.bias.length;
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < classes; k++) gradient.bias[k] += factor * slope[row * classes + k];
      for (let unit = 0; unit < units; unit++) {
        const value = factor * features[row * units + unit];
        if (value === 0) continue;
        for (let k = 0; k < classes; k++) {
          gradient.kernel[unit * classes + k] += value * slope[row * classes + k];
        }
      }
    }
  },

  // One head that learns; `step` does one step on all examples at once.
  learner({ labelled, labels, unlabelled, units, kernel, bias, rate, information, spread, ramp }) {
    const weights = { kernel: Float64Array.from(kernel), bias: Float64Array.from(bias) };
    const zeros = () => ({
      kernel: new Float64Array(kernel.length), bias: new Float64Array(bias.length),
    });
    const first = zeros(), second = zeros();
    const classes = bias.length, rows = unlabelled.length / units;
    let done = 0;
    return {
      weights,
      step() {
        const gradient = zeros();
        const p = Heads.probabilities(labelled, labels.length, units, weights.kernel, weights.bias);
        const known = Heads.crossEntropy(p, labels, classes);
        Heads.addGradient(labelled, labels.length, units, known.slope, 1, gradient);
        let loss = known.loss;
        if (information > 0) {
          const q = Heads.probabilities(unlabelled, rows, units, weights.kernel, weights.bias);
          const lack = Heads.lackOfInformation(q, rows, classes, spread);
          const factor = information * Math.min(done / ramp, 1);
          Heads.addGradient(unlabelled, rows, units, lack.slope, factor, gradient);
          loss += factor * lack.loss;
        }
        done += 1;
        const now = rate * Math.sqrt(1 - 0.999 ** done) / (1 - 0.9 ** done);
        for (const part of ["kernel", "bias"]) {
          for (let place = 0; place < weights[part].length; place++) {
            const slope = gradient[part][place];
            first[part][place] += (slope - first[part][place]) * (1 - 0.9);
            second[part][place] += (slope * slope - second[part][place]) * (1 - 0.999);
            weights[part][place] -= now * first[part][place] / (Math.sqrt(second[part][place]) + 1e-7);
          }
        }
        return loss;
      },
    };
  },

  accuracy(p, labels) {
    const classes = p.length / labels.length;
    let right = 0;
    labels.forEach((label, row) => {
      const of = p.subarray(row * classes, (row + 1) * classes);
      if (of.indexOf(Math.max(...of)) === label) right += 1;
    });
    return right / labels.length;
  },

  // Mean and half width of Student's 95 % interval.
  interval(values) {
    const t = [
      NaN, 12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119, 2.3646243, 2.3060041,
      2.2621572,
    ];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (values.length < 2) return { mean, half: NaN };
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / (values.length - 1));
    return { mean, half: t[values.length - 1] * deviation / Math.sqrt(values.length) };
  },

  // Numbers in half precision, written as base64.
  halves(text) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const codes = new Uint16Array(bytes.buffer);
    return Float64Array.from(codes, (code) => {
      const sign = code & 0x8000 ? -1 : 1, exponent = (code >> 10) & 31, rest = code & 1023;
      if (exponent === 0) return sign * rest * 2 ** -24;
      return sign * (1 + rest / 1024) * 2 ** (exponent - 15);
    });
  },
};
