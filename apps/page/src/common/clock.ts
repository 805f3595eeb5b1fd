// The time, for what is shown of ages.

import { signal } from "@preact/signals";

import { pause } from "../shop/calls";
import { lookAtTime } from "../shop/time";

/** The time by this device's clock, in milliseconds since 1970. */
export const here = signal(Date.now());

/** Keep the time; a task of views that show ages. */
export async function keepTime(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    lookAtTime();
    here.value = Date.now();
    await pause(1_000, signal);
  }
}
