// The tickets of one station, as they change.

import { computed, signal } from "@preact/signals";

import { complain, say, settle } from "../common/notices";
import { play, soundSwitch } from "../common/sound";
import { byTime, called, grouped, named, times } from "../common/words";
import { read } from "../shop/calls";
import type { Ticket, TicketPage } from "../shop/contracts";
import { UNREACHABLE } from "../shop/problems";
import { follow } from "../shop/stream";
import { printNew, print } from "./paper";

/** Tickets that are shown, at most. */
const MOST = 100;

export const sound = soundSwitch("station");

let shown = "";
const known = signal<ReadonlyMap<string, Ticket> | null>(null);
/** Seconds after which a ticket is slow, and late. */
export const limits = signal({ slow: Infinity, late: Infinity });

/** Whether staff make here, as far as it is known. */
export const isStaffed = signal(true);

export const isKnown = computed(() => known.value !== null);
const all = computed(() => [...(known.value?.values() ?? [])]);
const by = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const placedAt = (ticket: Ticket): string => ticket.placedAt ?? ticket.acceptedAt ?? ticket.answeredAt;
/** Oldest first. */
export const open = computed(() =>
  all.value
    .filter((ticket) => !ticket.final)
    .sort((a, b) => byTime(placedAt(a), placedAt(b)) || by(a.orderId, b.orderId)),
);
/** Those that ended in the last minutes, last ended first. */
export const ended = computed(() =>
  all.value.filter((ticket) => ticket.final).sort((a, b) => byTime(b.answeredAt, a.answeredAt)),
);

/** A ticket's newest version; one that is not known any more has nothing open. */
export const asItIs = (ticket: Ticket): Ticket =>
  known.value?.get(ticket.orderId) ?? { ...ticket, final: true, items: [] };

export const numberOf = ({ number, orderId }: Ticket): string => called({ number, id: orderId });
export const api = (station: string): string => `/v1/api/stations/${station}`;
const list = (station: string): string => `${api(station)}/tickets?state=current&limit=${MOST}`;

/** A version of a ticket: the newest counts. */
export function take(ticket: Ticket): void {
  const before = known.peek()?.get(ticket.orderId);
  if (before && before.sequence >= ticket.sequence) return;
  known.value = new Map(known.peek()).set(ticket.orderId, ticket);
}

/** Keep the tickets as the station has them; the task of the view. */
export async function keepTickets(station: string, signal: AbortSignal): Promise<void> {
  if (shown !== station) known.value = null;
  shown = station;
  const lost = (): void => complain("tickets", UNREACHABLE);
  const found = (): void => settle("tickets");
  addEventListener("offline", lost, { signal });
  addEventListener("online", found, { signal });
  await follow<TicketPage>(
    `${api(station)}/tickets/events?limit=${MOST}`,
    list(station),
    (page, isWhole) => {
      found();
      takePage(page, isWhole);
      return false;
    },
    signal,
    "staff",
  );
  found();
}

/** Look at once: what is shown may be old. */
export async function refresh(station: string): Promise<void> {
  const page = await read<TicketPage>(list(station), undefined, "staff");
  if (shown === station) takePage(page, true);
}

function takePage(page: TicketPage, isWhole: boolean): void {
  limits.value = page.limits;
  isStaffed.value = page.byStaff;
  const before = known.peek();
  const now = new Map(isWhole ? [] : before);
  for (const ticket of page.tickets) {
    const old = before?.get(ticket.orderId);
    now.set(ticket.orderId, old && old.sequence > ticket.sequence ? old : ticket);
  }
  known.value = now;
  if (before) announce(page.tickets.filter((ticket) => !ticket.final && !before.has(ticket.orderId)));
}

/** Say and sound that there are new tickets. */
function announce(tickets: readonly Ticket[]): void {
  if (!tickets.length) return;
  const told = tickets.map((ticket) => {
    const items = grouped(ticket.items).map(({ first, count }) => times(count, named(first.name)));
    return `New: number ${numberOf(ticket)}, ${items.join(", ")}`;
  });
  say(told.join(". "));
  if (sound.peek()) play();
  if (printNew.peek()) for (const ticket of tickets) print(ticket);
}
