// What the service takes and answers, read off its OpenAPI document.

/** @typedef {string | number | boolean} Choice */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} description
 * @property {string} unit  empty if it has none
 * @property {boolean} nullable
 * @property {boolean} integer
 * @property {number | undefined} minimum
 * @property {number | undefined} maximum
 * @property {Choice[]} choices  empty for a number
 */

/**
 * @typedef {object} Contract
 * @property {string} title  of the service
 * @property {string} row  what a row is called
 * @property {Field[]} fields
 * @property {Record<string, unknown>} example
 * @property {{name: string, description: string, unit: string, isClass: boolean}} target
 */

/** @typedef {Record<string, any>} Schema */

/** The values of a Literal or of a bool; none of a number. @param {Schema} known @returns {Choice[]} */
const choices = (known) => known.enum ?? ('const' in known ? [known.const] : known.type === 'boolean' ? [false, true] : []);

/** @param {string} name @param {Schema} schema @returns {Field} */
function field(name, schema) {
  /** @type {Schema[]} */
  const variants = schema.anyOf ?? [schema];
  const known = variants.find((variant) => variant.type !== 'null') ?? schema;
  return {
    name,
    description: schema.description ?? '',
    unit: schema.unit ?? '',
    nullable: variants.some((variant) => variant.type === 'null'),
    integer: known.type === 'integer',
    minimum: known.minimum ?? known.exclusiveMinimum,
    maximum: known.maximum ?? known.exclusiveMaximum,
    choices: choices(known),
  };
}

/** @param {Schema} document  `/openapi.json` @returns {Contract} */
export function contract(document) {
  /** @param {Schema} schema @returns {Schema} */
  const resolved = ({ $ref, ...schema }) => ($ref ? document.components.schemas[$ref.split('/').pop()] : schema);
  const { requestBody, responses } = document.paths['/predict'].post;
  const row = resolved(requestBody.content['application/json'].schema);
  const answer = resolved(responses['200'].content['application/json'].schema);
  const [name, target] = Object.entries(answer.properties)[0];
  return {
    title: document.info.title,
    row: row.title ?? 'Row',
    fields: Object.entries(row.properties).map(([key, schema]) => field(key, schema)),
    example: row.examples?.[0] ?? row.example ?? {},
    target: { name, description: target.description ?? '', unit: target.unit ?? '', isClass: choices(target).length > 0 },
  };
}
