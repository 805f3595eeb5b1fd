// Sounds, where people have switched them on.

import type { Signal } from "@preact/signals";

import { isFlag, keptHere } from "./kept";

/** Hertz of the notes, one after the other. */
const NOTES = [880, 1320];
/** Seconds of a note. */
const LENGTH = 0.16;

let context: AudioContext | null = null;

/** A switch that this device remembers. */
export const soundSwitch = (name: string): Signal<boolean> => keptHere(`${name}-sound`, false, isFlag);

/** Play the sound. Browsers want that the page was touched before; they ignore what is too early. */
export function play(): void {
  context ??= new AudioContext();
  void context.resume();
  NOTES.forEach((frequency, number) => {
    const note = new OscillatorNode(context!, { frequency });
    const loudness = new GainNode(context!, { gain: 0.25 });
    note.connect(loudness).connect(context!.destination);
    note.start(context!.currentTime + number * LENGTH);
    note.stop(context!.currentTime + (number + 1) * LENGTH);
  });
}

// After a reload the sound is on, and the page was not touched: the first touch is as good as the switch.
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => void context?.resume());
