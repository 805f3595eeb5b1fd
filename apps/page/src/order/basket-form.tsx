import { money, named, times } from "../common/words";
import { change, count, customer, gone, isGone, lines, MOST, price, takeOut, total, type Line } from "./basket";
import { attempt, forget, phase, place, refusal, tryAgain } from "./placing";

/** What was chosen, for whom, and the button that places it. Locked while an attempt is open. */
export function Basket() {
  const locked = attempt.value !== null;
  return (
    <form
      id="basket"
      class="card"
      aria-labelledby="basket-title"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void place();
      }}
    >
      <h2 id="basket-title" tabIndex={-1}>
        Your basket
      </h2>
      {lines.value.length === 0 && <p class="note">Nothing chosen yet.</p>}
      <ul class="lines" aria-label="Chosen items">
        {lines.value.map((line) => (
          <Chosen key={line.itemType} line={line} locked={locked} />
        ))}
      </ul>
      {count.value >= MOST && <p class="note">An order holds at most {MOST} items.</p>}
      {!locked && <SoldOut />}
      <label for="customer">Your name or member number</label>
      <input
        id="customer"
        name="customer"
        maxLength={200}
        autocomplete="nickname"
        disabled={locked}
        value={customer.value}
        onInput={(event) => (customer.value = event.currentTarget.value)}
      />
      <div role="alert">{refusal.value && <p class="wrong">{refusal.value}</p>}</div>
      <Outcome />
      <button id="place" class="main-action" disabled={locked || gone.value.length > 0}>
        {phase.value === "sending" ? "Placing your order …" : count.value ? `Place order · ${money(total.value)}` : "Place order"}
      </button>
    </form>
  );
}

function Chosen({ line, locked }: { line: Line; locked: boolean }) {
  const name = named(line.name);
  const less = (): void => {
    change(line, -1);
    if (line.count === 1) document.getElementById(`item-${line.itemType}`)?.focus();
  };
  return (
    <li class={isGone(line) ? "is-gone" : ""}>
      <span class="what">
        {times(line.count, name)}
        {isGone(line) && <span class="gone">sold out</span>}
      </span>
      <span class="sum">{money(price(line) * line.count)}</span>
      <span class="amount">
        <button type="button" aria-label={`One ${name} less`} disabled={locked} onClick={less}>
          −
        </button>
        <button
          type="button"
          aria-label={`One ${name} more`}
          disabled={locked || isGone(line) || count.value >= MOST}
          onClick={() => change(line, 1)}
        >
          +
        </button>
      </span>
    </li>
  );
}

/** The warning that something in the basket is not made any more. */
function SoldOut() {
  const out = gone.value;
  const names = out.map((line) => named(line.name)).join(" and ");
  return (
    <div role="alert">
      {out.length > 0 && (
        <div class="warning">
          <p>
            {names} {out.length === 1 ? "has" : "have"} just sold out.
          </p>
          <button type="button" onClick={() => takeOut(out)}>
            Take {out.length === 1 ? "it" : "them"} out
          </button>
        </div>
      )}
    </div>
  );
}

/** What is known of an attempt without an answer, and what can be done. */
function Outcome() {
  if (phase.value === "finding-out") {
    return (
      <div class="warning" role="status">
        <p>No answer yet: we are finding out whether your order was placed. It is not placed twice.</p>
        <button type="button" onClick={forget}>
          Stop
        </button>
      </div>
    );
  }
  if (phase.value === "asking-you") {
    return (
      <div class="warning" role="status">
        <p>The shop does not answer. Your order may have been placed. Try again: it is not placed twice.</p>
        <div class="row">
          <button type="button" onClick={tryAgain}>
            Try again
          </button>
          <button type="button" onClick={forget}>
            Leave it
          </button>
        </div>
      </div>
    );
  }
  return null;
}
