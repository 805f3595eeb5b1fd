// What staff take off the menu and put back on it.

import { signal } from "@preact/signals";

import { say } from "../common/notices";
import { named } from "../common/words";
import { insist, send } from "../shop/calls";
import type { Offer } from "../shop/contracts";
import { refreshMenu } from "../shop/menu";
import { explain } from "../shop/problems";

/** By item: what is wanted and under way, or why it failed. A failure stays until the next try. */
export interface Change {
  available: boolean;
  failure: string | null;
}

export const changes = signal<ReadonlyMap<number, Change>>(new Map());

function note(itemType: number, change: Change | null): void {
  const next = new Map(changes.peek());
  if (change) next.set(itemType, change);
  else next.delete(itemType);
  changes.value = next;
}

/** Have the item's station put it on the menu or take it off. */
export async function turn({ itemType, name }: Offer, available: boolean): Promise<void> {
  note(itemType, { available, failure: null });
  try {
    const method = available ? "DELETE" : "PUT";
    await insist(() => send(method, `/v1/api/menu/${itemType}/unavailable`, { kind: "staff" }));
    await insist(() => refreshMenu());
    note(itemType, null);
    say(`${named(name)} is ${available ? "on sale" : "sold out"}`);
  } catch (error) {
    note(itemType, { available, failure: `It was not changed. ${explain(error)}` });
  }
}
