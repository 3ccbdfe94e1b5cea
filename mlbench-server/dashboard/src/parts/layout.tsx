import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useShortcuts, type Shortcut } from "../lib/keys";
import { navigate, route, setQuery } from "../lib/navigation";
import { routePath } from "../lib/route";
import { connection } from "../live/connection";
import { Badge } from "./badge";
import { Button } from "./button";
import { keepFocus } from "./focus";
import { later } from "./lazy";
import { Link } from "./link";
import { Settings } from "./settings";
import { Toasts } from "./toast";

const Help = later(() => import("./help").then((module) => module.Help));

const helpShown = signal(false);

/** Opens the dialog that starts a run; the list of runs keeps its filters beneath. */
function start() {
  if (route.value.page === "runs") setQuery({ start: "1" });
  else navigate("runs?start=1");
}

const SHORTCUTS: readonly Shortcut[] = [
  { keys: "?", label: "Show this help", group: "Everywhere", run: () => (helpShown.value = true) },
  { keys: "g w", label: "Show workers", group: "Everywhere", run: () => navigate("") },
  { keys: "g r", label: "Show runs", group: "Everywhere", run: () => navigate("runs") },
  { keys: "g c", label: "Show the comparison", group: "Everywhere", run: () => navigate("compare") },
  { keys: "n", label: "Start a run", group: "Everywhere", run: start },
];

/** The frame of every page: name, navigation, connection, settings, content. */
export function Layout({ children }: { children: ComponentChildren }) {
  const page = route.value.page;
  useShortcuts(SHORTCUTS);
  useEffect(keepFocus, []);
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <Link to="" class="brand" label="mlbench">
          <Mark />
          <span class="wide">mlbench</span>
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
        <div class="bar-end">
          <Connection />
          <Settings />
          <Button
            kind="quiet"
            class="icon"
            aria-label="Keyboard shortcuts"
            onClick={() => (helpShown.value = true)}
          >
            <span aria-hidden="true">?</span>
          </Button>
        </div>
      </header>
      <Lost />
      <Content>{children}</Content>
      <Toasts />
      {helpShown.value && <Help onClose={() => (helpShown.value = false)} />}
    </>
  );
}

/** The content of the page, which takes the focus when another page comes. */
function Content({ children }: { children: ComponentChildren }) {
  const ref = useRef<HTMLElement>(null);
  const shown = route.value;
  const path = shown.page === "missing" ? shown.path : routePath(shown);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    ref.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <main id="content" tabIndex={-1} ref={ref}>
      {children}
    </main>
  );
}

function Connection() {
  const shown = connection.value;
  return (
    <div class="connection" role="status">
      {shown.state === "live" ? (
        <Badge tone="good">Live</Badge>
      ) : shown.state === "lost" ? (
        shown.polling ? (
          <Badge tone="warn">Polling</Badge>
        ) : (
          <Badge tone="bad">Offline</Badge>
        )
      ) : (
        <Badge tone="idle">Connecting</Badge>
      )}
    </div>
  );
}

/** Warns that the page may show an old state. */
function Lost() {
  const shown = connection.value;
  if (shown.state !== "lost") return null;
  return (
    <p class={shown.polling ? "banner warn" : "banner"} role="status">
      {shown.polling
        ? "The server sends no events. This page asks for changes every 5 seconds."
        : "The server does not respond. This page shows what it knew and tries again."}
    </p>
  );
}

/** Three bars on the way up. */
function Mark() {
  return (
    <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
      <rect x="1" y="10" width="4" height="7" rx="1" />
      <rect x="7" y="6" width="4" height="11" rx="1" />
      <rect x="13" y="1" width="4" height="16" rx="1" />
    </svg>
  );
}
