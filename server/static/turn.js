// One turn in the inspector: why the reply was given, why another guideline was not followed, and all that happened.

import { get, path } from "./api.js";
import { h } from "./dom.js";
import { gauges, legend } from "./gauge.js";
import { into, put } from "./state.js";
import { action, conflicts, decided, notes, unasked } from "./why.js";
import { REASONS, SOURCES, count, marked, percent, seconds, sentence, shown, toConversation, toEntity, toTurn, toVersion, verdict } from "./words.js";

// `turns` are the numbers around it, to go on from one to the next.
export function turnView(whole, turns) {
  const { trace } = whole;
  const at = new Look(whole);
  const last = trace.rounds.at(-1);
  return h("article.turn",
    head(whole, turns),
    trace.unproved && h("p.card.stop", "This policy ran unproved."),
    conflicts(trace).map((text) => h("p.card.stop", "Conflict at run time: ", at.marked(text))),
    said(trace),
    part("Why this reply", last ? "Guidelines in force, and what put them there." : null, list((last?.in_force ?? []).map((each) => at.held(each, last)),
      last ? "No guideline was in force; the agent answered from its description alone." : "Nothing was decided in this turn; the notes below say why.")),
    part("Why not another?", null, whyNot(whole, at)),
    part("Triggered, but not in force", "Their condition held, and something stood in the way.", list((last?.dropped ?? []).map((each) => at.dropped(each)))),
    part("Left open", "Something was unknown, so these did nothing but forbid.", list((last?.possible ?? []).map((each) => at.open(each)))),
    part("What the model was asked", null, judged(whole)),
    part("Tool calls", null, list(trace.calls.map((each) => at.call(each)))),
    part("Drafts of the reply", null, list(trace.drafts.map((each) => draft(each, whole.bands)))),
    part("Decided and handed on", null, list(decided(trace))),
    part("Facts and variables", "At the end of the turn.", variables(trace)),
    part("Time", null, time(trace)),
    part("Notes", null, notes(trace).length ? h("ul.because", notes(trace).map((text) => h("li", at.marked(text)))) : null),
    rounds(trace, at),
    h("details.raw", h("summary", "The whole trace"), h("pre", { tabindex: "0" }, JSON.stringify(trace, null, 2))));
}

function part(title, remark, content) {
  return content ? h("section", h("h3", title), remark ? h("p.quiet", remark) : null, content) : null;
}

const list = (items, otherwise = null) => (items.length ? h("ul.cards", items) : otherwise ? h("p.quiet", otherwise) : null);

function head({ trace, version, current }, turns) {
  const place = turns.indexOf(trace.turn);
  const step = (number, words, sign) => (number === undefined ? h("span.button.plain.off", { "aria-hidden": "true" }, sign)
    : h("a.button.plain", { href: toTurn(trace.session, number), "aria-label": words }, sign));
  const policy = version === null ? "a version that is not kept here" : current ? `version ${version}, in effect` : `version ${version}, replaced since`;
  return [
    h("div.bar", h("h2", { tabindex: "-1" }, `Turn ${trace.turn}`),
      h("div.row", h("a.button.plain.back", { href: toConversation(trace.session) }, "All turns"), step(turns[place - 1], "Earlier turn", "←"), step(turns[place + 1], "Later turn", "→"))),
    h("p.quiet", `${seconds(trace.seconds)}, judged by ${trace.judge}, under `,
      version === null ? policy : h("a", { href: toVersion(version) }, policy), "."),
  ];
}

function said(trace) {
  const asked = trace.message !== null ? h("div.bubble", trace.message) : h("p.quiet", `No message: the event ${trace.event}.`);
  const source = trace.reply === null ? "No reply was sent." : sentence(SOURCES[trace.reply_source] ?? trace.reply_source);
  return h("div.said", h("div.customer", h("span.away", "The customer: "), asked),
    h("div.agent", trace.reply === null ? null : [h("span.away", "The agent: "), h("div.bubble", trace.reply)], h("span.quiet", source)));
}

// How things of one turn are shown: with its policy's names as links, and its statements in words.
class Look {
  constructor({ trace, current, entities, statements }) {
    this.entities = new Set(entities);
    this.statements = statements;
    this.digest = current ? null : trace.policy;
    this.link = (id) => (this.entities.has(id) ? toEntity(id, this.digest) : null);
  }

  name = (id) => (this.link(id) ? h("a.name", { href: this.link(id), title: "Its place in the policy" }, id) : h("b.name", id));
  names = (ids) => ids.flatMap((id, place) => [place ? ", " : "", this.name(id)]);
  marked = (text) => marked(text, this.link);

  known(each) {
    const statement = this.statements[each.key];
    const source = each.source === "judged" ? null : each.source;
    const call = typeof each.value === "boolean" ? CALL.exec(each.key) : null;
    if (call) return h("li", happened(call, each.value), h("span.chip", source));
    const value = statement ? verdict(each.value) : shown(each.value);
    return h("li", statement ? h("span", `“${statement}” `) : h("code", each.key), h("b", statement ? value : ` ${value}`),
      each.probability === null ? null : ` ${percent(each.probability)}`, source ? h("span.chip", source) : null);
  }

  because(items) {
    return items.length ? h("ul.because", items.map((each) => this.known(each))) : null;
  }

  held(each, round) {
    const actions = round.actions.filter((action) => action.guideline === each.id);
    const nothing = !each.known.length && !each.entailed_by.length;
    return h("li.card.go", h("p", this.name(each.id), each.kind === "guideline" ? null : h("span.chip", each.kind)),
      actions.map(action), this.because(each.known),
      each.entailed_by.length ? h("p.quiet", "Entailed by ", this.names(each.entailed_by)) : null,
      nothing ? h("p.quiet", "It has no condition: it is always in force.") : null);
  }

  dropped(each) {
    return h("li.card.stop", h("p", this.name(each.id)), h("p", `It ${REASONS[each.reason] ?? each.reason} `, this.names(each.by), "."));
  }

  open(each) {
    return h("li.card.wait", h("p", this.name(each.id)), this.because(each.unknown) ?? h("p.quiet", "What it hangs on was left open."));
  }

  call(each) {
    const kind = each.status === "succeeded" ? "go" : each.status === "waiting" || each.status === "missing" ? "wait" : "stop";
    const given = Object.entries(each.arguments).map(([name, value]) => h("li", h("code", name), ` ${shown(value)}`));
    const written = Object.entries(each.provided).map(([name, value]) => h("li", h("code", name), ` ${shown(value)}`));
    return h(`li.card.${kind}`,
      h("p", h("b.name", each.tool), h(`span.chip.${kind}`, each.status), h("span.chip", seconds(each.seconds)), each.attempts > 1 ? h("span.chip", `${each.attempts} attempts`) : null),
      h("p.quiet", "Wanted by ", this.names(each.guidelines)),
      each.reason ? h("p", this.marked(`${sentence(each.reason)}.`)) : null,
      given.length ? [h("p.quiet", "Called with"), h("ul.because", given)] : null,
      each.missing.length ? h("p", `Missing: ${each.missing.join(", ")}`) : null,
      each.message ? [h("p.quiet", "It answered"), h("p.quote", each.message)] : null,
      written.length ? h("details", h("summary", `${count(written.length, "fact")} learnt from it`), h("ul.because", written)) : null,
      each.refused_facts.length ? h("p", `Facts that it may not write were refused: ${each.refused_facts.join(", ")}`) : null);
  }
}

// `succeeded("pay")` in words.
const CALL = /^(called|succeeded|failed)\("([^"]+)"\)$/;
const CALLED = { called: ["was called", "was not called"], succeeded: ["succeeded", "did not succeed"], failed: ["failed", "did not fail"] };
const happened = ([, what, tool], truth) => (tool === "*" ? ["A tool ", CALLED[what][truth ? 0 : 1]] : [h("code", tool), " ", h("b", CALLED[what][truth ? 0 : 1])]);

const SUGGESTED = 8; // names to ask about, for who does not know what there is

function whyNot({ trace, entities }, at) {
  if (!entities.length) return h("p.quiet", "The policy that this turn ran under is not kept here, so nothing more can be said of it.");
  const input = h("input", { id: "why-not", type: "search", list: "entities", autocomplete: "off", spellcheck: "false", placeholder: "Name of a guideline", "aria-describedby": "why-not-answer" });
  const answer = h("div.answer", { id: "why-not-answer", role: "status" });
  const ask = async () => {
    const id = input.value.trim();
    if (!id) return put(answer);
    if (!at.entities.has(id)) return put(answer, h("p.quiet", `The policy has nothing that is called ${id}.`));
    await into(answer, () => get(path(`/pages/turns/${encodeURIComponent(`${trace.session}-${trace.turn}`)}/why`, { about: id })), (found) => explanation(found, at));
  };
  return h("form.ask", { submit: (event) => { event.preventDefault(); ask(); } },
    h("label", { for: "why-not" }, "Why was this one followed, or not?"),
    h("div.row", input, h("button", { type: "submit" }, "Explain")),
    h("datalist", { id: "entities" }, entities.map((id) => h("option", { value: id }))), suggested(trace, entities, (id) => { input.value = id; ask(); }), answer);
}

// What was not followed, by name, to choose from; states of journeys and what is told below anyway are left out.
function suggested(trace, entities, choose) {
  const last = trace.rounds.at(-1);
  const told = new Set([...(last?.in_force ?? []), ...(last?.dropped ?? []), ...(last?.possible ?? [])].map((each) => each.id));
  const others = entities.filter((id) => !told.has(id) && !id.includes("/"));
  if (!others.length) return null;
  const named = (ids) => ids.map((id) => h("button.plain", { type: "button", click: () => choose(id) }, id));
  const left = others.slice(SUGGESTED);
  const all = h("button.plain", { type: "button", click: () => all.replaceWith(...named(left)) }, `and ${count(left.length, "other")}`);
  return h("div.others", h("span.quiet", "Not followed:"), named(others.slice(0, SUGGESTED)), left.length ? all : null);
}

const STANDINGS = { "in force": "go", dropped: "stop", "left open": "wait", "not triggered": "", undecided: "" };

function explanation(found, at) {
  return h(`div.card.${STANDINGS[found.standing] || "idle"}`, h("p", at.name(found.id), h("span.chip", found.standing)),
    found.sentences.map((text) => h("p", at.marked(text))));
}

function judged(whole) {
  const { trace, bands } = whole;
  const saved = unasked(trace);
  const several = trace.rounds.length > 1;
  const asked = trace.rounds.flatMap((round) => round.asked.map((each) => ({ ...each, round: round.number })));
  const others = [...trace.offers, ...(trace.anew ?? [])];
  if (!asked.length && !saved.length && !others.length) return null;
  return h("div",
    asked.length ? [legend(bands), gauges(asked, bands, (each) => (several ? `round ${each.round}` : null))] : h("p.quiet", "Nothing: facts alone settled the turn."),
    others.length ? [h("p.quiet", "Besides, about tools on offer and what is done already:"), gauges(others, bands)] : null,
    saved.length ? h("details", h("summary", `Not asked, for nothing hung on it: ${saved.length}`),
      h("ul.because", saved.map((key) => h("li", whole.statements[key] ?? key)))) : null);
}

function draft(each, bands) {
  const bad = each.faults.length > 0;
  return h(`li.card.${bad ? "stop" : "go"}`, h("p", h("b", `Draft ${each.attempt}`), h(`span.chip.${bad ? "stop" : "go"}`, bad ? "rejected" : "passed")),
    each.faults.map((fault) => h("p", marked(`${sentence(fault)}.`))), bad && each.text ? h("p.quote", each.text) : null,
    each.checks.length ? h("details", h("summary", `What it was checked for: ${each.checks.length}`), gauges(each.checks, bands)) : null);
}

const KINDS = [
  ["Events and history", (key) => key.includes("(") || /^(session|message)\.\w+$/.test(key)],
  ["Journeys", (key) => key.startsWith("journey.") || key.startsWith("journey[")],
  ["Facts", () => true],
];

function variables(trace) {
  const values = Object.entries(trace.rounds.at(-1)?.values ?? {});
  if (!values.length) return null;
  const before = trace.rounds[0].values;
  const writers = new Map(trace.calls.flatMap((each) => Object.keys(each.provided).map((fact) => [fact, each.tool])));
  const groups = new Map([...KINDS].reverse().map(([title]) => [title, []]));
  for (const [key, value] of values) groups.get(KINDS.find(([, test]) => test(key))[0]).push([key, value]);
  const row = ([key, value]) => h("tr", h("th", { scope: "row" }, h("code", key)), h("td", shown(value)),
    h("td.quiet", writers.has(key) ? `from ${writers.get(key)}` : JSON.stringify(before[key]) === JSON.stringify(value) ? "" : "new in this turn"));
  const table = (rows) => h("table.values", h("tbody", rows.map(row)));
  const told = [...groups].map(([title, rows]) => {
    const idle = rows.filter(([, value]) => value === false && title !== "Facts");
    const live = rows.filter((each) => !idle.includes(each));
    return rows.length ? h("div", h("h4", title), live.length ? table(live) : null,
      idle.length ? h("details", h("summary", `${idle.length} false`), table(idle)) : null) : null;
  });
  return h("div", told);
}

// Each step as a bar from when it began to when it ended, below a scale of the whole turn.
function time(trace) {
  const steps = trace.steps.filter((step) => step.seconds !== null);
  if (!steps.length) return null;
  const noted = steps.every((step) => typeof step.start === "number"); // older traces say no starts
  const begun = (step) => (noted ? step.start : 0);
  const total = Math.max(trace.seconds, ...steps.map((step) => begun(step) + step.seconds)) || 1;
  const part_ = (value) => `${(value / total) * 100}%`;
  const several = steps.some((step) => step.round > 1);
  const sorted = noted ? [...steps].sort((one, other) => one.start - other.start || other.seconds - one.seconds) : steps;
  const inside = (step) => sorted.some((other) => other !== step && other.seconds > step.seconds && begun(other) <= begun(step) && begun(other) + other.seconds >= begun(step) + step.seconds);
  const rows = sorted.map((step, place) => [several && step.round !== sorted[place - 1]?.round ? h("li.round", `Round ${step.round}`) : null, h("li", { class: noted && inside(step) ? "inner" : null },
    h("span.label", { title: step.detail }, step.name, h("span.quiet", ` ${step.detail}`)),
    h("span.track", { "aria-hidden": "true" }, h("i", { style: { left: part_(begun(step)), width: `max(2px, ${part_(step.seconds)})` } })),
    h("span.value", h("span.away", noted ? `begins after ${seconds(step.start)}, takes ` : "takes "), seconds(step.seconds)))]);
  const scale = noted ? h("span.ruler", { "aria-hidden": "true" }, [0, total / 2, total].map((at) => h("span", at ? seconds(at) : "0"))) : h("span.track");
  return h("div", noted ? null : h("p.quiet", "When each step began was not noted in this trace."),
    h("ul.times", h("li.axis", h("span.label.quiet", "Step"), scale, h("span.value", "Took")), rows,
      h("li.total", h("span.label", "The whole turn"), h("span.track"), h("span.value", seconds(trace.seconds)))));
}

// What was decided before a tool or a journey changed the situation.
function rounds(trace, at) {
  const earlier = trace.rounds.slice(0, -1);
  if (!earlier.length) return null;
  return h("section", h("h3", "Earlier rounds"), h("p.quiet", "After a call, or a step of a journey, the turn is decided again. So it stood before."),
    earlier.map((round) => h("details", h("summary", `Round ${round.number}: ${round.in_force.length} in force`),
      list(round.in_force.map((each) => at.held(each, round)), "Nothing was in force."), list(round.dropped.map((each) => at.dropped(each))),
      list(round.possible.map((each) => at.open(each))))));
}
