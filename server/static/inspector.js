// The inspector: conversations, the turns of one, and one turn with all that explains it.

import { get, isRefusal, path } from "./api.js";
import { h } from "./dom.js";
import { empty, into, put } from "./state.js";
import { turnView } from "./turn.js";
import { count, person, seconds, toConversation, toTurn, when } from "./words.js";

const state = { session: null, turns: [], search: "", frame: null };

export async function open(root, [session, turn]) {
  state.frame ??= frame(root);
  const { list, line, detail } = state.frame;
  root.dataset.level = turn ? "turn" : session ? "conversation" : "list";
  mark(list, session);
  state.turn = turn;
  const here = (state.at = {}); // another, once one has gone on
  const opened = session !== undefined && session !== state.session;
  if (!state.listed || (!session && !turn)) conversations();
  if (!session) {
    state.session = null;
    put(line, empty("No conversation chosen", h("p", "Choose one from the list to see its turns.")));
    return put(detail);
  }
  const number = turn === undefined ? null : Number(turn);
  const listing = opened || number === null || !state.turns.includes(number) ? timeline(session, number) : null;
  if (turn === undefined) {
    await listing;
    if (state.at === here) put(detail, empty("No turn chosen", h("p", "Choose a turn to see why the reply was given, and why another guideline was not followed.")));
    return;
  }
  const asked = get(`/pages/turns/${encodeURIComponent(`${session}-${turn}`)}`);
  asked.catch(() => {}); // said below
  await listing;
  mark(line, turn);
  const whole = await into(detail, () => asked, (found) => turnView(found, state.turns));
  detail.scrollTop = 0;
  if (whole) detail.querySelector("h2")?.focus({ preventScroll: false });
  performance.mark("turn-shown"); // for whoever measures
}

function frame(root) {
  const search = h("input", { id: "search", type: "search", placeholder: "Id or customer", autocomplete: "off", spellcheck: "false" });
  const list = h("div.scroll");
  const line = h("section.column.line", { "aria-label": "Turns" });
  const detail = h("section.column.detail", { "aria-label": "Turn" });
  search.addEventListener("input", later(() => { state.search = search.value; conversations(); }, 250));
  const by = h("form.find", { submit: (event) => { event.preventDefault(); if (search.value.trim()) location.hash = toConversation(search.value.trim()); } },
    h("label.away", { for: "search" }, "Search conversations by id or customer; Enter opens the one with exactly this id"), search);
  root.replaceChildren(h("section.column.list", { "aria-label": "Conversations" }, h("h2", "Conversations"), by, list), line, detail);
  return { list, line, detail };
}

function later(work, milliseconds) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(work, milliseconds);
  };
}

// Marks the link whose conversation or turn is shown.
function mark(place, key) {
  for (const link of place.querySelectorAll("a[data-key]")) {
    if (link.dataset.key === key) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function conversations() {
  state.listed = true;
  const { list } = state.frame;
  await into(list, () => get(path("/pages/conversations", { search: state.search })).catch(own), (found) => (found.conversations.length ? [h("ul.rows", found.conversations.map(conversation)), more(found), found.limited ? limited() : null] : none()));
  mark(list, state.session);
}

// Who may not see everybody's conversations sees the one of this tab.
function own(error) {
  const session = sessionStorage.getItem("session");
  if (!isRefusal(error) || !session) throw error;
  return { conversations: [{ id: session, customer: {}, mode: "auto", ended: false, turns: null, updated: null }], before: null, limited: true };
}

const none = () => (state.search
  ? empty("Nothing found", h("p", "No id and nothing that is known of a customer has this text in it. Enter opens the conversation with exactly this id."))
  : empty("No conversations yet", h("p", "Write to the agent in the ", h("a", { href: "#/" }, "chat"), ". Each conversation then stands here.")));

const limited = () => h("div.state", h("p.quiet", "Those of others are shown to whoever has a key or token with the scope ", h("code", "sessions"), "."),
  h("button.plain", { type: "button", click: () => document.dispatchEvent(new CustomEvent("sign-in")) }, "Sign in"));

function more(found) {
  if (found.before === null) return null;
  const button = h("button.plain", { type: "button", click: async () => {
    button.disabled = true;
    const next = await get(path("/pages/conversations", { search: state.search, before: found.before }));
    button.previousElementSibling.append(...next.conversations.map(conversation));
    button.replaceWith(...[more(next)].filter(Boolean));
  } }, "Earlier conversations");
  return button;
}

function conversation(each) {
  return h("li", h("a.row-link", { href: toConversation(each.id), "data-key": each.id },
    h("span.top", h("b", person(each.customer)), each.mode === "manual" ? h("span.chip.wait", "with a human") : null, each.ended ? h("span.chip", "ended") : null),
    each.updated === null ? h("span.quiet", "The one in the chat") : h("span.quiet", when(each.updated), `, ${count(each.turns, "turn")}`), h("code.id.clip", each.id)));
}

async function timeline(session, around) {
  const { line } = state.frame;
  const found = await into(line, () => get(path(`/pages/conversations/${encodeURIComponent(session)}`, { around })), turnsOf);
  state.session = found ? session : null;
  state.turns = found ? found.turns.map((each) => each.turn) : [];
  mark(state.frame.list, session);
  mark(line, state.turn);
}

function turnsOf(found) {
  const head = [
    h("div.bar", h("h2", { tabindex: "-1" }, person(found.customer)), h("a.button.plain.back", { href: "#/inspector" }, "All conversations")),
    h("p.quiet", h("code.id", found.id), " began ", when(found.created), `. ${count(found.total, "turn")}.`, found.mode === "manual" ? " A human answers now." : "", found.running ? " A turn is under way." : ""),
    h("details", h("summary", "What is known of the customer"), h("dl.pairs", Object.entries(found.customer).flatMap(([name, value]) => [h("dt", name), h("dd", value)])), Object.keys(found.customer).length ? null : h("p.quiet", "Nothing: a guest.")),
  ];
  if (!found.turns.length) return [...head, empty("No turns yet", h("p", "The customer has not written anything."))];
  const items = h("ol.rows.turns", found.turns.map((each) => turnLine(found.id, each)));
  return [...head, pager(found), items, pager(found)];
}

// Turns come in pages; each page is an address of its own, that of its first turn's page.
function pager(found) {
  const [first, last] = [found.turns[0].turn, found.turns.at(-1).turn];
  if (first === found.first && last === found.last) return null;
  const go = (turn) => async () => {
    await timeline(found.id, turn);
    state.frame.line.querySelector("h2")?.focus();
  };
  const jump = h("input", { type: "number", min: String(found.first), max: String(found.last), placeholder: "Turn", "aria-label": "Go to the turn with this number" });
  return h("div.pager", h("button.plain", { type: "button", disabled: first === found.first, click: go(first - 1) }, "Earlier"),
    h("span.quiet", `${first} to ${last} of ${found.last}`),
    h("form", { submit: (event) => { event.preventDefault(); if (jump.value) location.hash = toTurn(found.id, jump.value); } }, jump),
    h("button.plain", { type: "button", disabled: last === found.last, click: go(last + 1) }, "Later"));
}

const LOOKS = { succeeded: "go", waiting: "wait", missing: "wait" };

function turnLine(session, each) {
  const marks = [
    ...each.calls.map((call) => h(`span.chip.${LOOKS[call.status] ?? "stop"}`, call.status === "succeeded" ? call.tool : `${call.tool} ${call.status}`)),
    each.conflicts ? h("span.chip.stop", "conflict") : null,
    each.rejected ? h("span.chip.stop", count(each.rejected, "draft rejected", "drafts rejected")) : null,
    each.reply_source === "safe" ? h("span.chip.stop", "safe reply") : null,
    each.handed_to ? h("span.chip.wait", `to ${each.handed_to}`) : null,
    each.possible ? h("span.chip.wait", `${each.possible} left open`) : null,
    each.unproved ? h("span.chip.stop", "unproved") : null,
  ];
  return h("li", h("a.row-link", { href: toTurn(session, each.turn), "data-key": String(each.turn) },
    h("span.top", h("span.number", String(each.turn)), h("b.clip", each.message ?? `event ${each.event}`), h("span.quiet.time", seconds(each.seconds))),
    h("span.clip.reply", each.reply ?? "No reply"),
    h("span.clip.quiet", each.in_force.length ? each.in_force.join(", ") : "nothing in force"), h("span.chips", marks)));
}
