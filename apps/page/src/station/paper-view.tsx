import { useEffect, useRef } from "preact/hooks";

import { grouped, madeAt, named, times, when } from "../common/words";
import { printed, printPaper } from "./paper";
import { numberOf, placedAt } from "./tickets";

/** The ticket that is printed, while it is. */
export function Paper({ station }: { station: string }) {
  const paper = useRef<HTMLDivElement>(null);
  const ticket = printed.value;
  useEffect(() => {
    if (paper.current) printPaper(paper.current);
  }, [ticket]);
  if (!ticket) return null;
  return (
    <div class="paper" ref={paper} aria-hidden="true">
      <p>
        {madeAt(station)} · {when(placedAt(ticket))}
      </p>
      <p class="number">{numberOf(ticket)}</p>
      <p class="name">{ticket.name}</p>
      <ul>
        {grouped(ticket.items)
          .filter(({ first }) => first.status !== "FAILED" && first.status !== "CANCELLED")
          .map(({ first, count }) => (
            <li key={first.id}>{times(count, named(first.name))}</li>
          ))}
      </ul>
    </div>
  );
}
