import { needsToken } from "./api/access";
import { route } from "./lib/navigation";
import { MissingPage } from "./pages/missing";
import { Layout } from "./parts/layout";
import { lazy } from "./parts/lazy";

const ComparePage = lazy(() => import("./pages/compare/page").then((module) => module.ComparePage));
const LoginPage = lazy(() => import("./pages/login/page").then((module) => module.LoginPage));
const RunPage = lazy(() => import("./pages/run/page").then((module) => module.RunPage));
const RunsPage = lazy(() => import("./pages/runs/page").then((module) => module.RunsPage));
const WorkerPage = lazy(() => import("./pages/workers/worker").then((module) => module.WorkerPage));
const WorkersPage = lazy(() => import("./pages/workers/page").then((module) => module.WorkersPage));

/** Loads the page that the address names. */
export function loadPage(): Promise<void> {
  switch (route.peek().page) {
    case "workers":
      return WorkersPage.load();
    case "worker":
      return WorkerPage.load();
    case "runs":
      return RunsPage.load();
    case "run":
      return RunPage.load();
    case "compare":
      return ComparePage.load();
    case "missing":
      return Promise.resolve();
  }
}

/** The dashboard: the page that the address names, in its frame. */
export function App() {
  if (needsToken.value) return <LoginPage />;
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
