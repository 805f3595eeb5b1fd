import type { Signal } from "@preact/signals";

import { play } from "./sound";

export function SoundSwitch({ on, label }: { on: Signal<boolean>; label: string }) {
  return (
    <button
      type="button"
      class="switch"
      role="switch"
      aria-checked={on.value}
      onClick={() => {
        on.value = !on.peek();
        if (on.peek()) play();
      }}
    >
      {label}
    </button>
  );
}
