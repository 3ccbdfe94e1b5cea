import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/log.css";
import "./style/run.css";

import { render } from "preact";

import { App } from "./app";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
