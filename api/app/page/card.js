// The model card: whatever GET /model holds, as lists and tables.
import { between, byId, html, number, table, words } from './dom.js';

/** @typedef {Record<string, any>} Json */

/** @param {unknown} value @returns {value is string | number | boolean} */
const isPlain = (value) => ['string', 'number', 'boolean'].includes(typeof value);

/** @param {unknown} value */
function text(value) {
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return value.join(', ');
  return value == null ? '–' : String(value);
}

/** The plain values of an object. @param {Json} object */
function list(object) {
  const entries = Object.entries(object).filter(([, value]) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)));
  return html('dl', {}, ...entries.flatMap(([key, value]) => [html('dt', {}, words(key)), html('dd', {}, text(value))]));
}

/** Objects of one shape. @param {string} caption @param {Json[]} objects */
function rows(caption, objects) {
  const keys = Object.keys(objects[0] ?? {});
  return table(caption, '', keys.map(words), objects.map((object) => keys.map((key) => text(object[key]))));
}

/** @param {string} title @param {Node[]} content */
const part = (title, ...content) => html('section', { class: 'panel' }, html('h3', {}, title), ...content);

/** @param {Json} feature */
function features({ feature, bins }) {
  const { name, description, unit, minimum, maximum, categories } = feature;
  const range = categories.length ? categories.join(', ') : `${between(minimum, maximum)} ${unit ?? ''}`;
  const spread = bins.map((/** @type {Json} */ bin) => `${bin.label}: ${(100 * bin.share).toFixed(0)}\xa0%`).join(', ');
  return { feature: name, description, values: range, 'in training': spread };
}

/** @param {Json} card */
export function show(card) {
  const { metrics, data, features: columns, versions, artifacts } = card;
  const tables = Object.entries(metrics).filter(([, value]) => Array.isArray(value));
  const all = rows('What the model takes', columns.map(features));
  byId('parts').replaceChildren(
    part('Model', list(card)),
    part('Quality', list(metrics), ...tables.map(([name, value]) => rows(words(name), value))),
    part('Data', list(data)),
    html('details', { class: 'panel wide' }, html('summary', {}, 'Features and how they lay in training'), html('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Features' }, all)),
    html('details', { class: 'panel' }, html('summary', {}, 'Versions and hashes'), list({ ...versions, ...artifacts })),
  );
}
