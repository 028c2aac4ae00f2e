// The answer: a class with its probabilities, or a number with its unit.
import { bar } from './charts.js';
import { byId, html, percent, table } from './dom.js';

/** @typedef {import('./contract.js').Contract['target']} Target */

/** @param {string} text @param {boolean} [isError] */
export function tell(text, isError = false) {
  byId('said').replaceChildren(html('p', { class: isError ? 'error' : 'quiet' }, text));
  byId('drawn').replaceChildren();
}

/** @param {Record<string, number>} probabilities  of each class @param {string} winner */
function drawn(probabilities, winner) {
  const rows = Object.entries(probabilities).map(([name, p]) => [
    name === winner ? html('strong', {}, name) : name,
    bar(p),
    html('data', { value: p }, percent(p)),
  ]);
  return table('Probabilities', '', ['Class', '', 'Probability'], rows);
}

/** What to type to get the same. @param {string} body */
function command(body) {
  const quoted = body.replaceAll("'", "'\\''");
  return `curl ${new URL('predict', document.baseURI)} -H 'content-type: application/json' -d '${quoted}'`;
}

/**
 * @param {Record<string, any>} answer  of POST /predict
 * @param {string} body  that was sent
 * @param {Target} target
 * @param {string} note
 */
export function show(answer, body, target, note) {
  const value = answer[target.name];
  // A class keeps its name, 2024 and not 2,024.
  const text = typeof value === 'number' && !target.isClass ? `${value.toLocaleString('en', { maximumSignificantDigits: 6 })} ${target.unit}`.trim() : String(value);
  const probability = answer.probabilities?.[value];
  byId('said').replaceChildren(
    html('p', { class: 'quiet' }, target.name),
    html('p', { class: 'winner' }, html('data', { value: String(value) }, text)),
    ...(probability === undefined ? [] : [html('p', { class: 'unseen' }, `probability ${percent(probability)}`)]),
  );
  byId('drawn').replaceChildren(
    ...(answer.probabilities ? [drawn(answer.probabilities, String(value))] : []),
    html('p', { class: 'quiet' }, `Model ${answer.model_version}${note}`),
    html('details', {}, html('summary', {}, 'As JSON'), html('pre', {}, `${command(body)}\n\n${JSON.stringify(answer, null, 1)}`)),
  );
}
