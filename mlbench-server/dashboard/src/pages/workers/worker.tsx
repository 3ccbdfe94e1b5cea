/** One worker pod with all its metrics. */
export function WorkerPage({ pod }: { pod: string }) {
  return <h1>{pod}</h1>;
}
