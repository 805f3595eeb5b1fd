// How things are called and written for people.

import { isBegun, isOver, type ItemStatus, type Order, type OrderItem, type OrderStatus } from "../shop/contracts";

export const money = (amount: number): string => `$${amount.toFixed(2)}`;

/** COFFEE_BLACK reads as “Coffee black”. */
export const named = (name: string): string => name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ");

const STATIONS: Record<string, string> = { barista: "Drinks", kitchen: "Food" };

/** What comes from a station, as the menu's headings have it. */
export const madeAt = (station: string): string => STATIONS[station] ?? named(station.toUpperCase());

/** What an order is called out by: its number; of an earlier release's, the short form of its id. */
export const called = ({ number, id }: { number: number | null; id: string }): string =>
  number === null ? id.slice(0, 4).toUpperCase() : String(number);

/** A length of time, in steps as people count: “40 seconds”, “1 minute”, “6 minutes”. */
export function lasting(seconds: number): string {
  const isShort = seconds < 60;
  const count = Math.max(1, isShort ? Math.round(seconds) : Math.round(seconds / 60));
  return `${count} ${isShort ? "second" : "minute"}${count === 1 ? "" : "s"}`;
}

/** A moment: the time, and the date where it is not today. */
export function when(moment: string, now: Date = new Date()): string {
  const then = new Date(moment);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  if (then.toDateString() === now.toDateString()) return then.toLocaleTimeString([], time);
  const year: Intl.DateTimeFormatOptions = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return then.toLocaleString([], { day: "numeric", month: "short", ...year, ...time });
}

/** Orders moments: as texts, one with a fraction of its second comes before one without. */
export const byTime = (a: string, b: string): number => Date.parse(a) - Date.parse(b);

/** From one moment to another, each once. */
export function span(from: string, to: string): string {
  const [first, last] = [when(from), when(to)];
  return first === last ? first : `${first} – ${last}`;
}

export const ITEM: Record<ItemStatus, string> = {
  PLACED: "Waiting",
  QUEUED: "Waiting",
  STARTED: "Being made",
  READY: "Ready",
  FAILED: "Not made",
  CANCELLED: "Cancelled",
};

/** What is told of an order: it is being made when somebody has begun. */
function told(order: Order): OrderStatus {
  if (isPartlyReady(order)) return "PARTIAL";
  return order.status === "IN_PROGRESS" && !isBegun(order) ? "PLACED" : order.status;
}

/** Also one of a release that had no PARTIAL. */
const isPartlyReady = (order: Order): boolean =>
  order.status === "PARTIAL" || (order.status === "FAILED" && order.items.some((item) => item.status === "READY"));

const STATUS: Record<OrderStatus, string> = {
  PLACED: "Received",
  IN_PROGRESS: "Being made",
  FULFILLED: "Ready",
  PARTIAL: "Partly ready",
  FAILED: "Not made",
  CANCELLED: "Cancelled",
};

/** How an order is, in two words. */
export const status = (order: Order): string => STATUS[told(order)];

const OUTCOME: Record<OrderStatus, string> = {
  PLACED: "We have your order.",
  IN_PROGRESS: "Your order is being made.",
  FULFILLED: "Your order is ready.",
  PARTIAL: "Your order is ready, but not all of it could be made.",
  FAILED: "Sorry, your order could not be made.",
  CANCELLED: "Your order was cancelled.",
};

/** How an order is, to its customer. */
export const outcome = (order: Order): string => OUTCOME[told(order)];

/** An estimate; one that is over says no length: it would be wrong for as long as it lasts. */
export const about = (seconds: number): string => (seconds > 0 ? `about ${lasting(seconds)}` : "a moment");

/** How long an open order will take, as far as the shop knows: “Ready in about 6 minutes.” */
export const wait = (order: Order): string =>
  isOver(order) || order.estimateSeconds === null ? "" : `Ready in ${about(order.estimateSeconds)}.`;

/** Why an item was not made, by the name that people know it by. */
export const reason = (item: Pick<OrderItem, "name" | "reason">): string => (item.reason ?? "").replaceAll(item.name, named(item.name));

type Item = Pick<OrderItem, "id" | "name" | "status" | "reason"> & { price?: number };

export interface Group<T> {
  first: T;
  count: number;
  ids: string[];
}

/** Equal items together, in the order in which they first come. */
export function grouped<T extends Item>(items: readonly T[]): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const item of items) {
    const key = JSON.stringify([item.name, item.price, item.status, item.reason]);
    const group = groups.get(key) ?? { first: item, count: 0, ids: [] };
    group.count += 1;
    group.ids.push(item.id);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** “3 × Latte”, “Croissant”. */
export const times = (count: number, name: string): string => (count === 1 ? name : `${count} × ${name}`);
