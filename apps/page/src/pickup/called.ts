// What is called out, as it changes, and handing over.

import { signal } from "@preact/signals";

import { say } from "../common/notices";
import { play, soundSwitch } from "../common/sound";
import { called } from "../common/words";
import { insist, isPassing, send } from "../shop/calls";
import type { Offer, Pickup, PickupOrder } from "../shop/contracts";
import { menu, refreshMenu } from "../shop/menu";
import { explain } from "../shop/problems";
import { follow } from "../shop/stream";

const PATH = "/v1/api/pickup";

/** null: not known yet. */
export const pickup = signal<Pickup | null>(null);
export const sound = soundSwitch("pickup");

/** Whether this is a screen of the staff: it has the buttons to hand orders over. */
export const isStaffed = signal(false);
/** Orders that are being handed over, or were; and why one was not. */
export const handedOver = signal<ReadonlySet<string>>(new Set());
export const failure = signal("");

export const numberOf = ({ number, orderId }: PickupOrder): string => called({ number, id: orderId });

/** Keep what is called out as the shop has it; the task of the view. */
export async function keepPickup(signal: AbortSignal): Promise<void> {
  await follow<Pickup>(
    `${PATH}/events`,
    PATH,
    (fresh) => {
      announce(fresh);
      pickup.value = fresh;
      return false;
    },
    signal,
  );
}

/** Say and sound what has become ready since the last look. */
function announce(fresh: Pickup): void {
  const before = pickup.peek();
  if (!before) return;
  const known = new Set(before.ready.map(({ orderId }) => orderId));
  const news = fresh.ready.filter(({ orderId }) => !known.has(orderId));
  if (!news.length) return;
  say(news.map((order) => `Number ${numberOf(order)}, ${order.name}, is ready`).join(". "));
  if (sound.peek()) play();
}

/** Show the staff's buttons, if the shop takes the person for staff. */
export async function enterStaff(): Promise<void> {
  failure.value = "";
  try {
    if (!menu.peek()) await refreshMenu();
    const [{ station }] = menu.peek() as [Offer];
    await send("GET", `/v1/api/stations/${station}/tickets?limit=1`, { kind: "staff" });
    isStaffed.value = true;
  } catch (error) {
    if (isPassing(error)) isStaffed.value = true; // the shop asks again at the button
    else failure.value = explain(error);
  }
}

export async function collect(order: PickupOrder): Promise<void> {
  failure.value = "";
  note(order.orderId, true);
  try {
    await insist(() => send("POST", `/v1/api/orders/${order.orderId}/collect`, { kind: "staff" }));
    say(`Number ${numberOf(order)} was handed over`);
  } catch (error) {
    note(order.orderId, false);
    failure.value = `Number ${numberOf(order)} was not marked as handed over. ${explain(error)}`;
  }
}

function note(id: string, isGone: boolean): void {
  const all = new Set(handedOver.peek());
  if (isGone) all.add(id);
  else all.delete(id);
  handedOver.value = all;
}
