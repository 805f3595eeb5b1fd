import "./pickup.css";

import { SoundSwitch } from "../common/sound-switch";
import { useWhileSeen } from "../common/seen";
import { about } from "../common/words";
import type { PickupOrder } from "../shop/contracts";
import { collect, enterStaff, failure, handedOver, isStaffed, keepPickup, numberOf, pickup, sound } from "./called";

/** For a screen on the wall: by number and name, to be read from far. */
export function PickupView() {
  useWhileSeen(keepPickup);
  const { inPreparation, ready } = pickup.value ?? { inPreparation: [], ready: [] };
  return (
    <div class="pickup">
      <h1 class="unseen">Pick-up</h1>
      <div role="alert">{failure.value && <p class="wrong">{failure.value}</p>}</div>
      <div class="called">
        <section class="is-ready" aria-labelledby="pickup-ready">
          <h2 id="pickup-ready">Ready</h2>
          {pickup.value && ready.length === 0 && <p class="note">Nothing yet.</p>}
          <ul>
            {ready
              .filter(({ orderId }) => !handedOver.value.has(orderId))
              .map((order) => (
                <li key={order.orderId}>
                  <Called order={order} />
                  {order.status === "PARTIAL" && <span class="partly">partly</span>}
                  {isStaffed.value && (
                    <button type="button" onClick={() => void collect(order)}>
                      Collected<span class="unseen"> number {numberOf(order)}</span>
                    </button>
                  )}
                </li>
              ))}
          </ul>
        </section>
        <section class="is-waiting" aria-labelledby="pickup-waiting">
          <h2 id="pickup-waiting">In preparation</h2>
          {pickup.value && inPreparation.length === 0 && <p class="note">Nothing yet.</p>}
          <ul>
            {inPreparation.map((order) => (
              <li key={order.orderId}>
                <Called order={order} />
                {order.estimateSeconds !== null && (
                  <span class="estimate">{about(order.estimateSeconds)}</span>
                )}
              </li>
            ))}
          </ul>
        </section>
      </div>
      <div class="row tools">
        <SoundSwitch on={sound} label="Sound when an order is ready" />
        {isStaffed.value ? (
          <button type="button" onClick={() => (isStaffed.value = false)}>
            End handing over
          </button>
        ) : (
          <button type="button" onClick={() => void enterStaff()}>
            Staff: hand orders over
          </button>
        )}
      </div>
    </div>
  );
}

function Called({ order }: { order: PickupOrder }) {
  return (
    <span class="who">
      <span class="number">{numberOf(order)}</span>
      <bdi>{order.name}</bdi>
    </span>
  );
}
