import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";

import { Dialog } from "../common/dialog";
import { grouped, named, times } from "../common/words";
import type { Ticket, TicketItem } from "../shop/contracts";
import { closeDay, failure } from "./day";
import { question, staff, whoIsIt } from "./staff";
import { tap } from "./taps";
import { numberOf } from "./tickets";

const REASONS = ["Sold out", "The machine does not work", "It went wrong", "The customer has left"];

/** Asks for the name of the person who works here. */
export function NameDialog() {
  const answer = question.value;
  if (!answer) return null;
  return (
    <Dialog
      id="who-works"
      title="Who works here?"
      action="That is me"
      onSubmit={(given) => answer(String(given.get("staff")).trim() || null)}
      onClose={() => answer(null)}
    >
      <label for="staff-name">Your name</label>
      <input id="staff-name" name="staff" required maxLength={200} autocomplete="off" autofocus defaultValue={staff.value} />
      <p class="note">It stands beside what you start and finish. This device remembers it.</p>
    </Dialog>
  );
}

/** Asks what of a ticket cannot be made, and why. It stays as it was opened, whatever becomes of the
 * ticket meanwhile; `ticket` is how that is now. */
export function FailDialog({ station, ticket, onClose }: { station: string; ticket: Ticket; onClose: () => void }) {
  const missing = useSignal("");
  const [groups] = useState(() => grouped(ticket.items.filter(isOpen)));
  const open = new Set(ticket.items.filter(isOpen).map(({ id }) => id));
  const submit = (given: FormData): void => {
    const chosen = given.getAll("item").flatMap((id) => groups.find(({ first }) => first.id === id)?.ids ?? []);
    const items = chosen.filter((id) => open.has(id));
    const reason = String(given.get("own")).trim() || String(given.get("reason") ?? "");
    if (!open.size) return;
    if (!items.length) missing.value = "Choose what cannot be made.";
    else if (!reason) missing.value = "Choose a reason, or write one.";
    else {
      onClose();
      void tap(station, ticket, "fail", items, reason);
    }
  };
  return (
    <Dialog id="cannot" title={`What of number ${numberOf(ticket)} cannot be made?`} action="Cannot be made" onSubmit={submit} onClose={onClose}>
      <fieldset class="options">
        <legend class="unseen">Items</legend>
        {groups.map(({ first, ids }) => (
          <label key={first.id}>
            <input type="checkbox" name="item" value={first.id} defaultChecked={groups.length === 1} />
            <span>{offered(first, ids.filter((id) => open.has(id)).length)}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="options">
        <legend>Why? The customer reads it.</legend>
        {REASONS.map((reason) => (
          <label key={reason}>
            <input type="radio" name="reason" value={reason} />
            <span>{reason}</span>
          </label>
        ))}
      </fieldset>
      <label for="own-reason">In your own words</label>
      <input id="own-reason" name="own" maxLength={200} autocomplete="off" />
      <div role="alert">
        {open.size === 0 ? <p class="wrong">{OVER}</p> : missing.value && <p class="wrong">{missing.value}</p>}
      </div>
    </Dialog>
  );
}

const OVER = "Nothing of it is open any more: somebody was faster, or it was cancelled.";

const isOpen = ({ status }: TicketItem): boolean => status === "QUEUED" || status === "STARTED";

/** An item, and how many of it are still open. */
const offered = ({ name }: TicketItem, left: number): string =>
  left ? times(left, named(name)) : `${named(name)}: no longer open`;

/** Asks whether everything that is open is to end. */
export function CloseDayDialog({ station, count, onClose }: { station: string; count: number; onClose: () => void }) {
  const submit = async (given: FormData): Promise<void> => {
    const by = await whoIsIt();
    if (by && (await closeDay(station, by, String(given.get("reason")).trim()))) onClose();
  };
  return (
    <Dialog id="close-day" title="Close the day" action="Close the day" onSubmit={(given) => void submit(given)} onClose={onClose}>
      <p class="note">
        {count === 0
          ? "Nothing is open here."
          : `What is not ready of ${count === 1 ? "the open ticket" : `the ${count} open tickets`} ends as not made. This cannot be undone.`}
      </p>
      <label for="close-reason">Why? The customers read it.</label>
      <input id="close-reason" name="reason" required maxLength={200} defaultValue="The shop has closed." />
      <div role="alert">{failure.value && <p class="wrong">{failure.value}</p>}</div>
    </Dialog>
  );
}
