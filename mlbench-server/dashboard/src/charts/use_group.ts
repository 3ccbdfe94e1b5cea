import { untracked, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";

import { query, setQuery } from "../lib/navigation";
import { type ChartGroup, createGroup } from "./group";
import { type ChartView, readView, zoomText } from "./view";

const USUAL: ChartView = { axis: "wall", scale: "linear", halfLife: 0, zoom: null };

/** Returns the shared state of the charts of a page, whose zoom the address keeps. */
export function useChartGroup(): ChartGroup {
  const group = useMemo(() => createGroup(readView(query.peek(), USUAL).zoom), []);
  useSignalEffect(() => {
    const zoom = zoomText(group.zoom.value);
    untracked(() => {
      if (query.value.get("zoom") !== zoom) setQuery({ zoom });
    });
  });
  return group;
}
