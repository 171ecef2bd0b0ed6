// Ill and healthy people whose scores are bell curves: what a threshold says to whom.
"use strict";

const Screening = {
  // The share of a standard bell curve below x; Abramowitz and Stegun 7.1.26, to 1e-7.
  below(x) {
    const z = Math.abs(x) / Math.SQRT2, t = 1 / (1 + 0.3275911 * z);
    const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    const tail = sum * Math.exp(-z * z) / 2;
    return x < 0 ? tail : 1 - tail;
  },

  height: (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI),

  // Scores of the healthy are around 0, those of the ill around `apart`, all with deviation 1.
  at(threshold, apart, prevalence) {
    const specificity = Screening.below(threshold);
    const sensitivity = Screening.below(apart - threshold);
    const found = sensitivity * prevalence, missed = (1 - sensitivity) * prevalence;
    const calm = specificity * (1 - prevalence), alarmed = (1 - specificity) * (1 - prevalence);
    return {
      sensitivity, specificity, found, missed, calm, alarmed,
      positive: found / (found + alarmed), negative: calm / (calm + missed),
      accuracy: found + calm,
    };
  },

  // The chance that an ill person has the higher score.
  area: (apart) => Screening.below(apart / Math.SQRT2),
};
