import { askToken, declined, question, urgent } from "../shop/tokens";
import { Dialog, openDialogs } from "./dialog";

const NAMES = { pos: "shop token", staff: "staff token" };

/** Buttons to give the tokens after all that were asked for in vain. */
export function GiveToken() {
  return (
    <>
      {declined.value.map((kind) => (
        <button key={kind} type="button" onClick={() => void askToken(kind)}>
          Give the {NAMES[kind]}
        </button>
      ))}
    </>
  );
}

const ID = "ask";

/** Asks for a token when the shop wants one; not amid another dialog, unless somebody waits for it. */
export function TokenDialog() {
  const asked = question.value;
  const isAmid = urgent.value.length === 0 && openDialogs.value.some((id) => id !== ID);
  if (!asked || isAmid) return null;
  return (
    <Dialog
      key={asked.kind}
      id={ID}
      title="This shop asks for a token"
      action="Continue"
      onSubmit={(given) => asked.answer(String(given.get("token")))}
      onClose={() => asked.answer(null)}
    >
      {asked.refused && <p class="wrong">That one was not accepted.</p>}
      <label for="token">{asked.kind === "staff" ? "Staff token" : "Shop token"}</label>
      <input id="token" name="token" type="password" autocomplete="off" required autofocus />
      <p class="note">It stays in this tab until the tab is closed.</p>
    </Dialog>
  );
}
