import { Log } from "../../parts/log/log";
import { useRun } from "../../live/run";

/** One run. */
export function RunPage({ id }: { id: number }) {
  const { run } = useRun(id).state.value;
  return (
    <>
      <h1>Run {id}</h1>
      {run !== undefined && <Log run={run} />}
    </>
  );
}
