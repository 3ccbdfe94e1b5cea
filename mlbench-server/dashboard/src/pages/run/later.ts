// What the run page shows after its first view, in one file to load.
export { Confirm } from "../../parts/confirm";
export { Log } from "../../parts/log/log";
export { Failed } from "./failure";
export { TagsDialog } from "./tags_dialog";
export { PodUsage } from "./usage";
