import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/runs.css";
import "./style/charts.css";
import "./style/workers.css";
import "./style/log.css";
import "./style/run.css";
import "./style/compare.css";
import "./style/login.css";

import { render } from "preact";

import { App, loadPage } from "./app";

const root = document.getElementById("app");
const show = () => {
  if (root !== null) render(<App />, root);
};
/** How long the frame of the page waits for its content, so that both are drawn at once, in milliseconds. */
const TOGETHER = 100;
const rest = new Promise((resolve) => setTimeout(resolve, TOGETHER));
void Promise.race([loadPage(), rest]).then(show);
