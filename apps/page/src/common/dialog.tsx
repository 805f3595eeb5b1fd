import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** The ids of the dialogs that are open. */
export const openDialogs = signal<readonly string[]>([]);

/** A question that stands before the rest of the page. Escape and “Cancel” close it; then the focus is
 * where it was. */
export function Dialog(props: {
  id: string;
  title: string;
  action: string;
  onSubmit: (given: FormData) => void;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    openDialogs.value = [...openDialogs.peek(), props.id];
    return () => {
      openDialogs.value = openDialogs.peek().filter((id) => id !== props.id);
      setTimeout(() => isNowhere() && before instanceof HTMLElement && before.focus());
    };
  }, []);
  return (
    <dialog id={props.id} ref={dialog} aria-labelledby={`${props.id}-title`} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit(new FormData(event.currentTarget));
        }}
      >
        <h2 id={`${props.id}-title`}>{props.title}</h2>
        {props.children}
        <div class="row answers">
          <button class="main-action">{props.action}</button>
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}

const isNowhere = (): boolean => document.activeElement === document.body;
