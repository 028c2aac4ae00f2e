// Elements and numbers. No markup in strings: what a service says can never become code.

/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */
/** @typedef {Node | string} Child */

/**
 * @template {Element} T
 * @param {T} element
 * @param {Attributes} attributes  false, null and undefined are left out
 * @param {Child[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 */
export const html = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 */
export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** @param {Element} element @param {string} text */
export function say(element, text) {
  // The same text again would be read out again.
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} caption
 * @param {string} note  below the caption
 * @param {Child[]} heads  of the columns; a column of bars has none
 * @param {Child[][]} rows  the first cell of each is its head
 */
export function table(caption, note, heads, rows) {
  return html('table', {},
    html('caption', {}, caption, ...(note ? [html('span', { class: 'quiet' }, note)] : [])),
    html('thead', {}, html('tr', {}, ...heads.map((head) => (head ? html('th', { scope: 'col' }, head) : html('td'))))),
    html('tbody', {}, ...rows.map(([first, ...rest]) => html('tr', {},
      html('th', { scope: 'row' }, first ?? ''), ...rest.map((cell) => html('td', {}, cell))))));
}

const digits = (/** @type {number} */ n) => new Intl.NumberFormat('en', { maximumSignificantDigits: n });
const four = digits(4);
const three = digits(3);
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** @param {number} value */
export function number(value) {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(2);
  return (Math.abs(value) >= 1000 ? whole : four).format(value);
}

/** All digits. @param {number} value */
const exact = (value) => value.toLocaleString('en', { maximumSignificantDigits: 17 });

/** In words; empty without limits. @param {number | null | undefined} minimum @param {number | null | undefined} maximum */
export function between(minimum, maximum) {
  if (minimum != null && maximum != null) return `${exact(minimum)} to ${exact(maximum)}`;
  if (minimum != null) return `from ${exact(minimum)}`;
  return maximum == null ? '' : `up to ${exact(maximum)}`;
}

/** For what changes all the time. @param {number} value */
export const rough = (value) => (Math.abs(value) >= 1000 ? whole : three).format(value);

/** Never 0 or 100 for what is not. @param {number} share */
export function percent(share) {
  if (share > 0 && share < 0.0005) return '<\xa00.1\xa0%';
  if (share < 1 && share >= 0.9995) return '>\xa099.9\xa0%';
  return `${(100 * share).toFixed(1)}\xa0%`;
}

/** @param {number} value */
export const seconds = (value) => (value < 1 ? `${rough(1000 * value)} ms` : `${value.toFixed(2)} s`);

/** The label of a number's bin, as people write it; a class may be called `<=50K`. @param {string} label */
export const readable = (label) => label
  .replace(/^<=(?=-?[\d.])/, '≤\xa0')
  .replace(/^>(?=-?[\d.])/, '>\xa0')
  .replace(/^(-?[\d.e+-]*\d)\.\.(?=-?\d)/, '$1 to ');

/** A name that may be broken at its underscores. @param {string} name */
export const breakable = (name) => html('span', {}, ...name.split(/(?<=_)/).flatMap((part) => [part, html('wbr')]).slice(0, -1));

/** @param {string} name */
export const words = (name) => name.replaceAll('_', ' ');
