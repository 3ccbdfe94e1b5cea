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

  /** Whether the same request will fail again, however long one waits. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && !PASSING.includes(this.status);
  }

  /** The field that the detail names before its first colon, such as `num_workers`. */
  get field(): string | undefined {
    return /^([a-z_]+): /.exec(this.message)?.[1];
  }
}

/** Errors of a client that pass: too slow, too early, too often. */
const PASSING: readonly number[] = [408, 425, 429];

/** Whether a request failed so that it will fail again. */
export function isFinal(error: unknown): boolean {
  return error instanceof Problem && error.isFinal;
}

/** Returns the words for any error that a request or a reader threw. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
