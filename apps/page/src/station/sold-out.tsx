import { madeAt, named } from "../common/words";
import type { Offer } from "../shop/contracts";
import { menu } from "../shop/menu";
import { changes, turn } from "./switches";

/** What a station has on sale, and what is sold out. */
export function SoldOut({ station, title = madeAt(station) }: { station: string; title?: string }) {
  const offers = (menu.value ?? []).filter((each) => each.station === station);
  return (
    <section class="card stock" aria-labelledby={`station-${station}`}>
      <h2 id={`station-${station}`}>{title}</h2>
      {offers.some(({ available }) => available === null) && (
        <p class="warning">This station does not answer: what is sold out here is not known.</p>
      )}
      <ul>
        {offers.map((offer) => (
          <li key={offer.itemType}>
            <Switch offer={offer} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** On sale or sold out; neither where it is not known. */
function Switch({ offer }: { offer: Offer }) {
  const { itemType, available } = offer;
  const change = changes.value.get(itemType);
  const saving = change !== undefined && change.failure === null;
  const current = saving ? change.available : available;
  const choice = (value: boolean, label: string) => (
    <label class={value ? "on" : "off"}>
      <input
        type="radio"
        name={`item-${itemType}`}
        checked={current === value}
        onChange={() => void turn(offer, value)}
      />
      <span>{label}</span>
    </label>
  );
  return (
    <fieldset aria-busy={saving}>
      <legend>{named(offer.name)}</legend>
      <div class="choices">
        {choice(true, "On sale")}
        {choice(false, "Sold out")}
      </div>
      <div role="alert">{change?.failure && <p class="wrong">{change.failure}</p>}</div>
    </fieldset>
  );
}
