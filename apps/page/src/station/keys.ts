// The station by keyboard alone: a digit goes to a card's next step, which Enter and Space press.

import { undo } from "./taps";

/** Of each card its next step; where there is none the card, so that no other button is pressed. */
const steps = (): HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>(".job")].map(
    (card) => card.querySelector<HTMLElement>(".main-action") ?? card.querySelector<HTMLElement>("article")!,
  );

/** Go to the first card, once the page is drawn. */
export function focusFirst(): void {
  setTimeout(() => steps()[0]?.focus());
}

const OF_CARD: Record<string, string> = { c: ".fail", p: ".print" };

/** Listen until the signal aborts. */
export function listen(signal: AbortSignal): void {
  const pressed = (event: KeyboardEvent): void => {
    const isHeld = event.repeat && (event.key === "Enter" || event.key === " ");
    if (isHeld) event.preventDefault(); // a key that is held is one tap
    const isTyping = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (/^\d$/.test(key)) steps()[(Number(key) + 9) % 10]?.focus();
    else if (key === "u") undo();
    else if (key in OF_CARD) document.activeElement?.closest(".job")?.querySelector<HTMLElement>(OF_CARD[key]!)?.click();
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", pressed, { signal });
}
