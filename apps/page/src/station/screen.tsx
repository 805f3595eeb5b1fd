import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { keepTime } from "../common/clock";
import { SoundSwitch } from "../common/sound-switch";
import { useWhileSeen } from "../common/seen";
import { grouped, ITEM, lasting, madeAt, named, reason, times, when } from "../common/words";
import type { Spread, Ticket } from "../shop/contracts";
import { keepMenu } from "../shop/menu";
import { Card } from "./card";
import { day, keepDay } from "./day";
import { CloseDayDialog, FailDialog, NameDialog } from "./dialogs";
import { listen } from "./keys";
import { printNew } from "./paper";
import { Paper } from "./paper-view";
import { SoldOut } from "./sold-out";
import { askName, staff } from "./staff";
import { unsent, wake } from "./taps";
import { asItIs, ended, isKnown, isStaffed, keepTickets, numberOf, open, sound } from "./tickets";

const NOTHING = "Nothing to make. New tickets appear here.";
const BY_ITSELF = "This station makes by itself, at once: nothing waits for staff here. The shop is started with STAFF=1 for staff to make.";
/** Ended tickets that are shown. */
const ENDED = 8;

/** The screen at a station: what is to be made, oldest first, and what is sold out beside it. */
export function Screen({ station }: { station: string }) {
  const failing = useSignal<Ticket | null>(null);
  const closing = useSignal(false);
  useWhileSeen((signal) => keepTickets(station, signal), [station]);
  useWhileSeen((signal) => keepDay(station, signal), [station]);
  useWhileSeen(keepMenu);
  useWhileSeen(keepTime);
  useEffect(() => {
    const ends = new AbortController();
    listen(ends.signal);
    return () => ends.abort();
  }, []);
  const tickets = open.value;
  const failed = failing.value && asItIs(failing.value);
  return (
    <>
      <div class="station-head">
        <h1>
          {madeAt(station)} <span class="count">{isKnown.value ? `${tickets.length} to make` : "…"}</span>
        </h1>
        <div class="row">
          <button type="button" onClick={() => void askName()}>
            {staff.value ? (
              <>
                You are <bdi>{staff.value}</bdi>
              </>
            ) : (
              "Who works here?"
            )}
          </button>
          <SoundSwitch on={sound} label="Sound" />
          <button
            type="button"
            class="switch"
            role="switch"
            aria-checked={printNew.value}
            onClick={() => (printNew.value = !printNew.value)}
          >
            Print new tickets
          </button>
          <button type="button" onClick={() => (closing.value = true)}>
            Close the day
          </button>
        </div>
      </div>
      <Unsent />
      <div class="station">
        <section aria-labelledby="to-make">
          <h2 id="to-make" class="unseen">
            To make, oldest first
          </h2>
          {!isKnown.value && <p class="note">The tickets are on their way …</p>}
          {isKnown.value && tickets.length === 0 && <p class="note">{isStaffed.value ? NOTHING : BY_ITSELF}</p>}
          <ul class="jobs">
            {tickets.map((ticket, place) => (
              <Card
                key={ticket.orderId}
                station={station}
                ticket={ticket}
                place={place}
                onFail={() => (failing.value = ticket)}
              />
            ))}
          </ul>
          <p class="note keys">
            With a keyboard: <kbd>1</kbd> to <kbd>0</kbd> choose a ticket, <kbd>Enter</kbd> does its next step,{" "}
            <kbd>C</kbd> it cannot be made, <kbd>P</kbd> prints it, <kbd>U</kbd> undoes the last tap.
          </p>
        </section>
        <aside aria-label="Beside">
          <SoldOut station={station} title="On sale here" />
          <Day />
          <Ended />
        </aside>
      </div>
      <NameDialog />
      {failed && <FailDialog station={station} ticket={failed} onClose={() => (failing.value = null)} />}
      {closing.value && (
        <CloseDayDialog station={station} count={tickets.length} onClose={() => (closing.value = false)} />
      )}
      <Paper station={station} />
    </>
  );
}

/** That what was tapped waits for the shop. */
function Unsent() {
  const count = unsent.value;
  return (
    <div role="status">
      {count > 0 && (
        <div class="warning unsent">
          <p>
            {count === 1 ? "1 tap is" : `${count} taps are`} not sent yet. They are kept on this device, and sent when
            the shop can be reached.
          </p>
          <button type="button" onClick={wake}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}

function Day() {
  const times = day.value;
  const rows: [string, Spread | null][] = [
    ["until started", times?.placedToStarted ?? null],
    ["from then until ready", times?.startedToReady ?? null],
    ["in all", times?.placedToReady ?? null],
  ];
  return (
    <section class="card day" aria-labelledby="day">
      <h2 id="day">The last 24 hours</h2>
      {!times?.placedToStarted && <p class="note">Nothing was started yet.</p>}
      {times?.placedToStarted && (
        <table>
          <thead>
            <tr>
              <td />
              <th scope="col">half within</th>
              <th scope="col">9 of 10 within</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, spread]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{spread ? lasting(spread.p50) : "–"}</td>
                <td>{spread ? lasting(spread.p90) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Ended() {
  return (
    <section class="card just-ended" aria-labelledby="just-ended">
      <h2 id="just-ended">Just finished</h2>
      {ended.value.length === 0 && <p class="note">None.</p>}
      <ul>
        {ended.value.slice(0, ENDED).map((ticket) => (
          <li key={ticket.orderId}>
            <span class="number">{numberOf(ticket)}</span>
            <bdi>{ticket.name}</bdi>
            <time dateTime={ticket.answeredAt}>{when(ticket.answeredAt)}</time>
            {grouped(ticket.items).map(({ first, count }) => (
              <span key={first.id} class="what">
                {times(count, named(first.name))}: {ITEM[first.status].toLowerCase()}
                {first.reason && <span class="reason"> {reason(first)}</span>}
              </span>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
