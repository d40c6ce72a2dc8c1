// One turn's trace, for people: what was done and how long it took, what is in force, what is not, and why.

import { h } from "./dom.js";
import { REASONS, SOURCES, count, percent, seconds, sentence, shown, verdict } from "./words.js";

export function reasons(trace) {
  const last = trace.rounds.at(-1);
  return [
    h("p.quiet", `Turn ${trace.turn}, ${seconds(trace.seconds)}. Judged by ${trace.judge}.`),
    trace.unproved && h("p.card.stop", "This policy runs unproved."),
    ...conflicts(trace).map((text) => h("p.card.stop", `Conflict at run time: ${text}`)),
    section("In force", (last?.in_force ?? []).map((held) => inForce(held, last))),
    section("Not in force", (last?.dropped ?? []).map(dropped)),
    section("Left open", (last?.possible ?? []).map(open)),
    section("Tools", trace.calls.map(call)),
    section("Decided", decided(trace)),
    section("Reply", [...trace.drafts.map(draft), trace.reply && h("li.quiet", sentence(SOURCES[trace.reply_source] ?? trace.reply_source))]),
    judgements(trace),
    section("Notes", notes(trace).map((text) => h("li.quiet", text))),
    steps(trace.steps, trace.seconds),
    h("details", h("summary", "The whole trace"), h("pre", JSON.stringify(trace, null, 2))),
  ].filter(Boolean);
}

export function steps(list, total) {
  const ended = list.filter((step) => step.seconds !== null);
  if (!ended.length) return null;
  const longest = Math.max(total ?? 0, ...ended.map((step) => step.seconds)) || 1;
  const rows = ended.map((step) =>
    h("li", h("span.name", { title: step.detail }, step.name, h("span.quiet", ` ${step.detail}`)),
      h("progress", { max: longest, value: step.seconds, "aria-hidden": "true" }), h("span.time", seconds(step.seconds))));
  return h("section", h("h3", "Time"), h("ul.steps", rows));
}

export function section(title, items) {
  const shown_ = items.filter(Boolean);
  return shown_.length ? h("section", h("h3", title), h("ul", shown_)) : null;
}

export const conflicts = (trace) => [...new Set(trace.rounds.flatMap((round) => round.conflicts))];

const VERBS = {
  instruct: (text) => text, call: (text) => `Call ${text}`, offer: (text) => `${text} may be called`, forbid: (text) => `Forbid the ${text}`,
  decide: (text) => `Decide ${text}`, reply: (text) => `Reply with ${text}, to the letter`, hand_off: (text) => `Hand off to ${text}`,
};

export const action = (each) => h("p.does", `→ ${(VERBS[each.kind] ?? String)(each.text)}`, each.because === "certain" ? null : h("span.chip", each.because));

function inForce(held, round) {
  const actions = round.actions.filter((each) => each.guideline === held.id);
  return h("li.card.go", h("p", h("b", held.id), h("span.chip", held.kind)),
    actions.map(action),
    known(held.known),
    held.entailed_by.length ? h("p.quiet", `Entailed by ${held.entailed_by.join(", ")}`) : null,
    !held.known.length && !held.entailed_by.length ? h("p.quiet", "It has no condition of its own.") : null);
}

const dropped = (drop) =>
  h("li.card.stop", h("p", h("b", drop.id)), h("p.quiet", `because it ${REASONS[drop.reason] ?? drop.reason} `, drop.by.map((by) => h("code", by))));

const open = (each) => h("li.card.wait", h("p", h("b", each.id), h("span.chip", "possible")), known(each.unknown));

function known(list) {
  return list.length
    ? h("div.known", list.map((each) =>
        h("span", h("code", each.key), ` ${shown(each.value)}`, h("span.chip", each.source, each.probability === null ? null : ` ${percent(each.probability)}`))))
    : null;
}

export function call(each) {
  const good = each.status === "succeeded";
  const given = Object.entries(each.arguments).map(([name, value]) => `${name}: ${shown(value)}`).join(", ");
  const written = Object.entries(each.provided).map(([name, value]) => `${name} = ${shown(value)}`);
  return h(`li.card.${good ? "go" : "stop"}`,
    h("p", h("b", each.tool), h(`span.chip.${good ? "go" : "stop"}`, each.status), h("span.chip", seconds(each.seconds))),
    h("p", h("code", `${each.tool}(${given})`)),
    each.reason && h("p", sentence(each.reason)),
    each.missing.length ? h("p", `Missing: ${each.missing.join(", ")}`) : null,
    each.message && h("p.quiet", each.message),
    written.length ? h("details", h("summary", `${count(written.length, "fact")} learnt`), written.map((text) => h("p", h("code", text)))) : null,
    h("p.quiet", `For ${each.guidelines.join(", ")}`));
}

export function decided(trace) {
  const items = Object.entries(trace.decisions).map(([name, value]) => h("li", h("code", name), ` is ${shown(value)}`));
  if (trace.handed_to) items.push(h("li.card.go", h("p", "Handed off to ", h("b", trace.handed_to))));
  return items;
}

function draft(each) {
  const bad = each.faults.length > 0;
  return h(`li.card.${bad ? "stop" : "go"}`, h("p", h("b", `Draft ${each.attempt}`), h(`span.chip.${bad ? "stop" : "go"}`, bad ? "rejected" : "passed")),
    each.faults.map((fault) => h("p", sentence(fault))), bad ? h("p.quiet", each.text) : null,
    each.checks.length ? h("details", h("summary", `${each.checks.length} checks`), rows(each.checks)) : null);
}

// The observations that nothing hung on, so that they were not asked.
export function unasked(trace) {
  const saved = new Set(trace.rounds.flatMap((round) => [...round.settled, ...round.not_needed]));
  trace.rounds.flatMap((round) => round.asked).forEach((each) => saved.delete(each.observation));
  return [...saved];
}

function judgements(trace) {
  const asked = trace.rounds.flatMap((round) => round.asked);
  const saved = unasked(trace);
  if (!asked.length && !saved.length) return null;
  return h("section", h("h3", "What the model judged"), rows(asked),
    saved.length ? h("p.quiet", `Not asked, for nothing hangs on it: ${saved.join(", ")}`) : null);
}

const rows = (list) =>
  h("div.judged", list.flatMap((each) => [
    h("span", each.text), each.probability === null ? h("span") : h("progress", { max: 1, value: each.probability, "aria-hidden": "true" }),
    h("span.value", verdict(each.truth), each.probability === null ? null : ` ${percent(each.probability)}`),
  ]));

export function notes(trace) {
  const rounds = trace.rounds.flatMap((round) => [
    ...round.notes,
    ...round.violated.map((axiom) => `What was judged contradicts the axiom ${axiom}`),
    ...round.clarifications.map((targets) => `The customer is asked which is meant: ${targets.join(", ")}`),
  ]);
  return [...new Set([...trace.notes, ...rounds])].map(sentence);
}
