// All orders that are open, however old, and the last ones that ended.

import { computed, signal } from "@preact/signals";

import { byTime } from "../common/words";
import { pause, read } from "../shop/calls";
import { isOver, type Order, type OrderPage } from "../shop/contracts";
import { follow } from "../shop/stream";
import { now } from "../shop/time";

const LIST = "/v1/api/fulfillment-orders";
/** Orders that the stream tells of: the newest, whatever their status. */
const NEWEST = 60;
/** Ended orders that are shown. */
const ENDED = 24;
/** Milliseconds between two looks at open orders that the stream does not show any more. */
const PERIOD = 3_000;
/** Milliseconds by which an order is placed in the future. */
const AHEAD = 60_000;
/** Of them that are looked at one by one, at most; more are listed. */
const LOOKS = 20;
/** Pages of a listing by status that are read, at most: the shop looks at some thousand orders for
 * each. One without orders is the last that is worth it. */
const PAGES = 5;

const orders = signal<ReadonlyMap<string, Order> | null>(null);
/** What the stream tells of: the newest orders, by id when they were placed. */
let streamed: ReadonlyMap<string, string> = new Map();
/** Whether open orders may exist that were never seen: at first, and when the stream has a gap. */
let unseen = true;

const all = computed(() => [...(orders.value?.values() ?? [])]);
const by = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const isKnown = computed(() => orders.value !== null);
/** Oldest first. */
export const open = computed(() =>
  all.value.filter((order) => !isOver(order)).sort((a, b) => byTime(a.placedAt, b.placedAt) || by(a.id, b.id)),
);
/** Last ended first. */
export const ended = computed(() =>
  all.value
    .filter(isOver)
    .sort((a, b) => byTime(b.updatedAt, a.updatedAt) || by(b.id, a.id))
    .slice(0, ENDED),
);

function take(fresh: readonly Order[]): void {
  const all = new Map(orders.peek());
  for (const order of fresh) {
    const known = all.get(order.id);
    // Answers may overtake each other: an order that is over stays so.
    const isNews = !known || isOver(order) || (!isOver(known) && byTime(known.updatedAt, order.updatedAt) <= 0);
    if (isNews) all.set(order.id, order);
  }
  const shown = new Set([...all.values()].filter(isOver).sort((a, b) => byTime(b.updatedAt, a.updatedAt)).slice(0, ENDED));
  orders.value = new Map([...all].filter(([, order]) => !isOver(order) || shown.has(order)));
}

/** Keep the board as the shop is; the task of the view. */
export async function keepBoard(signal: AbortSignal): Promise<void> {
  const newest = follow<OrderPage>(
    `${LIST}/events?limit=${NEWEST}&changes=true`,
    `${LIST}?limit=${NEWEST}`,
    (page, isFirst) => {
      if (isFirst) {
        unseen ||= !page.orders.some(({ id }) => streamed.has(id));
        streamed = new Map();
      }
      const all = new Map([...streamed, ...page.orders.map(({ id, placedAt }): [string, string] => [id, placedAt])]);
      streamed = new Map([...all].sort(([, a], [, b]) => byTime(b, a)).slice(0, NEWEST));
      take(page.orders);
      return false;
    },
    signal,
  );
  await Promise.all([newest, keepOld(signal)]);
}

/** The open orders that are older than what the stream shows. */
async function keepOld(signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    let listed = new Set<string>();
    try {
      if (unseen || isCrowded() || old().length > LOOKS) {
        unseen = false; // the stream may find a gap meanwhile
        listed = await readOpen(signal);
      }
    } catch {
      unseen = true;
    }
    const left = old().filter((id) => !listed.has(id));
    const first = left.length > LOOKS ? (round * LOOKS) % left.length : 0;
    const looks = left.slice(first, first + LOOKS).map((id) => read<Order>(`/v1/api/orders/${id}`, signal));
    const seen = await Promise.allSettled(looks);
    take(seen.flatMap((look) => (look.status === "fulfilled" ? [look.value] : [])));
    await pause(PERIOD, signal);
  }
}

/** Whether orders that were placed while the shop's clock was ahead keep newer ones out of the stream. */
const isCrowded = (): boolean => [...streamed.values()].some((at) => Date.parse(at) > now.peek() + AHEAD);

const old = (): string[] => open.peek().flatMap(({ id }) => (streamed.has(id) ? [] : [id]));

/** Read the open orders, sorted by their states: one that changes meanwhile is in either list. */
async function readOpen(signal: AbortSignal): Promise<Set<string>> {
  const listed = new Set<string>();
  for (const status of ["PLACED", "IN_PROGRESS"]) {
    let cursor: string | null = null;
    for (let pages = 0; pages < PAGES; pages += 1) {
      const query = new URLSearchParams({ status, limit: "100", ...(cursor ? { cursor } : {}) });
      const page: OrderPage = await read<OrderPage>(`${LIST}?${query}`, signal);
      take(page.orders);
      for (const { id } of page.orders) listed.add(id);
      cursor = page.next;
      if (cursor === null || page.orders.length === 0) break;
    }
  }
  return listed;
}
