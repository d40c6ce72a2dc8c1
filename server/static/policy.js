// The policy: drawn, searched, and what is known of each guideline: its text, its relations, what was proved of it.

import { get, path } from "./api.js";
import { h } from "./dom.js";
import { Drawing } from "./drawing.js";
import { empty, into, put } from "./state.js";
import { count, marked, sentence, toEntity, toVersion } from "./words.js";

const LISTED = 200; // boxes in the list at once; a search narrows them down
const state = { digest: undefined, policy: null, drawing: null };

export async function open(root, [id, digest]) {
  const wanted = digest ?? null;
  if (state.digest !== wanted || !state.policy) await load(root, wanted);
  if (!state.policy || !state.drawing) return;
  root.dataset.level = id ? "entity" : "list";
  const { side, detail } = state.parts;
  for (const link of side.querySelectorAll("a[data-key]")) {
    if (link.dataset.key === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  state.drawing.current = id ?? null;
  if (!id) {
    state.drawing.render();
    return put(detail, overview());
  }
  state.drawing.show(id);
  const found = await into(detail, () => get(path("/pages/policy/entity", { id, digest })), entity);
  detail.scrollTop = 0;
  if (found) detail.querySelector("h2")?.focus();
}

document.addEventListener("policy-changed", () => { state.policy = null; });

async function load(root, digest) {
  state.drawing = null;
  state.digest = digest;
  state.policy = await into(root, () => get(path("/pages/policy", { digest })), (policy) => (policy.boxes.length ? frame(policy) : none(policy)));
}

const none = () => empty("This policy has no guidelines yet",
  h("p", "A guideline says when something applies and what the agent does then. Write the first one into the policy's file:"),
  h("pre", "guidelines:\n  greet:\n    condition: The customer says hello\n    action: Greet them by name"),
  h("p", "Then start the server again; the policy is proved before it is served."));

function frame(policy) {
  state.drawing = new Drawing(policy, (id) => { location.hash = toEntity(id, state.digest); });
  const results = h("div.scroll");
  const input = h("input", { id: "find", type: "search", placeholder: "Id, text or tag", autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => results.replaceChildren(...found(policy, input.value)));
  results.replaceChildren(...found(policy, ""));
  const side = h("section.column.list", { "aria-label": "Guidelines" }, h("h2", policy.current ? "Policy" : "An earlier policy"),
    policy.current ? null : h("p.card.wait", policy.version === null ? "This is not the policy in effect." : h("a", { href: toVersion(policy.version) }, `Version ${policy.version}`), policy.version === null ? null : ", which is not the one in effect."),
    h("form.find", { submit: (event) => { event.preventDefault(); results.querySelector("a")?.click(); } }, h("label.away", { for: "find" }, "Search by id, text or tag; Enter opens the first that is found"), input),
    results);
  const detail = h("section.column.detail", { "aria-label": "Details" });
  state.policy = policy;
  state.parts = { side, detail };
  return [side, h("section.column.picture", { "aria-label": "Drawing" }, state.drawing.element), detail];
}

// What a search finds, findings first; without one, all of it.
function found(policy, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (box) => words.every((word) => [box.id, box.condition, ...box.actions, ...box.tags].some((each) => each.toLowerCase().includes(word)));
  const boxes = policy.boxes.filter(fits);
  state.drawing.highlight(words.length ? new Set(boxes.map((box) => box.id)) : null);
  const findings = words.length ? [] : policy.findings;
  return [
    findings.length ? h("section.findings", h("h3", count(findings.length, "finding")), h("ul.rows", findings.map(finding))) : null,
    h("h3", words.length ? `${boxes.length} found` : count(boxes.length, "box", "boxes")),
    boxes.length ? h("ul.rows", boxes.slice(0, LISTED).map(row)) : h("p.quiet", "No id, text or tag has this in it."),
    boxes.length > LISTED ? h("p.quiet", `${boxes.length - LISTED} more; a search narrows them down.`) : null,
  ].filter(Boolean);
}

const row = (box) => h("li", h("a.row-link", { href: toEntity(box.id, state.digest), "data-key": box.id },
  h("span.top", h("b.clip", box.id), box.kind === "guideline" ? null : h("span.chip", box.kind), box.faults.length ? h("span.chip.stop", "finding") : null),
  h("span.clip.quiet", box.condition || box.kind)));

function finding(each) {
  const [first] = each.subjects;
  const title = [h("span.top", h("span.chip.stop", each.code), h("b.clip", each.name)), h("span.quiet", marked(each.message))];
  return h("li", first ? h("a.row-link", { href: toEntity(first, state.digest) }, title) : h("div.row-link", title));
}

function overview() {
  const { policy } = state;
  const kinds = ["guideline", "journey", "state"].map((kind) => [kind, policy.boxes.filter((box) => box.kind === kind).length]).filter(([, number]) => number);
  return h("div", h("h2", { tabindex: "-1" }, policy.title), h("p.quiet", kinds.map(([kind, number]) => count(number, kind)).join(", "), "."),
    policy.current && !policy.findings.length ? h("p.card.go", "Nothing was found that keeps this policy from being served.") : null,
    h("p.quiet", "Choose a box to see when it applies, what it does, what it is related to and what was proved of it. Arrows point the way that relations are written: what overrides points at what it overrides."),
    h("p.quiet", "With the keyboard: arrow keys go from box to box, Enter opens one, + and − zoom, 0 shows all, Shift with an arrow key moves the picture."));
}

function entity(each) {
  return h("article", h("div.bar", h("h2", { tabindex: "-1" }, each.id), h("a.button.plain", { href: "#/policy" + (state.digest ? `//${state.digest}` : "") }, "Close")),
    h("p", h("span.chip", each.kind), each.tags.map((tag) => h("span.chip", `tag ${tag}`)), each.rank ? h("span.chip", `rank ${each.rank}`) : null,
      each.criticality && each.criticality !== "medium" ? h("span.chip", `${each.criticality} criticality`) : null, each.on_unknown !== "skip" ? h("span.chip", `on unknown: ${each.on_unknown}`) : null),
    h("ul.cards", each.findings.filter((found_) => found_.severity !== "note" && !found_.allowed).map((found_) => remark("stop", found_))),
    condition(each), actions(each), relations(each.id), proofs(each), written(each), remarks(each));
}

const remark = (kind, each) => h(`li.card.${kind}`, h("p", h("b", `${each.code} ${each.name}`), each.allowed ? h("span.chip", "allowed") : null), h("p", marked(each.message)));

function remarks(each) {
  const minor = each.findings.filter((found_) => found_.severity === "note" || found_.allowed);
  return minor.length ? section("Remarks of the check", h("ul.cards", minor.map((found_) => remark("idle", found_)))) : null;
}

function section(title, ...content) {
  return h("section", h("h3", title), content);
}

function condition(each) {
  if (each.kind === "journey") return section("Begins when", h("ul.because", each.triggers.map((text) => h("li", text))));
  if (each.kind === "state") return null;
  const plain = each.statements.length === 1 && each.statements[0].text === each.condition;
  return section("Applies when", each.formula === "true" ? h("p", "Always.") : plain ? h("p", `“${each.condition}”`) : h("p", h("code", each.condition)),
    plain ? null : h("ul.because", each.statements.map((statement) => h("li", h("code", statement.key), ` “${statement.text}”`))),
    each.scope ? h("p.quiet", "Only within ", h("a.name", { href: toEntity(each.scope, state.digest) }, each.scope)) : null,
    each.reevaluate_after.length ? h("p.quiet", `Judged again after ${each.reevaluate_after.join(", ")}`) : null);
}

const actions = (each) => (each.actions.length ? section("Then", h("ul.because", each.actions.map((action) => h("li", sentence(action.text))))) : null);

const OUT = { overrides: "Overrides", requires: "Requires", requires_any: "Requires one of", entails: "Entails", exclusive_with: "Never together with", disambiguates: "Asks which is meant of", "goes to": "Goes to", "starts at": "Starts at" };
const IN = { overrides: "Overridden by", requires: "Required by", requires_any: "One of those required by", entails: "Entailed by", exclusive_with: "Never together with", disambiguates: "Told apart by", "goes to": "Reached from", "starts at": "First state of" };

function relations(id) {
  const rows = new Map();
  const add = (title, other, label) => rows.set(title, [...(rows.get(title) ?? []), [other, label]]);
  for (const arrow of state.policy.arrows) {
    if (arrow.source === id) add(OUT[arrow.kind] ?? arrow.kind, arrow.target, arrow.label);
    if (arrow.target === id) add(IN[arrow.kind] ?? arrow.kind, arrow.source, arrow.label);
  }
  if (!rows.size) return section("Related to", h("p.quiet", "Nothing: no relation names it."));
  return section("Related to", h("dl.pairs", [...rows].flatMap(([title, others]) => [h("dt", title),
    h("dd", h("ul", others.map(([other, label]) => h("li", h("a.name", { href: toEntity(other, state.digest) }, other), label ? h("span.quiet", ` ${label}`) : null))))])));
}

const VERDICTS = { proved: ["go", "proved"], refuted: ["stop", "refuted"], unknown: ["wait", "undecided"] };

function proofs(each) {
  if (!state.policy.current) return section("Proofs", h("p.quiet", "Those of an earlier version are in its report, under Versions."));
  if (!each.proofs.length) return section("Proofs", h("p.quiet", "No question was asked about it alone: it contradicts nothing by how it is written."));
  return section("Proofs", h("p.quiet", "A question is asked where texts alone leave it open."), h("ul.cards", each.proofs.map(proof)), each.proofs_left_out ? h("p.quiet", `${each.proofs_left_out} more are in the report.`) : null);
}

function proof(each) {
  const [kind, word] = VERDICTS[each.verdict];
  const trust = each.model_independent ? "holds whatever the model answers" : `relies on what the model says of ${each.observations.join(", ")}`;
  return h(`li.card.${kind}`, h("p", marked(sentence(each.question)), h(`span.chip.${kind}`, word)),
    h("p.quiet", each.check, each.verdict === "proved" ? `; ${trust}` : "", each.axioms.length ? `; by the axioms ${each.axioms.join(", ")}` : ""));
}

function written(each) {
  if (!each.text && !each.place) return null;
  return section("As written", each.place ? h("p.quiet", `${each.place.source}, line ${each.place.line}`) : null, each.text ? h("pre", { tabindex: "0" }, each.text) : null);
}
