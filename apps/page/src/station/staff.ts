// Who works at this screen.

import { signal } from "@preact/signals";

import { isText, keptHere } from "../common/kept";

export const staff = keptHere("staff", "", isText);

/** The question that the dialog shows, if there is one. */
export const question = signal<((name: string | null) => void) | null>(null);

/** Who it is: asked for once, and remembered on this device. null: nobody said. */
export async function whoIsIt(): Promise<string | null> {
  return staff.peek() || (await askName());
}

export async function askName(): Promise<string | null> {
  question.peek()?.(null);
  const name = await new Promise<string | null>((resolve) => (question.value = resolve));
  question.value = null;
  if (name) staff.value = name;
  return name;
}
