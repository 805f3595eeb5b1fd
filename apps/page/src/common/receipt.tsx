import { isOver, type Order } from "../shop/contracts";
import { called, grouped, ITEM, money, named, reason, span, status, times, wait, when } from "./words";

/** Whose order it is, what was ordered, how each of it is, and the sum. */
export function Receipt({ order }: { order: Order }) {
  return (
    <div class="receipt" data-order={order.id}>
      <p class="who">
        <span class="number">{called(order)}</span>
        <bdi>{order.loyaltyMemberId}</bdi>
        <span class={`status ${order.status}`}>{status(order)}</span>
      </p>
      <ul aria-label="Receipt">
        {grouped(order.items).map(({ first, count }) => (
          <li key={first.id}>
            <span>{times(count, named(first.name))}</span>
            <span class="sum">{money(first.price * count)}</span>
            <span class={`status ${first.status}`}>{ITEM[first.status]}</span>
            {first.reason && <p class="reason">{reason(first)}</p>}
          </li>
        ))}
        <li class="total">
          <span>Total</span>
          <span class="sum">{money(order.total)}</span>
        </li>
        {order.due !== order.total && (
          <li class="total due">
            <span>To pay, without what is not made</span>
            <span class="sum">{money(order.due)}</span>
          </li>
        )}
      </ul>
      {wait(order) && <p class="wait">{wait(order)}</p>}
      <time dateTime={order.placedAt}>
        {isOver(order) ? span(order.placedAt, order.updatedAt) : when(order.placedAt)}
      </time>
    </div>
  );
}
