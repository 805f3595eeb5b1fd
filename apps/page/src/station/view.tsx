import "./station.css";

import { useWhileSeen } from "../common/seen";
import { madeAt } from "../common/words";
import { byStation, keepMenu, menu } from "../shop/menu";
import { place } from "../views";
import { Screen } from "./screen";
import { SoldOut } from "./sold-out";

/** One station's screen, or the way to each. */
export function StationView() {
  return place.value ? <Screen key={place.value} station={place.value} /> : <Stations />;
}

function Stations() {
  useWhileSeen(keepMenu);
  const stations = byStation(menu.value ?? []).map(([station]) => station);
  return (
    <>
      <h1>Stations</h1>
      {menu.value === null && <p class="note">The menu is on its way …</p>}
      <ul class="doors" aria-label="Screens">
        {stations.map((station) => (
          <li key={station}>
            <a class="card" href={`#station/${station}`}>
              <strong>{madeAt(station)}</strong> What the {station} has to make, oldest first
            </a>
          </li>
        ))}
      </ul>
      <h2>What can be ordered</h2>
      <p class="note">For staff: mark an item as sold out when it is. Customers see it at once.</p>
      <div id="stations" class="stations">
        {stations.map((station) => (
          <SoldOut key={station} station={station} />
        ))}
      </div>
    </>
  );
}
