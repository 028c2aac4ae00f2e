// What a dashboard file may hold: Grafana's own types, where they are as loose as
// Record<string, unknown> narrowed to those of the panel's type.
import type { AnnotationQuery, Dashboard, DataSourceRef, FieldConfig, FieldConfigSource, Panel } from '@grafana/schema';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has no enums: a member of one becomes its value.
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

// Not in the package; from grafana/packages/grafana-prometheus/src/dataquery.ts and annotations.ts.
type Target = {
  datasource?: DataSourceRef;
  disableTextWrap?: boolean;
  editorMode?: 'builder' | 'code';
  exemplar?: boolean;
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  fullMetaSearch?: boolean;
  hide?: boolean;
  includeNullMetadata?: boolean;
  instant?: boolean;
  interval?: string;
  intervalFactor?: number;
  legendFormat?: string;
  range?: boolean;
  refId: string;
  useBackend?: boolean;
};
type Annotation = Omit<AnnotationQuery, 'target'> & {
  target: Target;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
};
// Grafana adds it to whatever it exports: the annotations that people make in the browser.
type BuiltIn = Omit<AnnotationQuery, 'target'> & { builtIn: 1 };

type Defaults<Custom> = Omit<FieldConfig, 'custom'> & { custom?: Partial<Custom> };
type Property<Fields, Prefix extends string = ''> = {
  [Key in keyof Fields & string]-?: { id: `${Prefix}${Key}`; value: Fields[Key] };
}[keyof Fields & string];
type Override<Custom> = Omit<FieldConfigSource['overrides'][number], 'properties'> & {
  properties: Array<Property<Omit<FieldConfig, 'custom'>> | Property<Custom, 'custom.'>>;
};
type PanelOf<Type extends string, Options, Custom> = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Type;
  options: Partial<Options>;
  fieldConfig: { defaults: Defaults<Custom>; overrides: Override<Custom>[] };
  targets: Target[];
};

export type DashboardFile = Plain<
  Omit<Dashboard, 'panels' | 'annotations'> & {
    annotations: { list: (Annotation | BuiltIn)[] };
    panels: Array<
      | PanelOf<'bargauge', BarGauge.Options, {}>
      | PanelOf<'heatmap', Heatmap.Options, Heatmap.FieldConfig>
      | PanelOf<'stat', Stat.Options, {}>
      | PanelOf<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>
      | PanelOf<'table', Table.Options, Table.FieldConfig>
      | PanelOf<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>
    >;
  }
>;
