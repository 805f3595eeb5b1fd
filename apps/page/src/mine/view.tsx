import "./mine.css";

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { Cancel } from "../common/cancel";
import { Receipt } from "../common/receipt";
import { useWhileSeen } from "../common/seen";
import { customer } from "../order/basket";
import { changed, earlier, failure, found, keepFound, search } from "./found";

export function MineView() {
  const name = useSignal(found.value?.who ?? customer.value);
  useEffect(() => {
    if (!found.peek() && name.peek().trim()) void search(name.peek().trim());
  }, []);
  useWhileSeen(keepFound);
  const { who, orders, next } = found.value ?? { who: "", orders: null, next: null };
  return (
    <>
      <h1>My orders</h1>
      <form
        id="find"
        class="find"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.value.trim()) void search(name.value.trim());
        }}
      >
        <label for="who">Name or member number</label>
        <div class="row">
          <input
            id="who"
            name="who"
            required
            maxLength={200}
            autocomplete="nickname"
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
          <button>Find my orders</button>
        </div>
      </form>
      <div role="alert">{failure.value && <p class="wrong">{failure.value}</p>}</div>
      {orders?.length === 0 && (
        <p class="note">
          There are no orders for <bdi>{who}</bdi>.
        </p>
      )}
      <ul class="tickets" aria-label="Orders found">
        {orders?.map((order) => (
          <li key={order.id} class="card ticket">
            <Receipt order={order} />
            <Cancel order={order} onChange={changed} />
          </li>
        ))}
      </ul>
      {next && (
        <button id="more" type="button" onClick={() => void earlier()}>
          Earlier orders
        </button>
      )}
    </>
  );
}
