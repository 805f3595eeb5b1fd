// The menu with what is sold out, as the shop has it now.

import { signal } from "@preact/signals";

import { complain, settle } from "../common/notices";
import { pause, read, Refused } from "./calls";
import type { Menu, Offer } from "./contracts";
import { UNREACHABLE } from "./problems";

/** Milliseconds between two questions: what is sold out is known within two seconds. */
const PERIOD = 1_200;
const PERIOD_AWAY = 2_000;

/** null: not known yet. */
export const menu = signal<readonly Offer[] | null>(null);

let asked = 0;
let known = 0;

/** Ask once. Of answers that overtake each other the one that was asked for last counts. */
export async function refreshMenu(signal?: AbortSignal): Promise<void> {
  const number = (asked += 1);
  const { items } = await read<Menu>("/v1/api/menu", signal);
  settle("menu");
  if (number < known) return;
  known = number;
  if (JSON.stringify(items) !== JSON.stringify(menu.peek())) menu.value = items;
}

/** Keep the menu as the shop has it; the task of a view that shows it. */
export async function keepMenu(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let rest = PERIOD;
    try {
      await refreshMenu(signal);
    } catch (error) {
      if (signal.aborted) return;
      complain("menu", menu.peek() ? UNREACHABLE : "The menu cannot be shown yet. Trying again …");
      rest = error instanceof Refused ? Math.max(PERIOD_AWAY, error.retryAfter) : PERIOD_AWAY;
    }
    await pause(rest, signal);
  }
}

export const offer = (itemType: number): Offer | undefined => menu.value?.find((each) => each.itemType === itemType);

/** The offers by station, in the menu's order. */
export function byStation(offers: readonly Offer[]): [string, Offer[]][] {
  const stations = [...new Set(offers.map((each) => each.station))];
  return stations.map((station) => [station, offers.filter((each) => each.station === station)]);
}
