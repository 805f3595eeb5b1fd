import { useEffect, useRef } from "preact/hooks";

import { here } from "../common/clock";
import { grouped, ITEM, lasting, named, reason, times, type Group } from "../common/words";
import type { Ticket, TicketItem } from "../shop/contracts";
import { now } from "../shop/time";
import { focusFirst } from "./keys";
import { print } from "./paper";
import { notes, tap, tapsOf, undo, undoable, UNDO, withTaps, type Action } from "./taps";
import { limits, numberOf, placedAt } from "./tickets";

interface Next {
  action: Action;
  label: string;
  ids: string[];
}

/** One ticket: what is to be made, and the button that does the next step. */
export function Card({ station, ticket: stored, place, onFail }: { station: string; ticket: Ticket; place: number; onFail: () => void }) {
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => () => void (card.current?.contains(document.activeElement) && focusFirst()), []);
  const ticket = withTaps(stored);
  const number = numberOf(ticket);
  const age = (now.value - Date.parse(placedAt(ticket))) / 1000;
  const step = nextOf(ticket.items);
  const groups = grouped(ticket.items);
  const act = ({ action, ids }: Next): void => void tap(station, stored, action, ids);
  const title = `ticket-${ticket.orderId}`;
  return (
    <li ref={card} class={`card job ${pace(age)}`} data-order={ticket.orderId}>
      <article aria-labelledby={title} tabIndex={-1}>
        <header>
          {place < 10 && <kbd aria-hidden="true">{(place + 1) % 10}</kbd>}
          <h3 id={title}>
            <span class="unseen">Number </span>
            <span class="number">{number}</span> <bdi>{ticket.name}</bdi>
          </h3>
          <span class="age">
            {lasting(age)}
            {pace(age) !== "fresh" && <strong> {pace(age)}</strong>}
          </span>
        </header>
        <ul class="work">
          {groups.map((group) => (
            <Item key={group.first.id} group={group} number={number} isAlone={!step || step.ids.length === group.count} act={act} />
          ))}
        </ul>
        <div class="actions">
          {step && (
            <button type="button" class={`main-action ${step.action}`} onClick={() => act(step)}>
              {step.label}
              <span class="unseen"> number {number}</span>
            </button>
          )}
          {step && (
            <button type="button" class="fail" onClick={onFail}>
              Cannot be made<span class="unseen">: number {number}</span>
            </button>
          )}
          <button type="button" class="print" onClick={() => print(stored)}>
            Print<span class="unseen"> number {number}</span>
          </button>
        </div>
        <Pending orderId={ticket.orderId} number={number} />
      </article>
    </li>
  );
}

const pace = (age: number): string => (age < limits.value.slow ? "fresh" : age < limits.value.late ? "slow" : "late");

/** The step that the whole ticket comes to: what is waiting is started, then all is ready. */
function nextOf(items: readonly TicketItem[]): Next | null {
  const of = (status: string): string[] => items.filter((item) => item.status === status).map(({ id }) => id);
  const [queued, started] = [of("QUEUED"), of("STARTED")];
  if (queued.length) return { action: "start", label: started.length ? "Start the rest" : "Start", ids: queued };
  return started.length ? { action: "ready", label: "Ready", ids: started } : null;
}

/** Equal items. Where the ticket has others, they have a button of their own. */
function Item(props: { group: Group<TicketItem>; number: string; isAlone: boolean; act: (next: Next) => void }) {
  const { first, count, ids } = props.group;
  const name = times(count, named(first.name));
  const own: Next | null =
    first.status === "QUEUED"
      ? { action: "start", label: "Start", ids }
      : first.status === "STARTED"
        ? { action: "ready", label: "Ready", ids }
        : null;
  return (
    <li class={first.status}>
      <span class="what">{name}</span>
      <span class={`status ${first.status}`}>
        {ITEM[first.status]}
        {first.status === "STARTED" && first.startedBy && (
          <>
            {" by "}
            <bdi>{first.startedBy}</bdi>
          </>
        )}
      </span>
      {own && !props.isAlone && (
        <button type="button" onClick={() => props.act(own)}>
          {own.label}
          <span class="unseen">
            {" "}
            {name}, number {props.number}
          </span>
        </button>
      )}
      {first.reason && <p class="reason">{reason(first)}</p>}
    </li>
  );
}

/** What was tapped and is not sent yet; or what became of it, if it was not taken. */
function Pending({ orderId, number }: { orderId: string; number: string }) {
  const last = undoable(orderId, here.value);
  const note = notes.value.get(orderId);
  if (last) {
    return (
      <p class="pending">
        <span>Sent in {Math.min(UNDO / 1000, Math.max(1, Math.ceil((last.due - here.value) / 1000)))} s</span>
        <button type="button" onClick={() => undo(orderId)}>
          Undo<span class="unseen"> number {number}</span>
        </button>
      </p>
    );
  }
  if (tapsOf(orderId).length) return <p class="pending">Not sent yet</p>;
  return note ? <p class="warning">{note}</p> : null;
}
