import { useEffect, useRef } from "preact/hooks";

import { Cancel } from "../common/cancel";
import { Receipt } from "../common/receipt";
import { outcome, status } from "../common/words";
import { isBegun, isOver, type Order } from "../shop/contracts";
import { changed, placed, shown } from "./placed";

/** The order that was placed last, as it changes. */
export function Placed() {
  const title = useRef<HTMLHeadingElement>(null);
  const order = placed.value;
  useEffect(() => {
    if (order && shown.peek() !== order.id) {
      shown.value = order.id;
      title.current?.focus();
      title.current?.scrollIntoView({ block: "nearest" });
    }
  }, [order?.id]);
  if (!order) return null;
  return (
    <section id="placed" class={`card ${order.status}`} aria-labelledby="placed-title">
      <h2 id="placed-title" tabIndex={-1} ref={title}>
        {outcome(order)}
      </h2>
      <Steps order={order} />
      <Receipt order={order} />
      <Cancel order={order} onChange={changed} />
      {isOver(order) && (
        <button type="button" onClick={() => (placed.value = null)}>
          Close
        </button>
      )}
    </section>
  );
}

function Steps({ order }: { order: Order }) {
  const reached = isBegun(order) ? 1 : 0;
  const isLost = isOver(order) && order.status !== "FULFILLED";
  const steps = ["Received", "Being made", isLost ? status(order) : "Ready"];
  return (
    <ol class="steps" aria-label="Progress">
      {steps.map((step, n) => (
        <li key={n} class={isLost && n === 2 ? "lost" : isOver(order) || n <= reached ? "done" : ""}>
          {step}
        </li>
      ))}
    </ol>
  );
}
