// Wiring: the one place that knows all the parts.
import { show as showAnswer, tell } from './answer.js';
import { ask } from './ask.js';
import { show as showCard } from './card.js';
import { contract } from './contract.js';
import { byId, say } from './dom.js';
import { described, Form } from './form.js';
import { Live } from './live.js';

const SLOW_MS = 300;

/** @param {string} path */
async function load(path) {
  const answer = await ask(path, {}, tell);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** @type {AbortController | undefined} */
let asking;
/** Of the model whose card is shown. */
let version = '';

/** @param {Form} form @param {import('./contract.js').Contract['target']} target */
async function predict(form, target) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const unreadable = form.unreadable();
  form.refuse([]);
  if (unreadable.length) return refuse(form, unreadable);
  const body = JSON.stringify(form.row());
  const slow = setTimeout(() => tell('Asking the model'), SLOW_MS);
  try {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal };
    const answer = await ask('predict', options, (trouble) => { clearTimeout(slow); tell(trouble, true); });
    const content = await answer.json();
    if (answer.ok) {
      const other = version && content.model_version !== version;
      showAnswer(content, body, target, other ? ', not the one of the card below: load this page again' : '');
      byId('answer').scrollIntoView({ block: 'nearest' });
    } else if (Array.isArray(content.detail)) refuse(form, content.detail);
    else tell(`The service answered ${answer.status}: ${content.detail}`, true);
  } catch (error) {
    if (!signal.aborted) tell(`No answer: ${error}`, true);
  } finally {
    clearTimeout(slow);
  }
}

/** @param {Form} form @param {import('./form.js').Problem[]} problems */
function refuse(form, problems) {
  const elsewhere = form.refuse(problems);
  const names = problems.map(({ loc }) => loc[1]).filter((name) => name !== undefined);
  tell([`Not answered; refused: ${names.join(', ')}`, ...elsewhere.map(described)].join('. '), true);
}

async function start() {
  load('model').then((card) => {
    version = card.model_version;
    showCard(card);
  }).catch(failed);
  const { title, row, fields, example, target } = contract(await load('openapi.json'));
  document.title = title;
  say(byId('title'), title);
  say(byId('form-title'), row);
  live.target = [target.name, target.unit].filter(Boolean).join(', ');
  live.isClass = target.isClass;
  const form = new Form(fields, example);
  form.element.addEventListener('submit', (event) => {
    event.preventDefault();
    predict(form, target);
  });
}

/** @param {Error} error */
const failed = (error) => tell(`This page cannot be made: ${error.message}`, true);

const live = new Live();
start().catch(failed);
