import { question } from "../shop/tokens";
import { Dialog } from "./dialog";

/** Asks for a token when the shop wants one. */
export function TokenDialog() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog
      id="ask"
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
