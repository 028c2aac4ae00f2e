// Checks dashboards against Grafana's own types: `npm ci && node dashboards.mjs [FOLDER]`.
// Grafana itself ignores a misspelt key silently, and draws the panel without it.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';

const here = import.meta.dirname;
const folder = resolve(process.argv[2] ?? join(here, '../../manifest/grafana/dashboards'));
const work = join(here, '.check'); // inside, so that node_modules is found

const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
if (!names.length) {
  console.error(`${folder}: no dashboard found`);
  process.exit(1);
}

// Grafana 13 provisions from files only what has its panels in a list at the top (grafana/grafana, issue 127928), and
// exports two formats more.
const resources = names.filter((name) => !JSON.parse(readFileSync(join(folder, name), 'utf8')).panels);
for (const name of resources) {
  const file = relative('', join(folder, name));
  console.error(`${file}: a V1 or V2 resource, which Grafana cannot read from a file: Export as code, with the model Classic`);
}
if (resources.length) process.exit(1);

// What is added stands on the last line, so that the lines are those of the JSON file.
const typed = (json) => `export default ${json.trimEnd()} satisfies DashboardFile; import type { DashboardFile } from '../dashboard';\n`;

rmSync(work, { recursive: true, force: true });
mkdirSync(work);
const sources = new Map(names.map((name) => [join(work, name.replace(/json$/, 'ts')), join(folder, name)]));
sources.forEach((json, file) => writeFileSync(file, typed(readFileSync(json, 'utf8'))));

const program = ts.createProgram([...sources.keys()], {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
});
const found = ts.getPreEmitDiagnostics(program);
for (const { file, start, messageText } of found) {
  const at = file ? `${relative('', sources.get(file.fileName) ?? file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : '';
  // The last line of a chain names the key; those before it print the whole panel.
  console.error(at + ts.flattenDiagnosticMessageText(messageText, '\n').split('\n').at(-1).trim());
}
rmSync(work, { recursive: true });
console.log(`${names.length} dashboards, ${found.length} errors`);
process.exit(found.length ? 1 : 0);
