// The station by keyboard alone: a digit goes to a card's button, which Enter and Space press.

import { undo } from "./taps";

const buttons = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".job")].flatMap((card) => {
  const button = card.querySelector<HTMLElement>(".actions button");
  return button ? [button] : [];
});

/** Go to the first card, once the page is drawn. */
export function focusFirst(): void {
  setTimeout(() => buttons()[0]?.focus());
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
    if (/^\d$/.test(key)) buttons()[(Number(key) + 9) % 10]?.focus();
    else if (key === "u") undo();
    else if (key in OF_CARD) document.activeElement?.closest(".job")?.querySelector<HTMLElement>(OF_CARD[key]!)?.click();
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", pressed, { signal });
}
