// The model card: whatever GET /model holds, as lists and tables.
import { between, byId, html, number, readable, table, words } from './dom.js';

/** @typedef {Record<string, any>} Json */

/** @param {unknown} value @returns {value is string | number | boolean} */
const isPlain = (value) => ['string', 'number', 'boolean'].includes(typeof value);

/** @param {unknown} value */
function text(value) {
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return value.join(', ');
  return value == null ? '–' : String(value);
}

/** The plain values of an object, but for those that say nothing. @param {Json} object */
function list(object) {
  const entries = Object.entries(object).filter(([, value]) => isPlain(value) || (Array.isArray(value) && value.length && value.every(isPlain)));
  return html('dl', {}, ...entries.flatMap(([key, value]) => [html('dt', {}, words(key)), html('dd', {}, text(value))]));
}

/** A column for each key that has a value. @param {string} caption @param {string} note @param {Json[]} objects */
function rows(caption, note, objects) {
  const keys = [...new Set(objects.flatMap(Object.keys))].filter((key) => objects.some((object) => object[key] != null));
  return table(caption, note, keys.map(words), objects.map((object) => keys.map((key) => text(object[key]))));
}

/** Measures as rows, compared estimators as tables. @param {Json} metrics */
function quality(metrics) {
  const measures = Object.entries(metrics)
    .filter(([, value]) => typeof value === 'object' && !Array.isArray(value))
    .map(([key, { name, ...values }]) => ({ measure: name ?? `${words(key)} answers`, ...values }));
  const tolerance = measures.some((measure) => measure.tolerance != null) ? '; an answer is correct up to an error of the tolerance' : '';
  return [
    rows('measures', `On held-out rows; the baseline is a model that sees no feature${tolerance}`, measures),
    ...Object.entries(metrics).filter(([, value]) => Array.isArray(value)).map(([key, value]) => rows(words(key), 'In cross-validation; a lower loss is better', value)),
    list(metrics),
  ];
}

/** @param {string} title @param {Node[]} content */
const part = (title, ...content) => html('section', { class: 'panel' }, html('h3', {}, title), ...content);

/** Not broken within. @param {string} text */
const together = (text) => text.replaceAll(' ', '\xa0');

/** @param {Json} feature */
function features({ feature, bins }) {
  const { name, description, unit, minimum, maximum, categories, nullable } = feature;
  const range = categories.length ? categories.join(', ') : together(`${between(minimum, maximum)} ${unit ?? ''}`);
  const named = (/** @type {string} */ label) => (categories.length ? label : readable(label));
  // The last bin counts what is missing.
  const seen = nullable ? bins : bins.slice(0, -1);
  const spread = seen.map((/** @type {Json} */ { label, share }) => together(`${named(label)}: ${(100 * share).toFixed(0)} %`)).join(', ');
  return { feature: name, description, values: range, 'in training': spread };
}

/** @param {Json} card */
export function show(card) {
  const { metrics, data, features: columns, versions, artifacts, target_range } = card;
  const model = { ...card, target_range: target_range && between(target_range[0], target_range[1]) };
  const all = rows('What the model takes', '', columns.map(features));
  byId('parts').replaceChildren(
    part('Model', list(model)),
    part('Quality', ...quality(metrics)),
    part('Data', list(data)),
    html('details', { class: 'panel wide' }, html('summary', {}, 'Features and how they lay in training'), html('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Features' }, all)),
    html('details', { class: 'panel' }, html('summary', {}, 'Versions and hashes'), list({ ...versions, ...artifacts })),
  );
}
