// Values that outlive a reload: kept in this tab, so that two tabs of a till do not share a basket.

import { effect, signal, type Signal } from "@preact/signals";

/** A signal whose value is kept under a name; `whole` says whether what was found can be used. */
export function kept<T>(name: string, first: T, whole: (found: unknown) => found is T): Signal<T> {
  const value = signal(found(name, whole) ?? first);
  effect(() => {
    try {
      sessionStorage.setItem(name, JSON.stringify(value.value));
    } catch {
      // The browser keeps nothing: the page works, and forgets.
    }
  });
  return value;
}

function found<T>(name: string, whole: (found: unknown) => found is T): T | null {
  try {
    const read: unknown = JSON.parse(sessionStorage.getItem(name) ?? "null");
    return whole(read) ? read : null;
  } catch {
    return null;
  }
}

export const isText = (found: unknown): found is string => typeof found === "string";
