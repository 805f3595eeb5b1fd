// What the page says: notices that stand at the top until their cause is gone, and news that a
// screen reader speaks once.

import { computed, signal } from "@preact/signals";

const standing = signal<ReadonlyMap<string, string>>(new Map());

/** The notices, each text once. */
export const notices = computed(() => [...new Set(standing.value.values())]);

/** What was said last. */
export const news = signal("");

/** Show a notice until `settle` is called with the same cause. */
export function complain(cause: string, text: string): void {
  if (standing.peek().get(cause) !== text) standing.value = new Map(standing.peek()).set(cause, text);
}

export function settle(cause: string): void {
  if (!standing.peek().has(cause)) return;
  const left = new Map(standing.peek());
  left.delete(cause);
  standing.value = left;
}

export function say(text: string): void {
  news.value = text;
}
