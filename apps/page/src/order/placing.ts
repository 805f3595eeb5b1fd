// Placing an order, once. An attempt has a key; while what became of it is not known, the same
// request is sent again with the same key, so that it is the same order. A definite answer ends
// the attempt, and the next one has a new key. An attempt outlives a reload.

import { signal } from "@preact/signals";

import { kept } from "../common/kept";
import { call, isPassing, pause, Refused } from "../shop/calls";
import type { Order, PlaceOrder } from "../shop/contracts";
import { refreshMenu } from "../shop/menu";
import { explain } from "../shop/problems";
import { customer, gone, lines } from "./basket";
import { watch } from "./placed";

interface Attempt {
  key: string;
  body: PlaceOrder;
  /** Milliseconds since 1970. */
  began: number;
}

/** Milliseconds for which an attempt is repeated unasked. Later nobody may want the order any more:
 * if it never reached the shop, repeating it places it. */
const PATIENCE = 120_000;
const LONGEST_PAUSE = 5_000;

const isAttempt = (found: unknown): found is Attempt | null =>
  found === null || ["key", "body", "began"].every((name) => name in (found as object));

export const attempt = kept<Attempt | null>("attempt", null, isAttempt);

/** How it goes with the attempt: it is under way, it is unknown what became of it and the page is
 * finding out, or the page waits for a person to say how to go on. */
export type Phase = "none" | "sending" | "finding-out" | "asking-you";

export const phase = signal<Phase>("none");
/** Why there was no order. */
export const refusal = signal("");

/** Place what is in the basket. */
export async function place(): Promise<void> {
  if (attempt.peek()) return;
  const loyaltyMemberId = customer.peek().trim();
  refusal.value = "";
  if (!lines.peek().length) return refuse("Choose something from the menu first.");
  if (gone.value.length) return refuse("Take out what is sold out first.");
  if (!loyaltyMemberId) return refuse("Please tell us your name, so that we can call you.");
  const items = lines.peek().flatMap(({ itemType, count }) => Array.from({ length: count }, () => ({ itemType })));
  const body: PlaceOrder = { commandType: 0, orderSource: 0, location: 0, loyaltyMemberId, items };
  attempt.value = { key: newKey(), body, began: Date.now() };
  await send("sending");
}

/** Go on with an attempt of before a reload, whose outcome nobody knows. */
export function resume(): void {
  const open = attempt.peek();
  if (!open) return;
  if (isLate(open)) phase.value = "asking-you";
  else void send("finding-out");
}

/** Also if the clock has been set back since: then nobody knows. */
const isLate = ({ began }: Attempt): boolean => Math.abs(Date.now() - began) > PATIENCE;

/** Try once more: the person said so. */
export function tryAgain(): void {
  if (!attempt.peek()) return;
  attempt.value = { ...attempt.peek()!, began: Date.now() };
  void send("finding-out");
}

/** Leave the attempt alone, whatever becomes of it. */
export function forget(): void {
  attempt.value = null;
  phase.value = "none";
  refuse("This order may have been placed. Look under “My orders” before you order again.");
}

async function send(first: Phase): Promise<void> {
  phase.value = first;
  let mayExist = first === "finding-out";
  for (let tries = 1; ; tries += 1) {
    const current = attempt.peek()!;
    const outcome = await once(current);
    if (attempt.peek()?.key !== current.key) return; // forgotten meanwhile
    if (outcome === null) {
      mayExist = true;
      phase.value = isLate(current) ? "asking-you" : "finding-out";
      if (phase.peek() === "asking-you") return;
      await pause(Math.min(LONGEST_PAUSE, 400 * tries));
      if (attempt.peek()?.key !== current.key) return;
      continue;
    }
    if (mayExist && outcome instanceof Refused && !isVerdict(outcome)) {
      phase.value = "asking-you";
      return;
    }
    attempt.value = null;
    phase.value = "none";
    if (outcome instanceof Refused) return refused(outcome);
    lines.value = [];
    return watch(outcome);
  }
}

/** The order, a definite refusal, or null: nobody knows. */
async function once({ key, body }: Attempt): Promise<Order | Refused | null> {
  try {
    return await call<Order>("POST", "/v1/api/orders", { body, headers: { "idempotency-key": key } });
  } catch (error) {
    return isPassing(error) ? null : (error as Refused);
  }
}

/** Whether the shop says of the order itself that there is none. Anything else refuses this try alone,
 * and an earlier one may have placed it. */
const isVerdict = ({ status, problem }: Refused): boolean => (status === 409 || status === 422) && !!problem.detail;

function refused(error: Refused): void {
  refuse(`Your order was not placed. ${explain(error)}`);
  void refreshMenu().catch(() => undefined); // it may be the reason
}

function refuse(text: string): void {
  refusal.value = text;
}

/** Random. `crypto.randomUUID` exists on https and localhost alone. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
