import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

import { money, outcome } from "../common/words";
import { count, gone, total } from "./basket";
import { placed } from "./placed";
import { phase } from "./placing";

/** Leads to what is below the edge of a small screen: the basket, or the order that was placed. */
export function Bar({ hiddenBy }: { hiddenBy: RefObject<HTMLElement | null> }) {
  const [inView, setInView] = useState(true);
  useEffect(() => {
    const watcher = new IntersectionObserver((seen) => setInView(seen.at(-1)?.isIntersecting ?? false), {
      rootMargin: "0px 0px -64px 0px",
    });
    watcher.observe(hiddenBy.current!);
    return () => watcher.disconnect();
  }, []);
  const leadsTo = count.value ? "basket-title" : placed.value ? "placed-title" : null;
  if (inView || !leadsTo) return null;
  const go = (): void => {
    const target = document.getElementById(leadsTo);
    target?.scrollIntoView({ block: "start" });
    target?.focus({ preventScroll: true });
  };
  return (
    <button type="button" class="bar" onClick={go}>
      {leadsTo === "placed-title" && placed.value && <span>{outcome(placed.value)}</span>}
      {leadsTo === "basket-title" && (
        <>
          <span>{said()}</span>
          <span>{money(total.value)}</span>
        </>
      )}
    </button>
  );
}

function said(): string {
  if (phase.value !== "none") return "Placing your order …";
  if (gone.value.length) return "Something has sold out";
  return count.value === 1 ? "Your basket: 1 item" : `Your basket: ${count.value} items`;
}
