// A customer's orders. What was found stays until another name is searched; it is only brought up
// to date, and what is newer comes on top.

import { signal } from "@preact/signals";

import { complain, say, settle } from "../common/notices";
import { insist, isPassing, pause, read } from "../shop/calls";
import { isOver, type Order, type OrderPage } from "../shop/contracts";
import { explain, UNREACHABLE } from "../shop/problems";

/** Milliseconds between two looks: what is shown is right within a second. */
const PERIOD = 800;
/** Of so many periods one is used where nothing is open. */
const RARELY = 12;
/** Pages that are read to catch up, at most; a customer does not order more between two looks. */
const CATCH_UP = 5;

interface Found {
  who: string;
  orders: readonly Order[];
  /** Where the earlier orders begin; null: there are none. */
  next: string | null;
}

export const found = signal<Found | null>(null);
/** Why nothing was found. */
export const failure = signal("");

const pageOf = (who: string, cursor: string | null, signal?: AbortSignal): Promise<OrderPage> => {
  const query = new URLSearchParams({ loyaltyMemberId: who, ...(cursor ? { cursor } : {}) });
  return read<OrderPage>(`/v1/api/orders?${query}`, signal);
};

let searches = 0;

/** Search for somebody's orders. Of answers that overtake each other the last search's counts. */
export async function search(who: string): Promise<void> {
  const number = (searches += 1);
  try {
    const { orders, next } = await insist(() => pageOf(who, null));
    if (number < searches) return;
    found.value = { who, orders, next };
    failure.value = "";
    say(orders.length === 1 ? "1 order" : `${orders.length} orders`);
  } catch (error) {
    if (number === searches) failure.value = explain(error);
  }
}

/** The order as the shop has it now. */
export function changed(order: Order): void {
  const now = found.peek();
  if (now) found.value = { ...now, orders: joined(now.orders, [order]) };
}

/** Read the page after those that are shown. */
export async function earlier(): Promise<void> {
  const before = found.peek();
  if (!before?.next) return;
  try {
    const { orders, next } = await insist(() => pageOf(before.who, before.next));
    const now = found.peek();
    if (now?.who !== before.who || now.next !== before.next) return;
    found.value = { ...now, orders: joined(now.orders, orders), next };
    failure.value = "";
  } catch (error) {
    failure.value = explain(error);
  }
}

/** Keep what is shown up to date: often while some of it is open. The task of the view. */
export async function keepFound(signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    const isOpen = found.peek()?.orders.some((order) => !isOver(order));
    if (isOpen || round % RARELY === 0) await look(signal);
    await pause(PERIOD, signal);
  }
  settle("found");
}

/** A look may fail: the next one may be answered. Until then it is said that what is shown is old. */
async function look(signal: AbortSignal): Promise<void> {
  try {
    await refresh(signal);
    settle("found");
  } catch (error) {
    if (!signal.aborted) complain("found", isPassing(error) ? UNREACHABLE : explain(error));
  }
}

async function refresh(signal: AbortSignal): Promise<void> {
  const before = found.peek();
  if (!before) return;
  const known = new Set(before.orders.map(({ id }) => id));
  const fresh: Order[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < CATCH_UP; pages += 1) {
    const page: OrderPage = await pageOf(before.who, cursor, signal);
    fresh.push(...page.orders);
    cursor = page.next;
    if (cursor === null || page.orders.some(({ id }) => known.has(id))) break;
  }
  const seen = new Set(fresh.map(({ id }) => id));
  const old = before.orders.filter((order) => !isOver(order) && !seen.has(order.id));
  const looks = await Promise.allSettled(old.map(({ id }) => read<Order>(`/v1/api/orders/${id}`, signal)));
  fresh.push(...looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : [])));
  const now = found.peek();
  if (now?.who !== before.who) return;
  found.value = { ...now, orders: joined(now.orders, fresh), next: known.size ? now.next : cursor };
}

/** Each order once, in its newer form, newest first. */
function joined(before: readonly Order[], fresh: readonly Order[]): Order[] {
  const all = new Map([...before, ...fresh].map((order) => [order.id, order]));
  const newest = (a: Order, b: Order): number => Date.parse(b.placedAt) - Date.parse(a.placedAt);
  return [...all.values()].sort((a, b) => newest(a, b) || b.id.localeCompare(a.id));
}
