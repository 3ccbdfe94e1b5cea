/** The column that a table is sorted by. */
export interface Sort {
  key: string;
  descending: boolean;
}
