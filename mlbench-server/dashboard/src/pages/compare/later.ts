// What the comparison shows after its first view, in one file to load.
export { Choose } from "./choose";
export { Differences } from "./differences";
