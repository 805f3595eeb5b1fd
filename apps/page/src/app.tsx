import "./page.css";

import { useRef } from "preact/hooks";

import { news, notices } from "./common/notices";
import { useWhileSeen } from "./common/seen";
import { GiveToken, TokenDialog } from "./common/token-dialog";
import { followPlaced, placed } from "./order/placed";
import { isOver } from "./shop/contracts";
import { NEEDS_TOKEN } from "./shop/problems";
import { view, VIEWS } from "./views";

export function App() {
  const main = useRef<HTMLElement>(null);
  const Content = view.value.content;
  const open = placed.value && !isOver(placed.value) ? placed.value.id : null;
  useWhileSeen(async (signal) => void (open && (await followPlaced(open, signal))), [open]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header class="top">
        <p class="brand">
          <img src="/icon.svg" alt="" width="36" height="36" />
          Coffeeshop
        </p>
        <nav aria-label="Views">
          {VIEWS.map(({ id, label, forStaff }) => (
            <a
              key={id}
              href={`#${id}`}
              class={forStaff ? "for-staff" : ""}
              aria-current={id === view.value.id ? "page" : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
      </header>
      <div id="notices" role="alert">
        {notices.value.map((text) => (
          <p key={text}>
            {text}
            {text.endsWith(NEEDS_TOKEN) && <GiveToken />}
          </p>
        ))}
      </div>
      <p id="news" class="unseen" role="status">
        {news.value}
      </p>
      <main id="main" tabIndex={-1} ref={main}>
        <Content />
      </main>
      <TokenDialog />
    </>
  );
}
