// What a customer has chosen. It outlives a reload.

import { computed } from "@preact/signals";

import { isText, kept } from "../common/kept";
import { say } from "../common/notices";
import { money, named } from "../common/words";
import type { Offer } from "../shop/contracts";
import { menu, offer } from "../shop/menu";

/** Items in one order, at most (the API's bound). */
export const MOST = 50;

/** Name and price as they were when the item was chosen, for as long as the menu is not known. */
export interface Line {
  itemType: number;
  name: string;
  price: number;
  count: number;
}

const isCount = (found: unknown): boolean => Number.isInteger(found) && Number(found) >= 1 && Number(found) <= MOST;

const areLines = (found: unknown): found is Line[] =>
  Array.isArray(found) &&
  found.every((line) => isText(line?.name) && [line.itemType, line.price].every(Number.isFinite) && isCount(line.count));

export const lines = kept<Line[]>("basket", [], areLines);
export const customer = kept<string>("customer", "", isText);

export const count = computed(() => lines.value.reduce((sum, line) => sum + line.count, 0));
export const price = (line: Line): number => offer(line.itemType)?.price ?? line.price;
export const total = computed(
  () => lines.value.reduce((cents, line) => cents + line.count * Math.round(100 * price(line)), 0) / 100,
);

/** Whether the shop does not make it now, as far as is known. */
export function isGone({ itemType }: Line): boolean {
  if (menu.value === null) return false;
  const now = offer(itemType);
  return now === undefined || now.available === false;
}

export const gone = computed(() => lines.value.filter(isGone));

/** One more or one less of an item. */
export function change(item: Offer | Line, by: 1 | -1): void {
  if (by > 0 && count.peek() >= MOST) return say(`An order holds at most ${MOST} items.`);
  const { itemType, name, price } = item;
  const known = lines.peek().find((line) => line.itemType === itemType);
  const line = { itemType, name, price, count: (known?.count ?? 0) + by };
  const rest = known ? lines.peek() : [...lines.peek(), line];
  lines.value = rest.map((each) => (each.itemType === itemType ? line : each)).filter((each) => each.count > 0);
  say(`${line.count} ${named(name)}, ${money(total.value)} in all`);
}

export function takeOut(out: readonly Line[]): void {
  lines.value = lines.peek().filter((line) => !out.some((each) => each.itemType === line.itemType));
}
