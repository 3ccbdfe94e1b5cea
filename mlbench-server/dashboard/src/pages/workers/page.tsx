/** The worker pods of the cluster. */
export function WorkersPage() {
  return <h1>Workers</h1>;
}
