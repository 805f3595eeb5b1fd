// The time, for what is shown of ages.

import { signal } from "@preact/signals";

import { pause } from "../shop/calls";

/** Milliseconds since 1970. */
export const now = signal(Date.now());

/** Keep the time; a task of views that show ages. */
export async function keepTime(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    now.value = Date.now();
    await pause(1_000, signal);
  }
}
