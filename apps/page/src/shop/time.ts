// The shop's clock, as its answers tell it. Ages and lateness are by it, whatever this device's says.

import { signal } from "@preact/signals";

/** Milliseconds: a `Date` has whole seconds, and comes late. */
const TOLERANCE = 5_000;

/** Milliseconds from the page's own clock, which nobody sets, to the shop's. */
let offset = Date.now() - performance.now();

/** Milliseconds since 1970, as they were looked at last. */
export const now = signal(Date.now());

/** Look at the shop's clock. */
export function lookAtTime(): void {
  now.value = performance.now() + offset;
}

/** An answer's `Date`. */
export function heardDate(date: string | null): void {
  const [shop, device] = [Date.parse(date ?? ""), Date.now()];
  if (Number.isNaN(shop)) return;
  const before = offset;
  offset = (Math.abs(shop - device) > TOLERANCE ? shop : device) - performance.now();
  if (Math.abs(offset - before) > TOLERANCE) lookAtTime();
}
