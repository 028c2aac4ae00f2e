// Checks dashboards against Grafana's own types and panels.mjs: `npm ci && node dashboards.mjs [FOLDER]`.
// Grafana itself ignores a misspelt key silently, and draws the panel without it.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { faults } from './panels.mjs';

const here = import.meta.dirname;
const manifest = join(here, '../../manifest');
const components = join(manifest, 'components');
const folders = process.argv[2]
  ? [resolve(process.argv[2])]
  : [join(manifest, 'grafana/dashboards'), ...readdirSync(components).map((name) => join(components, name))];
const [, uid] = readFileSync(join(manifest, 'grafana', 'datasource.yaml'), 'utf8').match(/^ +uid: (\S+)/m);

const refuse = (lines) => {
  lines.forEach((line) => console.error(line));
  process.exit(1);
};

const paths = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name)),
);
if (!paths.length) refuse([`${folders}: no dashboard found`]);

const parsed = (text) => {
  try {
    return { content: JSON.parse(text) };
  } catch ({ message }) {
    return { message };
  }
};
const files = paths.map((path) => {
  const text = readFileSync(path, 'utf8');
  return { name: relative('', path), text, ...parsed(text) };
});
const broken = files.filter(({ message }) => message);
if (broken.length) refuse(broken.map(({ name, message }) => `${name}: no JSON: ${message}`));

// Grafana 13 provisions from files only what has its panels in a list at the top (grafana/grafana, issue 127928), and
// exports two formats more.
const resources = files.filter(({ content }) => !content?.panels);
const remedy = 'a V1 or V2 resource, which Grafana cannot read from a file: Export as code, with the model Classic';
if (resources.length) refuse(resources.map(({ name }) => `${name}: ${remedy}`));

// TypeScript sees each as a module of this folder, where node_modules is found. What is added stands on the last line, so
// that the lines are those of the JSON file.
const typed = (json) => `export default ${json.trimEnd()} satisfies DashboardFile; import type { DashboardFile } from './dashboard';\n`;
const modules = new Map(files.map((file, index) => [join(here, `file${index}.ts`), file]));
const options = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
};
const host = ts.createCompilerHost(options);
const { readFile } = host;
host.readFile = (path) => (modules.has(path) ? typed(modules.get(path).text) : readFile(path));

const program = ts.createProgram([...modules.keys()], options, host);
const errors = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
  const name = file && (modules.get(file.fileName)?.name ?? relative('', file.fileName));
  const at = file ? `${name}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : '';
  // The last line of a chain names the key; those before it print the whole panel.
  return { name, line: at + ts.flattenDiagnosticMessageText(messageText, '\n').split('\n').at(-1).trim() };
});
const mistyped = new Set(errors.map(({ name }) => name));
const found = files
  .filter(({ name }) => !mistyped.has(name))
  .flatMap(({ name, content }) => [...faults(content, uid)].map((fault) => `${name}: ${fault}`));

const lines = [...errors.map(({ line }) => line), ...found];
lines.forEach((line) => console.error(line));
console.log(`${files.length} dashboards, ${lines.length} errors`);
process.exit(lines.length ? 1 : 0);
