/** One run. */
export function RunPage({ id }: { id: number }) {
  return <h1>Run {id}</h1>;
}
