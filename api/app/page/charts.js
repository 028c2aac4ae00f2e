// Bars and lines, as SVG. Each stands beside a table or a text that says the same.
import { html, say, svg } from './dom.js';

export const SPAN_S = 120;
const GAP_S = 7;

/**
 * A share as a bar, with a mark to compare it with.
 * @param {number} share  of the whole width; more is cut off
 * @param {number} [mark]
 * @param {string} [kind]  class of the bar
 */
export function bar(share, mark, kind = '') {
  const across = (/** @type {number} */ part) => `${100 * Math.min(1, Math.max(0, part))}%`;
  const drawn = svg('svg', { class: 'bar', 'aria-hidden': 'true' },
    svg('rect', { class: 'track', width: '100%', height: '100%' }),
    svg('rect', { class: `value ${kind}`, width: across(share), height: '100%' }));
  if (mark !== undefined) drawn.append(svg('line', { class: 'mark', x1: across(mark), x2: across(mark), y1: -3, y2: 15 }));
  return drawn;
}

/** 1, 2 or 5 times a power of ten. @param {number} value @param {number} least */
function ceiling(value, least) {
  const wanted = Math.max(value, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 2, 5].find((step) => step * power >= wanted) ?? 10);
}

/** @typedef {{at: number, values: (number | null)[]}} Point  seconds; a value for each line */

/** @param {Point[]} points @param {number} line @param {number} now @param {number} top */
function path(points, line, now, top) {
  let d = '';
  let before = -Infinity;
  for (const { at, values } of points) {
    const value = values[line];
    if (value == null) continue;
    d += `${at - before < GAP_S ? 'L' : 'M'}${(SPAN_S - (now - at)).toFixed(1)} ${(100 - (100 * value) / top).toFixed(1)}`;
    // A lone point would be a line of no length.
    if (at - before >= GAP_S) d += 'h-.8';
    before = at;
  }
  return d;
}

export class Lines {
  /**
   * @param {HTMLElement} figure
   * @param {string} subject  for those who cannot see it
   * @param {string[]} names  of the lines; the second is dashed
   * @param {(value: number) => string} format
   * @param {number} least  that the scale reaches to
   */
  constructor(figure, subject, names, format, least) {
    this.subject = subject;
    this.names = names;
    this.format = format;
    this.least = least;
    this.top = html('span', { class: 'scale' });
    this.plot = svg('svg', { class: 'lines', role: 'img', viewBox: `0 -2 ${SPAN_S} 104`, preserveAspectRatio: 'none' });
    this.values = names.map(() => html('b', {}, '–'));
    const legend = names.map((name, i) => html('li', {},
      svg('svg', { class: 'sample', viewBox: '0 0 24 8', 'aria-hidden': 'true' }, svg('path', { class: `line line${i}`, d: 'M0 4h24' })),
      `${name} `, this.values[i]));
    figure.append(html('ul', { class: 'legend' }, ...legend), this.top, this.plot,
      html('p', { class: 'times quiet' }, html('span', {}, `${SPAN_S} s ago`), html('span', {}, 'now')));
    this.draw([], 0);
  }

  /** @param {Point[]} points  the last one is the newest @param {number} now */
  draw(points, now) {
    const all = points.flatMap(({ values }) => values).filter((value) => value != null);
    const top = ceiling(Math.max(0, ...all), this.least);
    const grid = [0, 50, 100].map((y) => svg('line', { class: 'grid', x1: 0, x2: SPAN_S, y1: y, y2: y }));
    this.plot.replaceChildren(...grid, ...this.names.map((_, i) => svg('path', { class: `line line${i}`, d: path(points, i, now, top) })));
    say(this.top, this.format(top));
    const latest = this.names.map((_, i) => points.at(-1)?.values[i]);
    latest.forEach((value, i) => say(this.values[i], value == null ? '–' : this.format(value)));
    const spoken = this.names.map((name, i) => {
      const seen = points.map(({ values }) => values[i]).filter((value) => value != null);
      return seen.length ? `${name}: ${this.values[i].textContent} now, ${this.format(Math.max(...seen))} at most` : `${name}: none`;
    });
    this.plot.setAttribute('aria-label', `${this.subject}, last ${SPAN_S} seconds. ${spoken.join('. ')}`);
  }
}
