// The dialogs of the list of runs, in one file to load.
export { Confirmation } from "./confirmations";
export { StartDialog } from "./start/dialog";
