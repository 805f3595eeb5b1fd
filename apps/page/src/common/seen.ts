// Work that goes on only while somebody looks.

import { useEffect } from "preact/hooks";

/**
 * Run `task` while the component is on the screen and the tab is in view. Its signal aborts when
 * either ends; when the tab comes back, the task begins again.
 */
export function useWhileSeen(task: (signal: AbortSignal) => Promise<void>, inputs: readonly unknown[] = []): void {
  useEffect(() => {
    let running: AbortController | null = null;
    const look = (): void => {
      if (document.hidden) {
        running?.abort();
        running = null;
      } else if (!running) {
        running = new AbortController();
        void task(running.signal);
      }
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      running?.abort();
    };
  }, inputs);
}
