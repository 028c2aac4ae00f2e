// What the service does now: two readings of /metrics compared, and the sums since its start.
import { bar, Lines, SPAN_S } from './charts.js';
import { breakable, byId, html, number, percent, readable, rough, say, seconds, table } from './dom.js';
import { CUSTOMARY, FEWEST_ROWS, limit, parse, psi, quantile, select, sum } from './metrics.js';

/** @typedef {import('./metrics.js').Samples} Samples */
/** @typedef {{at: number, started: number, samples: Samples}} Reading  both in seconds */
/** @typedef {{handler: string, rate: number, p50: number | null, p95: number | null}} Traffic */

const EVERY_S = 2;
const TIMEOUT_S = 5;
const HANDLERS = ['/predict', '/predict/batch'];
const BAR_END = 2 * CUSTOMARY;

/** @param {Reading} before @param {Reading} after @param {string} handler @returns {Traffic} */
function traffic(before, after, handler) {
  const [name, buckets] = ['http_requests_total', 'http_request_duration_seconds_bucket'];
  const requests = sum(after.samples, name, { handler }) - sum(before.samples, name, { handler });
  const at = (/** @type {number} */ q) => quantile(q, select(before.samples, buckets, { handler }), select(after.samples, buckets, { handler }));
  return { handler, rate: requests / (after.at - before.at), p50: at(0.5), p95: at(0.95) };
}

/** @param {Traffic[]} found @param {number} apart  seconds */
function trafficTable(found, apart) {
  const shown = (/** @type {number | null} */ value) => (value === null ? '–' : html('data', { value }, seconds(value)));
  const rows = found.map(({ handler, rate, p50, p95 }) => [html('code', {}, handler), html('data', { value: rate }, rough(rate)), shown(p50), shown(p95)]);
  return table('Traffic', `Between the last two readings, ${apart.toFixed(1)} s apart`, ['Route', 'Per s', 'p50', 'p95'], rows);
}

/**
 * Answers by class, or by bin, against training.
 * @param {Samples} samples
 * @param {string} target
 * @param {boolean} isClass
 */
function shares(samples, target, isClass) {
  const reference = select(samples, 'model_class_reference_ratio');
  const rows = sum(samples, 'model_predictions_total');
  const cells = reference.map(({ labels: { predicted_class }, value }) => {
    const share = rows ? sum(samples, 'model_predictions_total', { predicted_class }) / rows : 0;
    return [isClass ? predicted_class : readable(predicted_class), bar(share, value), rows ? html('data', { value: share }, percent(share)) : '–', percent(value)];
  });
  return table('Answers', `Rows since the start: ${number(rows)}; the mark is training`, [breakable(target), '', 'Now', 'Training'], cells);
}

/** How far a feature moved; no value for too few rows. @param {Samples} samples @param {string} feature */
function shift(samples, feature) {
  const reference = select(samples, 'model_feature_bin_reference_ratio', { feature });
  const counts = reference.map(({ labels }) => sum(samples, 'model_feature_bin_total', labels));
  const n = counts.reduce((total, count) => total + count, 0);
  if (n <= FEWEST_ROWS) return { feature, value: null, beyond: false };
  const value = psi(counts, reference.map((sample) => sample.value));
  const parts = ['training', 'holdout'].map((part) => sum(samples, 'model_data_rows', { part }));
  return { feature, value, beyond: value > limit(counts.length, [n, ...parts]) };
}

/** What drifted comes first. @param {Samples} samples */
function drift(samples) {
  const features = new Set(select(samples, 'model_feature_bin_reference_ratio').map(({ labels }) => labels.feature));
  const shifts = [...features].map((feature) => shift(samples, feature)).sort((a, b) => Number(b.beyond) - Number(a.beyond));
  const rows = shifts.map(({ feature, value, beyond }) => {
    if (value === null) return [breakable(feature), bar(0, CUSTOMARY / BAR_END), '–', 'too few rows'];
    const verdict = beyond ? html('strong', { class: 'error' }, 'drifted') : value > CUSTOMARY ? 'within chance' : 'as in training';
    return [breakable(feature), bar(value / BAR_END, CUSTOMARY / BAR_END, beyond ? 'bad' : ''), html('data', { value }, value.toFixed(3)), verdict];
  });
  return table('Drift', `PSI of all rows since the start against training, from ${FEWEST_ROWS} rows on; the mark is ${CUSTOMARY}, bars end at ${BAR_END}`, ['Feature', '', 'PSI', 'Verdict'], rows);
}

export class Live {
  constructor() {
    /** What is answered, in the words of the contract once that is known. */
    this.target = 'Answer';
    this.isClass = true;
    this.rate = new Lines(byId('rate'), 'Requests per second', HANDLERS, rough, 1);
    this.latency = new Lines(byId('latency'), 'Latency of /predict', ['p50', 'p95'], seconds, 0.001);
    /** @type {Reading | undefined} */
    this.before = undefined;
    /** @type {{at: number, found: Traffic[]}[]} */
    this.history = [];
    this.polling = false;
    document.addEventListener('visibilitychange', () => this.poll());
    this.poll();
  }

  /** Read now and go on reading, while somebody looks. */
  async poll() {
    clearTimeout(this.timer);
    if (document.hidden || this.polling) return;
    this.polling = true;
    try {
      const answer = await fetch(new URL('../metrics', import.meta.url), { cache: 'no-store', signal: AbortSignal.timeout(1000 * TIMEOUT_S) });
      if (!answer.ok) throw new Error(`${answer.status}`);
      this.show(parse(await answer.text()), performance.now() / 1000);
      this.state(true);
    } catch {
      this.state(false);
    }
    this.polling = false;
    this.timer = setTimeout(() => this.poll(), 1000 * EVERY_S);
  }

  /** @param {boolean} answers */
  state(answers) {
    say(byId('state'), answers ? 'answering' : `no answer, trying again every ${EVERY_S} s`);
    byId('state').className = answers ? '' : 'error';
  }

  /** @param {Samples} samples @param {number} at */
  show(samples, at) {
    const started = sum(samples, 'process_start_time_seconds');
    const same = this.before?.started === started;
    const anew = this.before && !same ? 'Another process answers now: everything here starts anew. ' : '';
    if (!this.before || anew) {
      const { version, model_version } = select(samples, 'serving_build_info')[0].labels;
      const since = new Date(1000 * started).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
      say(byId('process'), `${anew}One process: version ${version}, model ${model_version}, started ${since}. Behind a load balancer there are others; Prometheus adds them up.`);
    }
    const after = { at, started, samples };
    const found = same && this.before ? HANDLERS.map((handler) => traffic(/** @type {Reading} */ (this.before), after, handler)) : [];
    this.history = same ? this.history.filter((point) => at - point.at < SPAN_S) : [];
    if (found.length) this.history.push({ at, found });
    this.rate.draw(this.history.map((point) => ({ at: point.at, values: point.found.map(({ rate }) => rate) })), at);
    this.latency.draw(this.history.map((point) => ({ at: point.at, values: [point.found[0].p50, point.found[0].p95] })), at);
    byId('traffic').replaceChildren(trafficTable(found, at - (this.before?.at ?? at)));
    byId('shares').replaceChildren(shares(samples, this.target, this.isClass));
    byId('drift').replaceChildren(drift(samples));
    this.before = after;
  }
}
