// Cancelling an order: a request, of which each station decides by what it has begun.

import { signal } from "@preact/signals";

import { call, insist, read, Refused } from "./calls";
import { isOver, type Order } from "./contracts";
import { explain } from "./problems";

/** How it goes with an order's cancellation: a person is asked whether they mean it, the shop is
 * told, it was told; or why it was not. */
export type Step = "asking" | "telling" | "told" | { failure: string };

/** By the order's id. */
export const steps = signal<ReadonlyMap<string, Step>>(new Map());

export function step(id: string, next: Step | null): void {
  const all = new Map(steps.peek());
  if (next) all.set(id, next);
  else all.delete(id);
  steps.value = all;
}

/** Whether nothing of it is begun. */
export const canCancel = (order: Order): boolean =>
  !isOver(order) && order.items.every(({ status }) => status !== "STARTED" && status !== "READY");

/** Ask the shop. The order as it is then; null if it did not take the request. */
export async function cancel({ id }: Order): Promise<Order | null> {
  step(id, "telling");
  try {
    const order = await insist(() => call<Order>("POST", `/v1/api/orders/${id}/cancel`));
    step(id, "told");
    return order;
  } catch (error) {
    const isLate = error instanceof Refused && error.status === 409;
    // It has ended. By this request perhaps, if the answer to its first try was lost.
    const ended = isLate ? await read<Order>(`/v1/api/orders/${id}`).catch(() => null) : null;
    if (ended?.status === "CANCELLED") step(id, "told");
    else step(id, { failure: isLate ? TOO_LATE : `It was not cancelled. ${explain(error)}` });
    return ended;
  }
}

export const TOO_LATE = "It was too late to cancel: it is made already.";
