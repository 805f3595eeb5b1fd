import { useEffect, useRef } from "preact/hooks";

import { question } from "../shop/tokens";

/** Asks for a token when the shop wants one. */
export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = question.value;
  useEffect(() => {
    if (asked) dialog.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  const label = asked.kind === "staff" ? "Staff token" : "Shop token";
  return (
    <dialog id="ask" ref={dialog} aria-labelledby="ask-title" onClose={() => asked.answer(null)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          asked.answer(String(new FormData(event.currentTarget).get("token")));
        }}
      >
        <h2 id="ask-title">This shop asks for a token</h2>
        {asked.refused && <p class="wrong">That one was not accepted.</p>}
        <label for="token">{label}</label>
        <input id="token" name="token" type="password" autocomplete="off" required autofocus />
        <p class="note">It stays in this tab until the tab is closed.</p>
        <div class="row">
          <button class="main-action">Continue</button>
          <button type="button" onClick={() => asked.answer(null)}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
