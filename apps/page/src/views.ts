// The page's views. A new one is a folder with its component and its style, and a line here.

import { computed, effect, signal } from "@preact/signals";
import type { FunctionComponent } from "preact";

import { BoardView } from "./board/view";
import { MineView } from "./mine/view";
import { OrderView } from "./order/view";
import { PickupView } from "./pickup/view";
import { StationView } from "./station/view";

interface View {
  /** In the address, after #; what follows a slash is the view's own. No element has it as its id: the browser would scroll to that. */
  id: string;
  label: string;
  /** The navigation keeps the staff's apart. */
  forStaff?: boolean;
  content: FunctionComponent;
}

const FIRST: View = { id: "order", label: "Order", content: OrderView };

export const VIEWS: readonly View[] = [
  FIRST,
  { id: "mine", label: "My orders", content: MineView },
  { id: "board", label: "Board", forStaff: true, content: BoardView },
  { id: "pickup", label: "Pick-up", forStaff: true, content: PickupView },
  { id: "station", label: "Stations", forStaff: true, content: StationView },
];

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

const parts = computed(() => hash.value.slice(1).split("/"));

export const view = computed(() => VIEWS.find(({ id }) => id === parts.value[0]) ?? FIRST);

/** Which of its places the view shows: one station of all. */
export const place = computed(() => parts.value[1] ?? "");

effect(() => {
  document.title = `${view.value.label} · Coffeeshop`;
});
