// The order that was placed last from this tab, as it changes.

import { effect } from "@preact/signals";

import { isText, kept } from "../common/kept";
import { say } from "../common/notices";
import { outcome } from "../common/words";
import { isOver, type Order } from "../shop/contracts";
import { follow } from "../shop/stream";

const isOrder = (found: unknown): found is Order | null =>
  found === null || ["id", "number", "status", "items", "due"].every((name) => name in (found as object));

export const placed = kept<Order | null>("placed", null, isOrder);

/** A new order: it is to be looked at, and followed. */
export function watch(order: Order): void {
  placed.value = order;
}

/** The order as the shop has it now. */
export function changed(order: Order): void {
  if (placed.peek()?.id === order.id) placed.value = order;
}

/** Follow an order until it is over. */
export async function followPlaced(id: string, signal: AbortSignal): Promise<void> {
  const path = `/v1/api/orders/${id}`;
  const take = (order: Order): boolean => {
    changed(order);
    return isOver(order);
  };
  await follow<Order>(`${path}/events`, path, take, signal);
}

// Spoken whenever it changes, in whichever view.
let spoken = "";
effect(() => {
  const text = placed.value ? outcome(placed.value) : "";
  if (text !== spoken) say((spoken = text));
});

/** The order that the page has turned to: it does so once, when it was placed. */
export const shown = kept("shown", "", isText);
