import type { ComponentChildren } from "preact";

import { route } from "../lib/navigation";
import { Link } from "./link";

/** The frame of every page: name, navigation, content. */
export function Layout({ children }: { children: ComponentChildren }) {
  const page = route.value.page;
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <Link to="" class="brand">
          mlbench
        </Link>
        <nav aria-label="Pages">
          <Link to="" current={page === "workers" || page === "worker"}>
            Workers
          </Link>
          <Link to="runs" current={page === "runs" || page === "run"}>
            Runs
          </Link>
          <Link to="compare" current={page === "compare"}>
            Compare
          </Link>
        </nav>
        <div class="bar-end" />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
