import { Link } from "../parts/link";

/** A path that names no page. */
export function MissingPage({ path }: { path: string }) {
  return (
    <section class="empty">
      <h1>No such page</h1>
      <p>
        Nothing is at <code>/{path}</code>. <Link to="runs">Show all runs</Link>
      </p>
    </section>
  );
}
