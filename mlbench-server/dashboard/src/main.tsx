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

import { App } from "./app";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
