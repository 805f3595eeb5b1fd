// The tokens that a shop may ask for. They stay in this tab, until it is closed.

import { signal } from "@preact/signals";

export type Kind = "pos" | "staff";

export interface Question {
  kind: Kind;
  /** Whether a token was given and not accepted. */
  refused: boolean;
  answer: (token: string | null) => void;
}

/** The question that the dialog shows, if there is one. */
export const question = signal<Question | null>(null);

let asking: Promise<string | null> | null = null;

export function token(kind: Kind): string | null {
  return sessionStorage.getItem(`${kind}-token`);
}

/** Ask the person for a token. Several calls that need one share a question. False if none is given. */
export async function askToken(kind: Kind): Promise<boolean> {
  asking ??= new Promise<string | null>((resolve) => {
    question.value = { kind, refused: token(kind) !== null, answer: resolve };
  }).finally(() => {
    question.value = null;
    asking = null;
  });
  const given = await asking;
  if (given !== null) sessionStorage.setItem(`${kind}-token`, given);
  return given !== null;
}
