// The shop's page: ordering, one's own orders, the board, the station view. It talks to counter-api
// alone, from which it comes; no file is loaded from anywhere else.

const $ = (id) => document.getElementById(id);

/** An element with properties and children; text is never taken for markup. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const money = (amount) => `$${amount.toFixed(2)}`;
const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** COFFEE_BLACK reads as “Coffee black”, IN_PROGRESS as “In progress”. */
const words = (name) => name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ");

const isOver = (order) => order.status === "FULFILLED" || order.status === "FAILED";

function say(text) { $("news").textContent = text; }
function complain(text) { $("trouble").textContent = text; }

// Calls

class Refused extends Error {
  constructor(problem) {
    const fields = (problem.errors ?? []).map((error) => `${error.field}: ${error.message}`);
    super([problem.detail ?? problem.title, ...fields].join(" "));
    this.status = problem.status;
  }
}

/** Ask for a token once; it stays in this tab. */
async function askToken(kind) {
  $("ask-label").textContent = kind === "staff" ? "Staff token" : "POS token";
  $("token").value = "";
  $("ask").showModal();
  await new Promise((resolve) => $("ask").addEventListener("close", resolve, { once: true }));
  if ($("ask").returnValue !== "ok") return false;
  sessionStorage.setItem(`${kind}-token`, $("token").value);
  return true;
}

let asking = null;

async function call(method, path, { body, headers = {}, signal, kind = "pos" } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(`${kind}-token`);
    const response = await fetch(path, {
      method,
      signal,
      headers: {
        ...headers,
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { "content-type": "application/json" } : {}),
      },
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({ status: response.status, title: `The shop answered ${response.status}.` }));
    if (response.status === 401) {
      asking ??= askToken(kind).finally(() => (asking = null));
      if (await asking) continue;
    }
    throw new Refused(problem);
  }
}

/** Call again while the shop is busy or out of reach: the request must be safe to repeat. */
async function insist(method, path, options) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(method, path, options);
    } catch (error) {
      const passing = !(error instanceof Refused) || error.status === 503 || error.status === 429;
      if (!passing || attempt === 6) throw error;
      await wait(300 * attempt);
    }
  }
}

/** Follow a stream of server-sent events until `take` returns true or the signal aborts.
 *  By fetch, for an EventSource cannot carry a token. */
async function follow(path, take, signal) {
  while (!signal.aborted) {
    try {
      const response = await call("GET", path, { signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      complain("");
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const parts = (text + value).split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const line = part.split("\n").find((each) => each.startsWith("data: "));
          if (line && take(JSON.parse(line.slice(6)))) return void reader.cancel();
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status !== 503) return complain(error.message);
      complain("The shop cannot be reached. Trying again …");
    }
    await wait(700);
  }
}

// The menu and the order being put together

let menu = [];
const chosen = new Map();
let key = null;

async function loadMenu() {
  try {
    menu = (await (await insist("GET", "/v1/api/menu")).json()).items;
    complain("");
  } catch (error) {
    complain(`The menu cannot be shown. ${error.message}`);
  }
  drawMenu();
  drawStations();
}

function drawMenu() {
  $("menu").replaceChildren(...menu.map((item) => {
    const gone = item.available === false;
    return h("li", {}, h("button", {
      type: "button",
      id: `item-${item.itemType}`,
      disabled: gone,
      "aria-label": `${words(item.name)}, ${money(item.price)}, ${gone ? "sold out" : "add to the order"}`,
      onclick: () => choose(item.itemType, 1),
    },
    h("img", { src: `/v1/api/menu/${item.itemType}/image`, alt: "", width: 72, height: 72 }),
    h("span", { className: "name" }, words(item.name)),
    gone ? h("span", { className: "gone" }, "Sold out") : h("span", { className: "price" }, money(item.price))));
  }));
}

function choose(itemType, change) {
  const item = menu.find((each) => each.itemType === itemType);
  const count = (chosen.get(itemType) ?? 0) + change;
  if (count > 0) chosen.set(itemType, count);
  else chosen.delete(itemType);
  key = null;
  drawBasket();
  say(`${count} ${words(item.name)}, ${money(total())} in all`);
}

const total = () => [...chosen].reduce((cents, [itemType, count]) =>
  cents + count * Math.round(100 * menu.find((each) => each.itemType === itemType).price), 0) / 100;

function drawBasket() {
  $("nothing").hidden = chosen.size > 0;
  $("place").textContent = chosen.size ? `Place order · ${money(total())}` : "Place order";
  $("lines").replaceChildren(...[...chosen].map(([itemType, count]) => {
    const item = menu.find((each) => each.itemType === itemType);
    return h("li", {},
      h("span", {}, `${count} × ${words(item.name)}`),
      h("span", {}, money(item.price * count)),
      h("button", { type: "button", "aria-label": `One ${words(item.name)} less`, onclick: () => {
        choose(itemType, -1);
        if (!chosen.has(itemType)) $(`item-${itemType}`).focus();
        else [...$("lines").querySelectorAll("button")][[...chosen.keys()].indexOf(itemType)].focus();
      } }, "−"));
  }));
}

/** A random key. `crypto.randomUUID` exists on https and localhost alone. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function place(event) {
  event.preventDefault();
  if (!chosen.size) return complain("Choose something from the menu first.");
  complain("");
  const items = [...chosen].flatMap(([itemType, count]) => Array(count).fill({ itemType }));
  const body = { commandType: 0, orderSource: 0, location: 0, loyaltyMemberId: $("customer").value, items };
  key ??= newKey();
  $("place").disabled = true;
  try {
    const response = await insist("POST", "/v1/api/orders", { body, headers: { "idempotency-key": key } });
    const order = await response.json();
    sessionStorage.setItem("customer", body.loyaltyMemberId);
    chosen.clear();
    key = null;
    drawBasket();
    watch(order);
    $("placed-title").focus();
  } catch (error) {
    complain(`The order was not placed. ${error.message}`);
  } finally {
    $("place").disabled = false;
  }
}

// The placed order, live

let watching = null;

function watch(order) {
  watching?.abort();
  watching = new AbortController();
  $("placed").hidden = false;
  let last = null;
  const take = (now) => {
    drawPlaced(now);
    if (now.status !== last) say(outcome(now));
    last = now.status;
    if (now.status === "FAILED") loadMenu();
    return isOver(now);
  };
  take(order);
  follow(`/v1/api/orders/${order.id}/events`, take, watching.signal);
}

function outcome(order) {
  if (order.status === "FULFILLED") return "Your order is ready.";
  if (order.status === "FAILED") return "Sorry, not everything could be made.";
  return order.status === "PLACED" ? "Your order was placed." : "Your order is being made.";
}

function drawPlaced(order) {
  $("placed-title").textContent = outcome(order);
  const reached = ["PLACED", "IN_PROGRESS", "FULFILLED"].indexOf(order.status);
  const steps = ["Placed", "In progress", order.status === "FAILED" ? "Failed" : "Fulfilled"];
  $("progress").replaceChildren(
    h("ol", { className: "steps", "aria-label": "Progress" }, ...steps.map((step, n) =>
      h("li", { className: isOver(order) ? (order.status === "FAILED" ? "lost" : "done") : n <= reached ? "done" : "" }, step))),
    receipt(order),
  );
}

function receipt(order) {
  return h("div", { className: "receipt", "data-order": order.id },
    h("ul", { "aria-label": "Receipt" }, ...order.items.map((item) =>
      h("li", {},
        h("span", {}, words(item.name)),
        h("span", {}, money(item.price)),
        h("span", { className: `status ${item.status}` }, words(item.status)),
        item.reason ? h("p", { className: "reason" }, words(item.reason)) : null)),
    h("li", { className: "total" }, h("span", {}, "Total"), h("span", {}, money(order.total)),
      h("span", { className: `status ${order.status}` }, words(order.status)))),
    h("p", { className: "small" }, `For ${order.loyaltyMemberId} · ${clock(order.placedAt)}${isOver(order) ? ` – ${clock(order.updatedAt)}` : ""} · order ${order.id}`));
}

// A customer's orders

let cursor = null;

async function findMine(more) {
  const who = $("who").value;
  if (!who) return;
  const query = new URLSearchParams({ loyaltyMemberId: who, ...(more ? { cursor } : {}) });
  try {
    const page = await (await insist("GET", `/v1/api/orders?${query}`)).json();
    complain("");
    sessionStorage.setItem("customer", who);
    cursor = page.next;
    $("more").hidden = cursor === null;
    const tickets = page.orders.map((order) => h("li", { className: "card ticket" }, receipt(order)));
    if (more) $("mine").append(...tickets);
    else $("mine").replaceChildren(...tickets);
    if (!more) say(`${page.orders.length} orders of ${who}`);
    if (!page.orders.length) complain(`There are no orders of ${who}.`);
    if (!more && page.orders.some((order) => !isOver(order))) again = setTimeout(findMine, 1500);
  } catch (error) {
    complain(error.message);
  }
}

// The board

const COLUMNS = ["PLACED", "IN_PROGRESS", "FULFILLED", "FAILED"];
const BOARD = 60;

function drawBoard(page) {
  $("board-note").textContent = page.orders.length ? `Newest first, as they change: ${page.orders.length} shown.` : "No orders yet.";
  $("board").replaceChildren(...COLUMNS.map((status) => {
    const orders = page.orders.filter((order) => order.status === status);
    return h("section", { "aria-labelledby": `column-${status}` },
      h("h3", { id: `column-${status}`, className: status }, h("span", {}, words(status)), h("span", {}, `${orders.length}`)),
      h("ul", { className: "tickets" }, ...orders.map((order) => h("li", { className: "card ticket" },
        h("p", { className: "who" }, h("span", {}, order.loyaltyMemberId), h("span", {}, clock(order.placedAt))),
        h("p", {}, order.items.map((item) => words(item.name)).join(", ")),
        ...order.items.filter((item) => item.reason).map((item) => h("p", { className: "reason" }, words(item.reason)))))));
  }));
}

// The station view

function drawStations() {
  const stations = [...new Set(menu.map((item) => item.station))];
  $("stations").replaceChildren(...stations.map((station) =>
    h("section", { className: "card", "aria-labelledby": `station-${station}` },
      h("h3", { id: `station-${station}` }, words(station.toUpperCase())),
      h("ul", {}, ...menu.filter((item) => item.station === station).map((item) => h("li", {},
        h("span", { id: `name-${item.itemType}` }, words(item.name)),
        h("button", {
          type: "button", className: "switch", id: `switch-${item.itemType}`, role: "switch",
          "aria-checked": String(item.available !== false), "aria-labelledby": `name-${item.itemType}`,
          onclick: () => turn(item),
        }, item.available === false ? "Sold out" : item.available === null ? "Not known" : "On the menu")))))));
}

async function turn(item) {
  const method = item.available === false ? "DELETE" : "PUT";
  try {
    await insist(method, `/v1/api/menu/${item.itemType}/unavailable`, { kind: "staff" });
    complain("");
    say(`${words(item.name)} is ${method === "PUT" ? "sold out" : "on the menu"}`);
  } catch (error) {
    complain(error.message);
  }
  await loadMenu();
  $(`switch-${item.itemType}`)?.focus();
}

// Views

const VIEWS = ["order", "mine", "board", "station"];
let showing = null;
let again = 0;

function show() {
  const view = VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "order";
  showing?.abort();
  showing = new AbortController();
  clearTimeout(again);
  for (const each of VIEWS) $(`view-${each}`).hidden = each !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${document.querySelector("nav a[aria-current]").textContent} · Coffeeshop`;
  const customer = sessionStorage.getItem("customer") ?? "";
  if (view === "order" && !$("customer").value) $("customer").value = customer;
  if (view === "mine") {
    if (!$("who").value) $("who").value = customer;
    findMine();
  }
  if (view === "board") follow(`/v1/api/fulfillment-orders/events?limit=${BOARD}`, drawBoard, showing.signal);
  if (view === "station" || view === "order") loadMenu();
}

$("basket").addEventListener("submit", place);
$("find").addEventListener("submit", (event) => { event.preventDefault(); findMine(); });
$("more").addEventListener("click", () => findMine(true));
addEventListener("hashchange", () => { if (location.hash !== "#main") show(); });
show();
