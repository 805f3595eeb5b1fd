import { useSignal } from "@preact/signals";

import { Dialog } from "../common/dialog";
import { grouped, named, times } from "../common/words";
import type { Ticket } from "../shop/contracts";
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

/** Asks what of a ticket cannot be made, and why. */
export function FailDialog({ station, ticket, onClose }: { station: string; ticket: Ticket; onClose: () => void }) {
  const missing = useSignal("");
  const open = grouped(ticket.items.filter(({ status }) => status === "QUEUED" || status === "STARTED"));
  const submit = (given: FormData): void => {
    const items = given.getAll("item").flatMap((id) => open.find(({ first }) => first.id === id)?.ids ?? []);
    const reason = String(given.get("own")).trim() || String(given.get("reason") ?? "");
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
        {open.map(({ first, count }) => (
          <label key={first.id}>
            <input type="checkbox" name="item" value={first.id} defaultChecked={open.length === 1} />
            <span>{times(count, named(first.name))}</span>
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
      <div role="alert">{missing.value && <p class="wrong">{missing.value}</p>}</div>
    </Dialog>
  );
}

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
