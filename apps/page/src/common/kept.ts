// Values that outlive a reload: kept in this tab, so that two tabs of a till do not share a basket,
// or on this device, so that they outlive the tab too.

import { effect, signal, type Signal } from "@preact/signals";

type Whole<T> = (found: unknown) => found is T;

/** A signal whose value is kept in this tab under a name; `whole` says whether what was found can
 * be used. */
export function kept<T>(name: string, first: T, whole: Whole<T>): Signal<T> {
  return keptIn(() => sessionStorage, name, first, whole);
}

/** The same, kept on this device. Its tabs share the value. */
export function keptHere<T>(name: string, first: T, whole: Whole<T>): Signal<T> {
  const value = keptIn(() => localStorage, name, first, whole);
  addEventListener("storage", ({ key }) => {
    if (key === name) value.value = found(() => localStorage, name, whole) ?? first;
  });
  return value;
}

function keptIn<T>(storage: () => Storage, name: string, first: T, whole: Whole<T>): Signal<T> {
  const value = signal(found(storage, name, whole) ?? first);
  effect(() => {
    try {
      storage().setItem(name, JSON.stringify(value.value));
    } catch {
      // The browser keeps nothing: the page works, and forgets.
    }
  });
  return value;
}

function found<T>(storage: () => Storage, name: string, whole: Whole<T>): T | null {
  try {
    const read: unknown = JSON.parse(storage().getItem(name) ?? "null");
    return whole(read) ? read : null;
  } catch {
    return null;
  }
}

export const isFlag = (found: unknown): found is boolean => typeof found === "boolean";
export const isText = (found: unknown): found is string => typeof found === "string";
