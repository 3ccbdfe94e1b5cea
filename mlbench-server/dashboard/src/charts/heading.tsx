import type { ComponentChildren } from "preact";

import { ChartControls, type ChartControlsProps } from "./controls";

/** The heading of the metrics of a page, with their search and the controls of their charts. */
export function MetricsHeading(props: {
  id: string;
  search: string;
  onSearch: (search: string) => void;
  /** Whether there are so few metrics that a search is of no use. */
  few?: boolean;
  controls: ChartControlsProps;
  /** What comes after the search. */
  children?: ComponentChildren;
}) {
  const { id, search, few = false } = props;
  return (
    <div class="section-head">
      <h2 id={id}>Metrics</h2>
      {(!few || search !== "") && (
        <input
          type="search"
          aria-label="Search metrics"
          placeholder="Search metrics"
          value={search}
          onInput={(event) => props.onSearch(event.currentTarget.value)}
        />
      )}
      {props.children}
      <ChartControls {...props.controls} />
    </div>
  );
}
