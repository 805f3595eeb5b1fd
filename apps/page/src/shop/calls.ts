// Calls to counter-api, from which the page comes. Nothing else is called.

import type { Problem } from "./contracts";
import { heardDate } from "./time";
import { askToken, declined, token, type Kind } from "./tokens";

/** Milliseconds for an answer to begin, and for the rest of it. */
const PATIENCE = 10_000;
/** How often a call that is safe to repeat is made. */
const ATTEMPTS = 6;

/** The shop answered, and not with success. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** Milliseconds that the shop asks to wait before the next try. */
    readonly retryAfter: number,
  ) {
    super(problem.detail ?? `HTTP status ${status}`);
  }
}

/** Whether it is unknown what became of a request: no answer, or one that says nothing of it. */
export const isPassing = (error: unknown): boolean =>
  !(error instanceof Refused) || error.status >= 500 || [408, 425, 429].includes(error.status);

export interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  kind?: Kind;
  /** Nobody waits for the answer: who has declined to give a token is not asked again. */
  isTask?: boolean;
}

/** One call, and one more for each token that was asked for. Throws `Refused`, and what `fetch` throws. */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const { body, headers = {}, signal, kind = "pos", isTask = false } = options;
  for (;;) {
    const used = token(kind);
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), PATIENCE);
    const response = await fetch(path, {
      method,
      signal: AbortSignal.any(signal ? [signal, limit.signal] : [limit.signal]),
      headers: {
        ...headers,
        ...(used ? { authorization: `Bearer ${inBytes(used)}` } : {}),
        ...(body ? { "content-type": "application/json" } : {}),
      },
      body: body ? JSON.stringify(body) : null,
    }).finally(() => clearTimeout(timer));
    heardDate(response.headers.get("date"));
    if (response.ok) return response;
    // Another call may have been given a token meanwhile.
    const mayAsk = !(isTask && declined.peek().includes(kind));
    const again = response.status === 401 && (token(kind) !== used || (mayAsk && (await askToken(kind, isTask))));
    if (!again) throw await refusal(response);
  }
}

/** A header's value is bytes: `fetch` refuses other characters, as if the shop were out of reach. */
const inBytes = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

async function refusal(response: Response): Promise<Refused> {
  const problem = await document<Problem>(response).catch(() => ({}));
  const seconds = Number(response.headers.get("retry-after")) || 0;
  return new Refused(response.status, problem, 1000 * seconds);
}

/** The answer's JSON. */
async function document<T>(response: Response): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The answer does not end.")), PATIENCE);
  });
  return Promise.race([response.json() as Promise<T>, late]).finally(() => clearTimeout(timer));
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  return document<T>(await send(method, path, options));
}

/** With a signal it is a task's. */
export async function read<T>(path: string, signal?: AbortSignal, kind: Kind = "pos"): Promise<T> {
  return call<T>("GET", path, { signal, kind, isTask: signal !== undefined });
}

/** Try again while the shop is busy or out of reach: the call must be safe to repeat. */
export async function insist<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted || !isPassing(error) || tries === ATTEMPTS) throw error;
      await pause(300 * tries, signal);
    }
  }
}

/** Wait; an abort ends it early. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
