// What is wrong in a dashboard though its keys and types are right. Grafana says nothing, and draws something else.
import * as units from '@grafana/grafana-foundation-sdk/units';

const COLUMNS = 24;
// The package that Grafana itself takes them from, @grafana/data, needs a browser and 150 MB.
const UNITS = new Set(Object.values(units));
// From getValueFormat() in grafana/packages/grafana-data/src/valueFormats/valueFormats.ts: whatever else it does not know
// is written behind each value.
const COMPOSED = /^(bool|count|currency|prefix|si|suffix|time):./;

// Yields `PANEL: FAULT` for each; uid is that of the provisioned data source.
export function* faults({ annotations, panels, templating }, uid) {
  for (const { builtIn, datasource, name } of annotations.list) {
    if (!builtIn) yield* named(`annotation ${name}`, sourceFaults(datasource, uid));
  }
  for (const { datasource, name, type } of templating?.list ?? []) {
    if (type === 'query') yield* named(`variable ${name}`, sourceFaults(datasource, uid));
  }
  for (const [index, panel] of panels.entries()) {
    yield* named(called(panel), panelFaults(panel, panels.slice(0, index), uid));
  }
}

function* named(name, found) {
  for (const fault of found) yield `${name}: ${fault}`;
}

const called = ({ id, title }) => title || `panel ${id}`;

function* panelFaults(panel, before, uid) {
  if (!panel.title) yield 'no title: alerts and the runbook call a panel by it';
  if (!panel.description) yield 'no description: say in a sentence what is seen';
  yield* sourceFaults(panel.datasource, uid);
  for (const { datasource, refId } of panel.targets) {
    // A query without one takes the panel's.
    if (datasource) yield* named(`query ${refId}`, sourceFaults(datasource, uid));
  }
  yield* unitFaults(panel);
  const twin = before.find(({ id }) => id === panel.id);
  if (twin) yield `id ${panel.id} is that of ${called(twin)} too: choose a number that no panel has`;
  yield* placeFaults(panel.gridPos, before);
}

function* sourceFaults(datasource, uid) {
  if (datasource?.uid === uid) return;
  const found = datasource ? `datasource ${JSON.stringify(datasource)} is not provisioned` : 'no datasource';
  yield `${found}: write {"type": "prometheus", "uid": "${uid}"}`;
}

// Each type of panel that dashboard.ts knows shows numbers, and needs a unit. A heatmap's stands at its axis.
function* unitFaults({ fieldConfig, options, type }) {
  const own = type === 'heatmap' ? options.yAxis?.unit : fieldConfig.defaults.unit;
  if (!own) yield `no unit: choose one, "short" or "none" for a number without`;
  const overrides = fieldConfig.overrides.flatMap(({ properties }) => properties);
  const all = [own, options.cellValues?.unit, ...overrides.filter(({ id }) => id === 'unit').map(({ value }) => value)];
  for (const unit of all) {
    if (unit && !UNITS.has(unit) && !COMPOSED.test(unit)) {
      yield `unit "${unit}" is unknown to Grafana: choose it from its list, or write suffix:${unit}`;
    }
  }
}

function* placeFaults(place, before) {
  if (!place) {
    yield 'no gridPos: say where the panel stands';
    return;
  }
  const { h, w, x, y } = place;
  const said = `gridPos x ${x}, y ${y}, w ${w}, h ${h}`;
  if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > COLUMNS) {
    yield `${said} is outside the ${COLUMNS} columns: x + w is at most ${COLUMNS}, w and h at least 1`;
  }
  for (const other of before) {
    if (other.gridPos && overlap(place, other.gridPos)) yield `${said} overlaps ${called(other)}: move one of them`;
  }
}

const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
