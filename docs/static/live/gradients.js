// Two gradients in the plane, and the step that each weighting makes of them; closed forms for two
// tasks, as lesson 04 derives them.
"use strict";

const Gradients = {
  dot: (a, b) => a[0] * b[0] + a[1] * b[1],
  length: (a) => Math.hypot(a[0], a[1]),
  mix: (a, b, [v, w]) => [v * a[0] + w * b[0], v * a[1] + w * b[1]],

  // By the library's name of a method, the weights of both gradients.
  weights: {
    fixed: () => [1, 1],
    mgda(a, b) {
      const away = [a[0] - b[0], a[1] - b[1]], far = Gradients.dot(away, away);
      const first = far === 0 ? 0.5 : Math.min(1, Math.max(0, -Gradients.dot(away, b) / far));
      return [first, 1 - first];
    },
    pcgrad(a, b) {
      const against = Math.min(0, Gradients.dot(a, b));
      return [1 - against / Gradients.dot(a, a), 1 - against / Gradients.dot(b, b)];
    },
    cagrad(a, b) {
      const c = 0.5, mean = Gradients.mix(a, b, [0.5, 0.5]), reach = c * Gradients.length(mean);
      const worth = (share) => {
        const one = Gradients.mix(a, b, [share, 1 - share]);
        return Gradients.dot(one, mean) + reach * Gradients.length(one);
      };
      let low = 0, high = 1; // the worst-off task decides: a convex function's minimum
      for (let turn = 0; turn < 200; turn++) {
        const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
        if (worth(left) < worth(right)) high = right;
        else low = left;
      }
      const share = (low + high) / 2, shift = Gradients.mix(a, b, [share, 1 - share]);
      const factor = Gradients.length(shift) > 0 ? reach / Gradients.length(shift) : 0;
      return [0.5 + factor * share, 0.5 + factor * (1 - share)];
    },
    "imtl-g"(a, b) {
      const [first, second] = [Gradients.length(a), Gradients.length(b)];
      return [second / (first + second), first / (first + second)];
    },
    "nash-mtl"(a, b) {
      const [first, second] = [Gradients.length(a), Gradients.length(b)];
      const root = Math.sqrt(1 + Gradients.dot(a, b) / (first * second));
      return [1 / (first * root), 1 / (second * root)];
    },
    "aligned-mtl"(a, b) {
      const [p, q, r] = [Gradients.dot(a, a), Gradients.dot(a, b), Gradients.dot(b, b)];
      const half = (p + r) / 2, gap = Math.hypot((p - r) / 2, q);
      const [large, small] = [half + gap, half - gap];
      const turn = q === 0 && p >= r ? 0 : Math.atan2(large - p, q);
      const [x, y] = [Math.cos(turn), Math.sin(turn)];
      // sigma_min V S^-1 V' times one half for both, with V's columns (x, y) and (y, -x).
      // Where both point the same way there is only one column, and nothing to make as short as.
      const apart = small > 1e-12 * large;
      const along = (apart ? Math.sqrt(small / large) : 1) * (x + y) / 2, across = apart ? (y - x) / 2 : 0;
      return [along * x + across * y, along * y - across * x];
    },
  },

  titles: {
    fixed: "plain sum", mgda: "MGDA", pcgrad: "PCGrad", cagrad: "CAGrad", "imtl-g": "IMTL-G",
    "nash-mtl": "Nash-MTL", "aligned-mtl": "Aligned-MTL",
  },
};
