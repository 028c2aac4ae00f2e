// The form: a control for each field, the row it holds, and what was refused in it.
import { between, breakable, byId, html } from './dom.js';

/** @typedef {import('./contract.js').Field} Field */
/** @typedef {{loc: (string | number)[], msg: string, type: string, input: unknown}} Problem */
/** @typedef {HTMLInputElement | HTMLSelectElement} Control */

const NOT_KNOWN = 'not known';

/** What is allowed. @param {Field} field @param {boolean} asks  whether to say that it is required */
const range = ({ minimum, maximum, nullable }, asks) => [asks && !nullable ? 'required' : '', between(minimum, maximum)].filter(Boolean).join(', ');

/** @param {Field} field @returns {Control} */
function control(field) {
  const { name } = field;
  const said = { id: `field-${name}`, name, required: !field.nullable, 'aria-describedby': `range-${name} about-${name} error-${name}` };
  if (field.choices.length) {
    const empty = html('option', { value: '' }, field.nullable ? NOT_KNOWN : 'choose');
    return html('select', said, empty, ...field.choices.map((choice) => html('option', { value: String(choice) }, String(choice))));
  }
  const { minimum, maximum, integer, nullable } = field;
  const step = integer ? 1 : 'any';
  return html('input', { ...said, type: 'number', step, min: minimum, max: maximum, placeholder: nullable && NOT_KNOWN });
}

/** @param {Field} field @param {boolean} asks */
function labelled(field, asks) {
  const { name, description, unit } = field;
  const [spoken, shown] = unit ? [` in ${unit}`, html('span', { class: 'unit', 'aria-hidden': 'true' }, unit)] : ['', ''];
  return html('div', { class: 'field' },
    html('div', { class: 'heading' },
      html('label', { for: `field-${name}` }, breakable(name), html('span', { class: 'unseen' }, spoken)),
      html('span', { class: 'quiet', id: `range-${name}` }, range(field, asks))),
    html('span', { class: 'control' }, control(field), shown),
    html('p', { class: 'quiet', id: `about-${name}` }, description),
    html('p', { class: 'error', id: `error-${name}` }));
}

/** What is sent for a chosen option: 2 or true, not their texts. @param {import('./contract.js').Choice[]} choices @param {string} text */
const choice = (choices, text) => choices.find((known) => String(known) === text) ?? text;

export class Form {
  /**
   * @param {Field[]} fields
   * @param {Record<string, unknown>} example
   */
  constructor(fields, example) {
    this.fields = fields;
    this.element = /** @type {HTMLFormElement} */ (byId('form'));
    const nullable = fields.some((field) => field.nullable);
    byId('fields').replaceChildren(...fields.map((field) => labelled(field, nullable)));
    byId('form-note').append(nullable ? ' What is left empty is sent as not known.' : ' Every field is required.');
    this.element.addEventListener('reset', () => this.refuse([]));
    byId('example').addEventListener('click', () => this.fill(example));
    this.fill(example);
    this.element.querySelectorAll('button').forEach((button) => { button.disabled = false; });
    this.element.removeAttribute('aria-busy');
  }

  /** @param {string} name */
  control(name) {
    return /** @type {Control} */ (byId(`field-${name}`));
  }

  /** @param {Record<string, unknown>} row */
  fill(row) {
    for (const { name } of this.fields) this.control(name).value = String(row[name] ?? '');
    this.refuse([]);
  }

  /** The row as it is to be sent: an empty field is null, or left out where null is not allowed. */
  row() {
    /** @type {Record<string, import('./contract.js').Choice | null>} */
    const row = {};
    for (const { name, nullable, choices } of this.fields) {
      const { value } = this.control(name);
      if (value !== '') row[name] = choices.length ? choice(choices, value) : Number(value);
      else if (nullable) row[name] = null;
    }
    return row;
  }

  /** What the browser holds for no number has no value, and would be sent as null. @returns {Problem[]} */
  unreadable() {
    return this.fields
      .filter(({ name }) => this.control(name).validity.badInput)
      .map(({ name }) => ({ loc: ['body', name], msg: 'This is not a number', type: 'missing', input: null }));
  }

  /**
   * Show each problem at its field and go to the first one.
   * @param {Problem[]} problems
   * @returns {Problem[]} those that have no field here
   */
  refuse(problems) {
    const left = new Set(problems);
    /** @type {Control | undefined} */
    let first;
    for (const { name } of this.fields) {
      const own = problems.filter(({ loc }) => loc[1] === name);
      own.forEach((problem) => left.delete(problem));
      byId(`error-${name}`).textContent = own.map(described).join('; ');
      const element = this.control(name);
      element.setAttribute('aria-invalid', String(own.length > 0));
      if (own.length) first ??= element;
    }
    first?.focus();
    return [...left];
  }
}

/** By name, with the message and the value. @param {Problem} problem */
export function described({ loc, msg, type, input }) {
  const value = type === 'missing' ? '' : `, got ${JSON.stringify(input)}`;
  return `${loc.slice(1).join('.') || 'the row'}: ${msg}${value}`;
}
