import "./board.css";

import { keepTime } from "../common/clock";
import { useWhileSeen } from "../common/seen";
import { called, grouped, ITEM, named, reason, status, times, when } from "../common/words";
import { isBegun, type Order, type OrderStatus } from "../shop/contracts";
import { now } from "../shop/time";
import { ended, isKnown, keepBoard, open } from "./orders";

const COLUMNS: [OrderStatus, string][] = [
  ["PLACED", "Waiting"],
  ["IN_PROGRESS", "Being made"],
];

export function BoardView() {
  useWhileSeen(keepBoard);
  useWhileSeen(keepTime);
  return (
    <>
      <h1>Orders</h1>
      {!isKnown.value && <p class="note">The orders are on their way …</p>}
      <div class="board">
        {COLUMNS.map(([column, title]) => (
          <Column key={column} status={column} title={title} />
        ))}
        <Ended />
      </div>
    </>
  );
}

function Column({ status, title }: { status: OrderStatus; title: string }) {
  const orders = open.value.filter((order) => isBegun(order) === (status === "IN_PROGRESS"));
  return (
    <section aria-labelledby={`column-${status}`} class="open">
      <h2 id={`column-${status}`} class={status}>
        <span>{title}</span> <span class="count">{orders.length}</span>
      </h2>
      {orders.length === 0 && isKnown.value && <p class="note">None.</p>}
      <ul class="tickets">
        {orders.map((order) => (
          <li key={order.id} class="card ticket">
            <p class="who">
              <span class="number">{called(order)}</span>
              <bdi>{order.loyaltyMemberId}</bdi>
              <time dateTime={order.placedAt}>{when(order.placedAt)}</time>
              {Date.parse(order.expiresAt) < now.value && <span class="late">late</span>}
            </p>
            <Items order={order} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Items({ order }: { order: Order }) {
  return (
    <ul class="items">
      {grouped(order.items).map(({ first, count }) => (
        <li key={first.id} class={first.status}>
          {times(count, named(first.name))}
          {["READY", "STARTED", "CANCELLED"].includes(first.status) && (
            <span class={`status ${first.status}`}> {ITEM[first.status].toLowerCase()}</span>
          )}
          {first.reason && <span class="reason"> {reason(first)}</span>}
        </li>
      ))}
    </ul>
  );
}

function Ended() {
  return (
    <section aria-labelledby="column-ended" class="ended">
      <h2 id="column-ended">Last finished</h2>
      {ended.value.length === 0 && isKnown.value && <p class="note">None yet.</p>}
      <ul>
        {ended.value.map((order) => (
          <li key={order.id}>
            <span class="number">{called(order)}</span>
            <bdi>{order.loyaltyMemberId}</bdi>
            <span class={`status ${order.status}`}>{status(order)}</span>
            <time dateTime={order.updatedAt}>{when(order.updatedAt)}</time>
            {grouped(order.items)
              .filter(({ first }) => first.reason)
              .map(({ first }) => (
                <span key={first.id} class="reason">
                  {reason(first)}
                </span>
              ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
