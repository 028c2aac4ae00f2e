// Prometheus' text format, and what can be computed from it.

/** @typedef {Record<string, string>} Labels */
/** @typedef {{labels: Labels, value: number}} Sample */
/** @typedef {Map<string, Sample[]>} Samples  by name */

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @param {string} text */
const unescaped = (text) => text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));

/** @param {string} text @returns {Samples} */
export function parse(text) {
  /** @type {Samples} */
  const samples = new Map();
  for (const line of text.split('\n')) {
    const [, name, inner = '', value] = LINE.exec(line) ?? [];
    if (!name) continue;
    const labels = Object.fromEntries([...inner.matchAll(LABEL)].map(([, key, raw]) => [key, unescaped(raw)]));
    const known = samples.get(name);
    const sample = { labels, value: Number(value.replace('Inf', 'Infinity')) };
    if (known) known.push(sample);
    else samples.set(name, [sample]);
  }
  return samples;
}

/** Those of a name that have all of these labels. @param {Samples} samples @param {string} name @param {Labels} [wanted] */
export const select = (samples, name, wanted = {}) =>
  (samples.get(name) ?? []).filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value));

/** @param {Samples} samples @param {string} name @param {Labels} [wanted] */
export const sum = (samples, name, wanted) => select(samples, name, wanted).reduce((total, { value }) => total + value, 0);

/**
 * The quantile of what was observed between two readings of a histogram, as Prometheus'
 * histogram_quantile() has it; null if nothing was.
 * @param {number} q
 * @param {Sample[]} before  cumulative buckets
 * @param {Sample[]} after
 */
export function quantile(q, before, after) {
  const counted = new Map(before.map(({ labels, value }) => [labels.le, value]));
  const buckets = after
    .map(({ labels, value }) => ({ le: Number(labels.le.replace('Inf', 'Infinity')), n: value - (counted.get(labels.le) ?? 0) }))
    .sort((a, b) => a.le - b.le);
  const rank = q * (buckets.at(-1)?.n ?? 0);
  if (!rank) return null;
  const i = buckets.findIndex(({ n }) => n >= rank);
  const below = buckets[i - 1] ?? { le: 0, n: 0 };
  if (buckets[i].le === Infinity) return below.le;
  return below.le + ((buckets[i].le - below.le) * (rank - below.n)) / (buckets[i].n - below.n);
}

/** Half a row more in each bin: an empty one would make PSI infinite. The reference has it from training. */
const SMOOTHING = 0.5;
export const CUSTOMARY = 0.25;
/** With no more rows, chance alone exceeds that. */
export const FEWEST_ROWS = 200;

/** @param {number[]} counts  of the rows in each bin @param {number[]} reference  shares in training */
export function psi(counts, reference) {
  const rows = counts.reduce((total, n) => total + n + SMOOTHING, 0);
  return counts.reduce((total, n, i) => {
    const share = (n + SMOOTHING) / rows;
    return total + (share - reference[i]) * Math.log(share / reference[i]);
  }, 0);
}

/**
 * What PSI stays below without drift, 999 times in 1,000: as the alert has it.
 * @param {number} bins
 * @param {number[]} sizes  of the samples that differ by chance
 */
export function limit(bins, sizes) {
  const freedom = bins - 1;
  const part = 2 / (9 * freedom);
  const chi2 = freedom * (1 - part + 3.0902 * Math.sqrt(part)) ** 3;
  return Math.max(CUSTOMARY, chi2 * sizes.reduce((total, n) => total + 1 / n, 0));
}
