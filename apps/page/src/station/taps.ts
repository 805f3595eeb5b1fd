// What staff have tapped. A tap can be undone for some seconds; then it is sent, in its turn. What
// cannot be sent is kept on this device, also when the page is closed, and sent when the shop is back.
// The station takes a repeated tap once, so that a lost answer does no harm.

import { computed, signal } from "@preact/signals";

import { complain, say, settle } from "../common/notices";
import { keptHere } from "../common/kept";
import { call, isPassing, pause, Refused } from "../shop/calls";
import type { Ticket, TicketItem } from "../shop/contracts";
import { explain } from "../shop/problems";
import { whoIsIt } from "./staff";
import { api, numberOf, refresh, take } from "./tickets";

/** Milliseconds for which a tap can be undone. */
export const UNDO = 5_000;
/** Milliseconds within which a second tap on a ticket is a finger that trembles. */
const TREMBLE = 600;
const LONGEST_PAUSE = 4_000;

export type Action = "start" | "ready" | "fail";

export interface Tap {
  id: string;
  station: string;
  orderId: string;
  /** What the ticket is called out by. */
  number: string;
  action: Action;
  items: string[];
  by: string;
  reason: string | null;
  /** The version of the ticket that the person saw. */
  seen: number;
  /** Milliseconds since 1970 from which it is sent. */
  due: number;
}

const areTaps = (found: unknown): found is Tap[] =>
  Array.isArray(found) &&
  found.every((tap) => ["id", "station", "orderId", "action", "items", "by", "seen", "due"].every((n) => n in Object(tap)));

export const taps = keptHere<Tap[]>("taps", [], areTaps);
/** Whether the last one could not be sent. */
const isAway = signal(false);
/** The tap that is being sent. */
const sending = signal<string | null>(null);
/** What became of a ticket's tap, if not what was wanted; by order. Gone with the next tap. */
export const notes = signal<ReadonlyMap<string, string>>(new Map());

/** Taps that wait for the shop. */
export const unsent = computed(() => (isAway.value ? taps.value.length : 0));
export const tapsOf = (orderId: string): Tap[] => taps.value.filter((tap) => tap.orderId === orderId);
/** Whether the time for undoing it is not over. A clock that was set back ends it. */
const isWaiting = (tap: Tap, now: number): boolean => tap.due > now && tap.due <= now + UNDO;
/** The tap of the ticket that can still be undone. */
export const undoable = (orderId: string, now: number): Tap | undefined =>
  tapsOf(orderId).find((tap) => isWaiting(tap, now) && sending.value !== tap.id);

/** `at` by a clock that nobody sets. */
let touched = { orderId: "", at: -Infinity };

/** Somebody tapped. */
export async function tap(
  station: string,
  ticket: Ticket,
  action: Action,
  items: string[],
  reason: string | null = null,
): Promise<void> {
  const { orderId, sequence: seen } = ticket;
  const at = performance.now();
  if (touched.orderId === orderId && at - touched.at < TREMBLE) return;
  touched = { orderId, at };
  const by = await whoIsIt();
  if (!by) return;
  const number = numberOf(ticket);
  note(orderId, null);
  const now = Date.now();
  const fresh: Tap = { id: `${now}-${Math.random()}`, station, orderId, number, action, items, by, reason, seen, due: now + UNDO };
  // What was done before it to the same ticket is meant: it is sent now.
  taps.value = [...taps.peek().map((each) => (each.orderId === orderId ? { ...each, due: now } : each)), fresh];
  say(`Number ${number} ${SAID[action]}`);
  wake();
}

const SAID: Record<Action, string> = { start: "started", ready: "is ready", fail: "cannot be made" };

/** Take back the tap that was made last, of all or of a ticket. */
export function undo(orderId: string | null = null): void {
  const isOf = (each: Tap): boolean => orderId === null || each.orderId === orderId;
  const last = taps.peek().findLast((each) => isOf(each) && isWaiting(each, Date.now()) && each.id !== sending.peek());
  if (!last) return;
  drop((each) => each.id === last.id);
  touched = { orderId: "", at: -Infinity };
  say(`Number ${last.number}: undone`);
}

/** The ticket as it is when the taps are done that wait. */
export function withTaps(ticket: Ticket): Ticket {
  const items = tapsOf(ticket.orderId).reduce(after, ticket.items);
  return { ...ticket, items };
}

function after(items: TicketItem[], { action, by, reason, items: ids }: Tap): TicketItem[] {
  return items.map((item) => {
    if (!ids.includes(item.id)) return item;
    if (action === "start" && item.status === "QUEUED") return { ...item, status: "STARTED", startedBy: by };
    if (action === "ready" && item.status === "STARTED") return { ...item, status: "READY", endedBy: by };
    const isOpen = item.status === "QUEUED" || item.status === "STARTED";
    return action === "fail" && isOpen ? { ...item, status: "FAILED", reason, endedBy: by } : item;
  });
}

// Sending

let running = false;
let waking = new AbortController();

/** Send what is due, now. */
export function wake(): void {
  waking.abort();
  if (!running) void run();
}

addEventListener("online", wake);

async function run(): Promise<void> {
  running = true;
  for (let failures = 0; taps.peek().length; ) {
    waking = new AbortController();
    const next = taps.peek().find((each) => !isWaiting(each, Date.now()));
    if (!next) {
      const first = Math.min(...taps.peek().map((each) => each.due));
      await pause(first - Date.now(), waking.signal);
      continue;
    }
    sending.value = next.id;
    const isDone = await send(next);
    sending.value = null;
    isAway.value = !isDone;
    failures = isDone ? 0 : failures + 1;
    if (failures) await pause(Math.min(LONGEST_PAUSE, 500 * failures), waking.signal);
  }
  running = false;
}

/** Whether the station has decided; else it is to be tried again. */
async function send({ id, station, orderId, number, action, items, by, reason, seen }: Tap): Promise<boolean> {
  try {
    const ticket = await call<Ticket>("POST", `${api(station)}/tickets/${orderId}/${action}`, {
      body: { items, by, ...(action === "fail" ? { reason } : {}) },
      headers: { "if-match": `"${seen}"` },
      kind: "staff",
      isTask: true,
    });
    settle("taps");
    take(ticket);
    // What the same person did next was done to this version.
    const renewed = (each: Tap): Tap => (each.orderId === orderId ? { ...each, seen: ticket.sequence } : each);
    taps.value = taps.peek().filter((each) => each.id !== id).map(renewed);
    return true;
  } catch (error) {
    if (isPassing(error)) return false;
    const { status, problem } = error as Refused;
    if (status === 401 || status === 403) {
      complain("taps", `What you tapped is not sent. ${explain(error)}`);
      return false;
    }
    drop((each) => each.orderId === orderId);
    if (status === 412) take(problem as Ticket);
    else await refresh(station).catch(() => undefined); // the stream tells it, too
    const isOvertaken = status === 412 || status === 409;
    const why = isOvertaken ? "Somebody was faster, or it was cancelled: this is how it is now." : explain(error);
    note(orderId, why);
    say(`Number ${number}: ${why}`);
    return true;
  }
}

function drop(isMeant: (each: Tap) => boolean): void {
  taps.value = taps.peek().filter((each) => !isMeant(each));
}

function note(orderId: string, text: string | null): void {
  const all = new Map(notes.peek());
  if (text) all.set(orderId, text);
  else all.delete(orderId);
  notes.value = all;
}

// What an earlier page left.
if (taps.peek().length) void run();
