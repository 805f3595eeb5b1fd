// Printed tickets: 80 mm wide, and as long as what stands on them.

import { signal } from "@preact/signals";

import { isFlag, keptHere } from "../common/kept";
import type { Ticket } from "../shop/contracts";

/** Whether each new ticket is printed by itself: for a kitchen with a printer and no screen. */
export const printNew = keptHere("print-new", false, isFlag);
/** What is printed now. */
export const printed = signal<Ticket | null>(null);

const queue: Ticket[] = [];
/** Millimetres of a pixel, and of the edges above and below. */
const MILLIMETRES = 25.4 / 96;
const EDGES = 8;

export function print(ticket: Ticket): void {
  queue.push(ticket);
  if (!printed.peek()) next();
}

function next(): void {
  printed.value = queue.shift() ?? null;
}

/** Print what is on the paper, which stands on the page by now. */
export function printPaper(paper: HTMLElement): void {
  const length = Math.ceil(paper.offsetHeight * MILLIMETRES) + EDGES;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@page { size: 80mm ${length}mm; margin: 0 }`);
  document.adoptedStyleSheets = [sheet];
  window.print();
  document.adoptedStyleSheets = [];
  next();
}
