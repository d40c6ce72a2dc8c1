// The chat: a conversation on the left, and for the chosen turn why it went as it did.

import { get, post, turn } from "./api.js";
import { h } from "./dom.js";
import { reasons, steps } from "./why.js";
import { seconds, sentence, toTurn } from "./words.js";

const part = (id) => document.getElementById(id);
const state = { about: null, session: null, busy: false, chosen: null };

export async function open(_, __, about) {
  const first = state.about === null;
  if (about === null) return say("fault", "The server cannot answer. Reload the page to try again.");
  state.about = about;
  part("message").maxLength = about.message_characters;
  part("message").focus();
  if (!first) return;
  part("fields").replaceChildren(...about.facts.map(field));
  await attempt(async () => {
    const kept = sessionStorage.getItem("session");
    if (kept) await resume(kept).catch(() => begin({}));
    else await begin({});
  });
}

async function begin(facts) {
  state.session = null; // nothing typed meanwhile goes to the conversation before
  const session = await post("/sessions", { facts });
  state.session = session.id;
  sessionStorage.setItem("session", session.id);
  welcome();
}

function welcome() {
  part("log").replaceChildren(h("div.welcome", h("strong", state.about.agent), h("span", state.about.description),
    h("span", "Ask something. Next to each reply stands why it was given.")));
  part("reasons").replaceChildren(h("p.quiet", "After each reply: which guidelines were in force and why, which were not, what tools did, how the reply was checked."));
  part("message").focus();
}

function show(kind, ...content) {
  const entry = h(`div.${kind}`, content);
  part("log").querySelector(".welcome")?.remove();
  part("log").append(entry);
  down();
  return entry;
}

const down = () => { part("log").scrollTop = part("log").scrollHeight; };
const say = (role, text) => show(role, h("div.bubble", text));

function reply(text, trace) {
  const button = h("button.plain", { type: "button", "aria-pressed": "false", click: () => choose(button, trace, true) }, "Why?");
  const time = h("span", seconds(trace.seconds));
  const handed = trace.handed_to ? h("span", `handed to ${trace.handed_to}`) : null;
  const inspect = h("a", { href: toTurn(trace.session, trace.turn), title: `Turn ${trace.turn} in the inspector` }, "Inspect");
  const superseded = trace.notes.some((note) => note.startsWith("a newer message came"));
  const silent = superseded ? "Answered together with the next message." : "A human colleague answers now.";
  show(text === null ? "aside" : "agent", text === null ? silent : h("div.bubble", text), h("div.meta", button, inspect, time, handed));
  choose(button, trace, false);
}

function choose(button, trace, open) {
  state.chosen?.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-pressed", "true");
  state.chosen = button;
  part("reasons").replaceChildren(...reasons(trace));
  part("why").scrollTop = 0;
  if (open) {
    part("why").classList.add("open");
    if (getComputedStyle(part("close")).display !== "none") part("close").focus();
  }
}

function close() {
  if (!part("why").classList.contains("open")) return;
  part("why").classList.remove("open");
  state.chosen?.focus();
}

async function send(message) {
  say("customer", message);
  const working = new Working();
  busy(true);
  try {
    const done = await turn(state.session, message, (step) => working.step(step), (piece) => working.text(piece));
    working.end();
    reply(done.reply, done.trace);
  } catch (error) {
    working.end();
    if (working.bubble.textContent) say("agent", working.bubble.textContent); // it was said, and is kept
    say("fault", sentence(error.message));
  } finally {
    busy(false);
  }
}

// The entry of a turn that runs: what it does now and for how long, and the reply as far as it has come.
class Working {
  constructor() {
    this.now = h("span", "Reading");
    this.clock = h("span.quiet");
    this.bubble = h("div.bubble", { hidden: true });
    this.entry = show("agent", this.bubble, h("div.work", h("span.pulse"), this.now, this.clock));
    this.list = [];
    const start = performance.now();
    this.ticking = setInterval(() => { this.clock.textContent = seconds((performance.now() - start) / 1000); }, 200);
  }

  step(step) {
    this.list.push(step);
    if (step.seconds === null) this.now.textContent = step.detail ? `${step.name}: ${step.detail}` : step.name;
    part("reasons").replaceChildren(h("p.quiet", "Working on it."), ...[steps(this.list)].filter(Boolean));
  }

  text(piece) {
    this.bubble.hidden = false;
    this.bubble.append(piece);
    down();
  }

  end() {
    clearInterval(this.ticking);
    this.entry.remove();
  }
}

function busy(is) {
  state.busy = is;
  part("send").disabled = is;
  part("renew").disabled = is;
  if (!is && !part("chat").hidden) part("message").focus();
}

async function resume(id) {
  const session = await get(`/sessions/${encodeURIComponent(id)}`);
  state.session = session.id;
  welcome();
  const traces = await Promise.all(session.traces.slice(-EARLIER).map((trace) => get(`/v1/traces/${encodeURIComponent(trace)}`)));
  if (session.traces.length > EARLIER) show("aside", h("a", { href: toTurn(id, 1) }, `${session.traces.length - EARLIER} earlier turns are in the inspector.`));
  if (!traces.length) session.conversation.filter((each) => each.role !== "tool").forEach((each) => say(each.role, each.text));
  for (const trace of traces) {
    if (trace.message !== null) say("customer", trace.message);
    reply(trace.reply, trace);
  }
}

const EARLIER = 30; // turns that are shown again after a reload

function field(fact) {
  return h("label", fact.name, fact.kind === "enum" ? choice(fact) : input(fact));
}

const choice = (fact) =>
  h("select", { name: fact.name }, [fact.default === null && h("option", { value: "" }, "not known"),
    ...fact.values.map((value) => h("option", { value, selected: value === fact.default }, value))]);

function input(fact) {
  if (fact.kind === "bool") return choice({ ...fact, values: ["true", "false"], default: fact.default === null ? null : String(fact.default) });
  return h("input", { name: fact.name, type: fact.kind === "number" ? "number" : "text", value: fact.default === null ? "" : String(fact.default) });
}

function chosenFacts() {
  const given = new FormData(part("facts-form"));
  const read = { bool: (text) => text === "true", number: Number };
  return Object.fromEntries(state.about.facts.map((fact) => [fact, given.get(fact.name) ?? ""]).filter(([, text]) => text !== "")
    .map(([fact, text]) => [fact.name, (read[fact.kind] ?? String)(text)]));
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const message = part("message").value.trim();
  if (!message || state.busy || !state.session) return;
  part("message").value = "";
  grow();
  send(message);
});
part("message").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part("form").requestSubmit();
});
const grow = () => {
  part("message").style.height = "auto";
  part("message").style.height = `${Math.min(part("message").scrollHeight + 2, 144)}px`;
};
part("message").addEventListener("input", grow);
part("close").addEventListener("click", close);
document.addEventListener("keydown", (event) => event.key === "Escape" && close());
part("renew").addEventListener("click", () => (state.about?.facts.length ? part("facts").showModal() : attempt(() => begin({}))));
part("facts").addEventListener("close", () => part("facts").returnValue === "start" && attempt(() => begin(chosenFacts())));

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say("fault", sentence(error.message));
  }
}
