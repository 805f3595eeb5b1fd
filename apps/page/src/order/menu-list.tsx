import { madeAt, money, named } from "../common/words";
import type { Offer } from "../shop/contracts";
import { byStation, menu } from "../shop/menu";
import { change, lines } from "./basket";
import { attempt } from "./placing";

/** What can be ordered, by where it is made. */
export function MenuList() {
  if (menu.value === null) return <p class="note">The menu is on its way …</p>;
  return (
    <div id="menu">
      {byStation(menu.value).map(([station, offers]) => (
        <section key={station} aria-labelledby={`menu-${station}`}>
          <h2 id={`menu-${station}`}>{madeAt(station)}</h2>
          <ul class="menu">
            {offers.map((each) => (
              <li key={each.itemType}>
                <Item offer={each} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Item({ offer }: { offer: Offer }) {
  const { itemType, name, price, available } = offer;
  const chosen = lines.value.find((line) => line.itemType === itemType)?.count ?? 0;
  const note = available === false ? "sold out" : available === null ? "may be sold out" : "";
  return (
    <button
      type="button"
      id={`item-${itemType}`}
      disabled={available === false || attempt.value !== null}
      onClick={() => change(offer, 1)}
    >
      <img src={`/v1/api/menu/${itemType}/image`} alt="" width="72" height="72" />
      <span class="name">{named(name)}</span> <span class="price">{money(price)}</span>{" "}
      {note && <span class={available === false ? "gone" : "unsure"}>{note}</span>}{" "}
      {chosen > 0 && (
        <span class="chosen">
          {chosen}
          <span class="unseen"> chosen</span>
        </span>
      )}
    </button>
  );
}
