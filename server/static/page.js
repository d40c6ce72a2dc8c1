// The page: a conversation on the left, and for the chosen turn why it went as it did.

import { get, post, turn } from "./api.js";
import { h } from "./dom.js";
import { reasons, seconds, steps } from "./why.js";

const part = (id) => document.getElementById(id);
const state = { about: null, session: null, busy: false, chosen: null };

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
  part("log").scrollTop = part("log").scrollHeight;
  return entry;
}

const say = (role, text) => show(role, h("div.bubble", text));

function reply(text, trace) {
  const button = h("button.plain", { type: "button", "aria-pressed": "false", click: () => choose(button, trace, true) }, "Why?");
  const time = h("span", seconds(trace.seconds));
  const handed = trace.handed_to ? h("span", `handed to ${trace.handed_to}`) : null;
  const superseded = trace.notes.some((note) => note.startsWith("a newer message came"));
  const silent = superseded ? "Answered together with the next message." : "A human colleague answers now.";
  show(text === null ? "aside" : "agent", text === null ? silent : h("div.bubble", text), h("div.meta", button, time, handed));
  choose(button, trace, false);
}

function choose(button, trace, open) {
  state.chosen?.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-pressed", "true");
  state.chosen = button;
  part("reasons").replaceChildren(...reasons(trace, state.about));
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
  const now = h("span", "Reading");
  const clock = h("span.quiet");
  const working = show("agent", h("div.work", h("span.pulse"), now, clock));
  const list = [];
  const start = performance.now();
  const ticking = setInterval(() => { clock.textContent = seconds((performance.now() - start) / 1000); }, 200);
  busy(true);
  try {
    const done = await turn(state.session, message, (step) => {
      list.push(step);
      if (step.seconds === null) now.textContent = step.detail ? `${step.name}: ${step.detail}` : step.name;
      part("reasons").replaceChildren(h("p.quiet", "Working on it."), ...[steps(list)].filter(Boolean));
    });
    working.remove();
    reply(done.reply, done.trace);
  } catch (error) {
    working.remove();
    say("fault", error.message);
  } finally {
    clearInterval(ticking);
    busy(false);
  }
}

function busy(is) {
  state.busy = is;
  part("send").disabled = is;
  part("renew").disabled = is;
  if (!is) part("message").focus();
}

async function resume(id) {
  const session = await get(`/sessions/${id}`);
  state.session = session.id;
  welcome();
  const traces = await Promise.all(session.traces.map((trace) => get(`/traces/${trace}`)));
  const unexplained = session.conversation.filter((each) => each.role !== "tool").slice();
  if (!traces.length) unexplained.forEach((each) => say(each.role, each.text));
  for (const trace of traces) {
    if (trace.message !== null) say("customer", trace.message);
    reply(trace.reply, trace);
  }
}

function introduce(about) {
  state.about = about;
  document.title = about.agent;
  part("agent").textContent = about.agent;
  const proved = about.status === "passed" ? "proved free of conflict" : "nothing to prove";
  part("proof").title = `${about.obligations} obligations, digest ${about.digest}`;
  part("proof").textContent = `${about.guidelines} guidelines, ${about.proved ? proved : "not proved"}`;
  if (!about.proved) {
    part("banner").textContent = `Unproved: this policy did not pass its check (${about.findings.length} findings). Do not put it before customers.`;
    part("banner").hidden = false;
    document.body.classList.add("unproved");
  }
  part("message").maxLength = about.message_characters;
  part("fields").replaceChildren(...about.facts.map(field));
}

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
part("renew").addEventListener("click", () => (state.about.facts.length ? part("facts").showModal() : attempt(() => begin({}))));
part("facts").addEventListener("close", () => part("facts").returnValue === "start" && attempt(() => begin(chosenFacts())));

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say("fault", error.message);
  }
}

await attempt(async () => {
  introduce(await get("/about"));
  const kept = sessionStorage.getItem("session");
  if (kept) await resume(kept).catch(() => begin({}));
  else await begin({});
});
