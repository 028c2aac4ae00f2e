// Swagger UI, which index.html loads before this, draws the service's own description.
import { ask } from '../page/ask.js';

const { SwaggerUIBundle } = /** @type {any} */ (globalThis);
const trouble = /** @type {HTMLElement} */ (document.getElementById('trouble'));
const answer = await ask('openapi.json', {}, (text) => { trouble.textContent = text; });
const spec = await answer.json();
trouble.textContent = '';
document.title = spec.info.title;

// Where no setting tells the prefix below which a proxy shows the service, the address of this
// script does.
const prefix = new URL('..', import.meta.url).pathname.slice(0, -1);
if (prefix) spec.servers ??= [{ url: prefix }];

SwaggerUIBundle({
  spec,
  dom_id: '#docs',
  deepLinking: true,
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null, // another host, which would be asked about each description
});
