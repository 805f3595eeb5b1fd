// The tokens that a shop may ask for. They stay in this tab, until it is closed.

import { signal, type Signal } from "@preact/signals";

export type Kind = "pos" | "staff";

export interface Question {
  kind: Kind;
  /** Whether a token was given and not accepted. */
  refused: boolean;
  answer: (token: string | null) => void;
}

/** The question that the dialog shows, if there is one. */
export const question = signal<Question | null>(null);

/** The kinds that somebody was asked for and did not give. */
export const declined = signal<readonly Kind[]>([]);

/** The kinds that somebody waits for; the others may wait for the person. */
export const urgent = signal<readonly Kind[]>([]);

const asking = new Map<Kind, Promise<boolean>>();
let last: Promise<unknown> = Promise.resolve();

export function token(kind: Kind): string | null {
  return sessionStorage.getItem(`${kind}-token`);
}

/** Ask the person for a token. Several calls that need one share a question, and there is one at a
 * time. Nobody waits for the answer to a task's. False if none is given. */
export function askToken(kind: Kind, isTask = false): Promise<boolean> {
  if (!isTask) urgent.value = [...without(urgent, kind), kind];
  const before = asking.get(kind);
  if (before) return before;
  const answer = last.then(() => ask(kind)).finally(() => asking.delete(kind));
  asking.set(kind, answer);
  last = answer;
  return answer;
}

async function ask(kind: Kind): Promise<boolean> {
  const given = await new Promise<string | null>((resolve) => {
    question.value = { kind, refused: token(kind) !== null, answer: resolve };
  });
  question.value = null;
  urgent.value = without(urgent, kind);
  if (given !== null) sessionStorage.setItem(`${kind}-token`, given);
  declined.value = given === null ? [...without(declined, kind), kind] : without(declined, kind);
  return given !== null;
}

const without = (kinds: Signal<readonly Kind[]>, kind: Kind): readonly Kind[] => kinds.peek().filter((each) => each !== kind);
