// Requests what the page will read first, while its code is still coming: a script of its own without imports.
import { requestEarly } from "./api/early";
import { earlyPaths } from "./api/early-paths";
import { pathOf } from "./lib/base";

requestEarly(earlyPaths(pathOf(location.href) ?? ""));
