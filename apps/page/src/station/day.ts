// The station's day: how long it took, and its end.

import { signal } from "@preact/signals";

import { say } from "../common/notices";
import { call, insist, pause, read } from "../shop/calls";
import type { DayClosed, Times } from "../shop/contracts";
import { explain } from "../shop/problems";
import { api, refresh } from "./tickets";

/** Milliseconds between two looks. */
const PERIOD = 15_000;

export const day = signal<Times | null>(null);
/** What became of closing the day, if it failed. */
export const failure = signal("");

/** Keep the times; a task of the view. */
export async function keepDay(station: string, signal: AbortSignal): Promise<void> {
  day.value = null;
  while (!signal.aborted) {
    try {
      day.value = await read<Times>(`${api(station)}/times`, signal, "staff");
    } catch {
      // They stay as they were: the tickets say it when the shop is away.
    }
    await pause(PERIOD, signal);
  }
}

/** End everything that is open. Whether it has ended. */
export async function closeDay(station: string, by: string, reason: string): Promise<boolean> {
  failure.value = "";
  try {
    let ended = 0;
    for (let open = 1; open > 0; ) {
      const told = await insist(() =>
        call<DayClosed>("POST", `${api(station)}/close-day`, { body: { by, reason }, kind: "staff" }),
      );
      ended += told.ended;
      open = told.ended ? told.open : 0;
    }
    say(ended === 1 ? "1 ticket was ended" : `${ended} tickets were ended`);
    await refresh(station).catch(() => undefined); // the stream tells it, too
    return true;
  } catch (error) {
    failure.value = `The day was not closed. ${explain(error)}`;
    return false;
  }
}
