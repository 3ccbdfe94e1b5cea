import { route } from "./lib/navigation";
import { ComparePage } from "./pages/compare/page";
import { MissingPage } from "./pages/missing";
import { RunPage } from "./pages/run/page";
import { RunsPage } from "./pages/runs/page";
import { WorkerPage } from "./pages/workers/worker";
import { WorkersPage } from "./pages/workers/page";
import { Layout } from "./parts/layout";

/** The dashboard: the page that the address names, in its frame. */
export function App() {
  return (
    <Layout>
      <Page />
    </Layout>
  );
}

function Page() {
  const shown = route.value;
  switch (shown.page) {
    case "workers":
      return <WorkersPage />;
    case "worker":
      return <WorkerPage key={shown.pod} pod={shown.pod} />;
    case "runs":
      return <RunsPage />;
    case "run":
      return <RunPage key={shown.id} id={shown.id} />;
    case "compare":
      return <ComparePage />;
    case "missing":
      return <MissingPage path={shown.path} />;
  }
}
