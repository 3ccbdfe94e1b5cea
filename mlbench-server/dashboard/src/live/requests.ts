import {
  getBuckets,
  getPoints,
  getRunsBuckets,
  getRunsPoints,
  getSeries,
  type MetricsOptions,
  type Owner,
  type Point,
} from "../api/metrics";
import { together } from "./together";

interface InBuckets extends Omit<MetricsOptions, "cursor" | "lastN"> {
  points: number;
}

const buckets = together(
  (owner: Owner, { points, ...options }: InBuckets) => getBuckets(owner, points, options),
  (runs, { points, ...options }: InBuckets) => getRunsBuckets(runs, points, options),
);

/** The requests that a store of points makes, those for several runs together; tests bring their own. */
export const requests = {
  getPoints: together<MetricsOptions, Point>(getPoints, getRunsPoints),
  getBuckets: (owner: Owner, points: number, options: Omit<InBuckets, "points"> = {}) =>
    buckets(owner, { ...options, points }),
  getSeries,
};
