// What changes, as it changes: counter-api's server-sent events, each one a JSON document.
// By fetch, for an EventSource cannot send a token.

import { complain, settle } from "../common/notices";
import { isPassing, pause, read, Refused, send } from "./calls";
import { explain, UNREACHABLE } from "./problems";
import { declined, type Kind } from "./tokens";

/** Milliseconds without a byte after which a stream counts as dead: the shop sends some each 5 s. */
const SILENCE = 15_000;
/** Milliseconds between two connections. */
const PAUSE = 700;
/** The same where something in between refuses them, as a proxy does while the shop is replaced. */
const PAUSE_REFUSED = 5_000;

/**
 * Hand each event to `take`, until that returns true or the signal aborts. The first event of a
 * connection is the whole document. `plain` answers that once: it is asked where the shop has no
 * room for one more stream. Where nobody gives the token that it needs, it goes on when somebody does.
 */
export async function follow<T>(
  path: string,
  plain: string,
  take: (document: T, isFirst: boolean) => boolean,
  signal: AbortSignal,
  kind: Kind = "pos",
): Promise<void> {
  const heard = (document: T, isFirst: boolean): boolean => {
    settle(path);
    return take(document, isFirst);
  };
  while (!signal.aborted) {
    let rest = PAUSE;
    try {
      let isFirst = true;
      for await (const document of events<T>(path, signal, kind)) {
        if (heard(document, isFirst)) return;
        isFirst = false;
      }
    } catch (error) {
      if (signal.aborted) break;
      if (!isPassing(error)) {
        complain(path, explain(error));
        if ((error as Refused).status === 401) {
          while (!signal.aborted && declined.peek().includes(kind)) await pause(PAUSE, signal);
          continue;
        }
        // Anything else may pass, and nobody reloads a screen on the wall.
        rest = PAUSE_REFUSED;
      } else {
        const seen = error instanceof Refused ? await read<T>(plain, signal, kind).catch(() => null) : null;
        if (seen === null) complain(path, UNREACHABLE);
        else if (heard(seen, true)) return;
      }
      if (error instanceof Refused) rest = Math.max(rest, error.retryAfter);
    }
    await pause(rest, signal);
  }
  settle(path);
}

/** The documents of one connection. */
async function* events<T>(path: string, signal: AbortSignal, kind: Kind): AsyncGenerator<T> {
  const silent = new AbortController();
  const response = await send("GET", path, { signal: AbortSignal.any([signal, silent.signal]), kind, isTask: true });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let text = ""; ; ) {
      const timer = setTimeout(() => silent.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const line = part.split("\n").find((each) => each.startsWith("data: "));
        if (line) yield JSON.parse(line.slice(6)) as T;
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
