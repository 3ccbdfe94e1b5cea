/** An error response of the server (RFC 9457), or a failure to reach it with status 0. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryAfter?: number,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** The field that the detail names before its first colon, such as `num_workers`. */
  get field(): string | undefined {
    return /^([a-z_]+): /.exec(this.message)?.[1];
  }
}

/** Returns the words for any error that a request or a reader threw. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
