import { canCancel, cancel, step, steps, TOO_LATE } from "../shop/cancelling";
import { isOver, type Order } from "../shop/contracts";

/** The button that cancels an order while nothing of it is begun, and what became of that. */
export function Cancel({ order, onChange }: { order: Order; onChange: (order: Order) => void }) {
  const now = steps.value.get(order.id);
  const isTold = now === "told";
  const isMade = order.items.some(({ status }) => status === "STARTED" || status === "READY");
  const go = async (): Promise<void> => {
    const fresh = await cancel(order);
    if (fresh) onChange(fresh);
  };
  return (
    <div class="cancel">
      <div role="status">
        {isTold && !isOver(order) && !isMade && <p class="note">The shop is asked to cancel it …</p>}
        {isTold && isMade && <p class="note">{isOver(order) ? TOO_LATE : BEGUN}</p>}
        {typeof now === "object" && <p class="wrong">{now.failure}</p>}
      </div>
      {now === "asking" ? (
        <div class="row" role="group" aria-label="Cancel this order?">
          <button type="button" class="main-action" autofocus onClick={() => void go()}>
            Yes, cancel it
          </button>
          <button type="button" onClick={() => step(order.id, null)}>
            Keep it
          </button>
        </div>
      ) : (
        canCancel(order) &&
        !isTold && (
          <button type="button" disabled={now === "telling"} onClick={() => step(order.id, "asking")}>
            {now === "telling" ? "Cancelling …" : "Cancel order"}
          </button>
        )
      )}
    </div>
  );
}

const BEGUN = "It was too late to cancel what is begun.";
