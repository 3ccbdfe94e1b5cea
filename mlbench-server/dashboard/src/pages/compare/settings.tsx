import { useEffect, useState } from "preact/hooks";

import type { Comparison, Direction } from "../../api/wire";
import { number } from "../../lib/format";
import { setQuery } from "../../lib/navigation";
import { SelectField, TextField, type Option } from "../../parts/field";
import type { Compared } from "./address";

/** How long typing must rest before the address changes, in milliseconds. */
const REST = 400;

/** What the runs are compared by; empty fields show what the server chose. */
export function Settings(props: {
  compared: Compared;
  comparison: Comparison | undefined;
  /** What the server says is wrong, and with which field. */
  problem: { field: string | undefined; text: string } | undefined;
}) {
  const { compared, comparison, problem } = props;
  const [metric, setMetric] = useTyped("metric", compared.metric);
  const [goal, setGoal] = useTyped("goal", compared.goal);
  const errorOf = (field: string) => (problem?.field === field ? problem.text : undefined);
  const own = comparison?.direction === "at_most" ? "at most the goal" : "at least the goal";
  const directions: Option<Direction | "">[] = [
    ["", comparison === undefined || compared.direction !== "" ? "As the metric has it" : `Default: ${own}`],
    ["at_least", "At least the goal (larger is better)"],
    ["at_most", "At most the goal (smaller is better)"],
  ];
  const baselines: Option<string>[] = [
    ["", "Default: fewest workers of each program"],
    ...(comparison?.groups ?? []).flatMap(({ label, runs }): Option<string>[] => {
      const id = runs.find((run) => run === compared.baseline) ?? runs[0];
      return id === undefined ? [] : [[String(id), `${label} (#${id})`]];
    }),
  ];
  return (
    <div class="compare-settings">
      <TextField
        label="Metric"
        name="metric"
        value={metric}
        placeholder={comparison?.metric}
        onValue={setMetric}
        error={errorOf("metric")}
      />
      <TextField
        label="Goal"
        name="goal"
        inputMode="decimal"
        value={goal}
        placeholder={
          comparison === undefined ? "" : comparison.goal === null ? "None" : number(comparison.goal)
        }
        onValue={setGoal}
        error={errorOf("goal")}
      />
      <SelectField
        label="Direction"
        name="direction"
        value={compared.direction}
        options={directions}
        onValue={(direction) => setQuery({ direction })}
        error={errorOf("direction")}
      />
      <SelectField
        label="Baseline"
        name="baseline"
        value={compared.baseline === undefined ? "" : String(compared.baseline)}
        options={baselines}
        onValue={(baseline) => setQuery({ baseline })}
        error={errorOf("baseline")}
      />
    </div>
  );
}

/** A text that the address gets when typing rests. */
function useTyped(name: string, value: string): [string, (text: string) => void] {
  const [typed, setTyped] = useState<string>();
  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(() => {
      setQuery({ [name]: typed.trim() });
      setTyped(undefined);
    }, REST);
    return () => clearTimeout(timer);
  }, [name, typed]);
  return [typed ?? value, setTyped];
}
