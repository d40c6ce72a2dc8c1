// Versions of the policy: which there are, what was proved of each, what one changes, and which is in effect.

import { get, path, post } from "./api.js";
import { behaviour, texts } from "./changes.js";
import { h } from "./dom.js";
import { empty, failed, into, put, waiting } from "./state.js";
import { count, marked, seconds, sentence, toEntity, toVersion, when } from "./words.js";

const state = { known: null, parts: null, number: null };

export async function open(root, [number, against]) {
  state.parts ??= frame(root);
  state.root = root;
  root.dataset.level = number ? "version" : "list";
  state.number = number ?? null;
  if (!(await list())) return root.classList.add("alone");
  root.classList.remove("alone");
  const { detail } = state.parts;
  if (!number) return put(detail, overview());
  const version = await into(detail, () => get(`/v1/versions/${encodeURIComponent(number)}`), (found) => one(found, against));
  detail.scrollTop = 0;
  if (version) detail.querySelector("h2")?.focus();
  if (version && against) compare(version.number, Number(against));
}

function frame(root) {
  const list_ = h("section.column.list", { "aria-label": "Versions" });
  const detail = h("section.column.detail.wide-detail", { "aria-label": "Version" });
  root.replaceChildren(list_, detail);
  return { list: list_, detail };
}

async function list() {
  const { list: place, detail } = state.parts;
  state.known = await into(place, () => get("/v1/versions"), (found) => (found.versions.length ? [h("h2", "Versions"), h("ol.rows", found.versions.map(row)), effects(found)] : none()));
  if (!state.known?.versions.length) {
    put(detail);
    return false;
  }
  for (const link of place.querySelectorAll("a[data-key]")) if (link.dataset.key === String(state.number)) link.setAttribute("aria-current", "true");
  return true;
}

const none = () => empty("No versions are kept here",
  h("p", "A policy that a program declares, or that was given as a text, has none. Serve a folder with ", h("code", "jurat serve my-agent"), " and what is served becomes a version; a new one comes with ", h("code", "POST /versions"), "."));

const ORIGINS = { file: "read from the policy's files", http: "sent over HTTP" };
const origin = (each) => `${ORIGINS[each.origin] ?? each.origin}${each.author === null ? "" : ` by ${each.author}`}`;
const STATUSES = { passed: ["go", "proved"], "nothing-to-prove": ["", "nothing to prove"], failed: ["stop", "not proved"], undecided: ["wait", "undecided"] };

function status(each) {
  const [kind, word] = STATUSES[each.status] ?? ["", "unknown"];
  return h(`span.chip${kind ? `.${kind}` : ""}`, word);
}

const row = (each) => h("li", h("a.row-link", { href: toVersion(each.number), "data-key": String(each.number) },
  h("span.top", h("b", `Version ${each.number}`), each.active ? h("span.chip.go", "in effect") : null, status(each)),
  h("span.clip", each.comment || "No comment"), h("span.quiet", when(each.at), `, ${origin(each)}`)));

function effects(found) {
  return h("section", h("h3", "What took effect when"), h("ul.because", found.activations.map((each) =>
    h("li", when(each.at), `: version ${each.version}`, each.author === null ? null : `, by ${each.author}`, each.comment ? h("span.quiet", `, ${each.comment}`) : null))));
}

function overview() {
  const only = state.known.versions.length === 1;
  return h("div", h("h2", { tabindex: "-1" }, "Versions of the policy"),
    h("p", "A version takes effect only once it is proved. Choose one to see its proof and what it changes, or to put it in effect again."),
    only ? h("p.quiet", "There is one so far. Send another with ", h("code", "POST /versions"), ", or change the policy's files and start the server again.") : null);
}

function one(version, against) {
  const others = state.known.versions.filter((each) => each.number !== version.number);
  const before = others.find((each) => each.number === version.number - 1) ?? others[0];
  return [
    h("div.bar", h("h2", { tabindex: "-1" }, `Version ${version.number}`), h("a.button.plain.back", { href: "#/versions" }, "All versions")),
    h("p", version.active ? h("span.chip.go", "in effect") : null, status(version)),
    h("p", version.comment || h("span.quiet", "No comment")),
    h("p.quiet", when(version.at), `, ${origin(version)}`),
    h("p", h("a", { href: version.active ? "#/policy" : `#/policy//${version.digest}` }, "See it drawn")),
    version.active ? null : activation(version),
    h("section", h("h3", "Proof"), proof(version.report)),
    before ? comparing(version, others, against ?? null, before) : h("section", h("h3", "What it changes"), h("p.quiet", "There is no other version to compare it with.")),
    h("section", h("h3", "Its files"), Object.entries(version.files).map(([name, text]) => h("details", h("summary", name), h("pre", { tabindex: "0" }, text)))),
  ];
}

// What a check came to: `report` is as docs/reports.md has it.
export function proof(report) {
  if (!report?.status) return h("p.quiet", "There is no report of its check.");
  const verdicts = report.verdicts ?? {};
  const free = (report.proofs ?? []).filter((each) => each.verdict === "proved" && each.trust_base.model_independent).length;
  const facts = [["Obligations", report.obligations], ["Further checks", report.checks], ["Proved", verdicts.proved], ["of these whatever the model answers", free],
    ["Refuted", verdicts.refuted], ["Undecided", verdicts.unknown], ["Solver", report.solver], ["Time", report.seconds === undefined ? null : seconds(report.seconds)], ["Digest", report.digest?.slice(0, 16)]];
  const open = (report.findings ?? []).filter((each) => each.closes_gate);
  const others = (report.findings ?? []).filter((each) => !each.closes_gate);
  return h("div", h("dl.pairs", facts.filter(([, value]) => value !== undefined && value !== null).flatMap(([name, value]) => [h("dt", name), h("dd", String(value))])),
    open.length ? h("ul.cards", open.map(finding)) : h("p.card.go", "Nothing was found that keeps it from taking effect."),
    others.length ? h("details", h("summary", count(others.length, "remark")), h("ul.cards", others.map(finding))) : null,
    report.proofs?.length ? h("details", h("summary", `${count(report.proofs.length, "question")} asked`), h("ul.because", report.proofs.map((each) =>
      h("li", marked(sentence(each.question)), h(`span.chip.${{ proved: "go", refuted: "stop" }[each.verdict] ?? "wait"}`, each.verdict))))) : null);
}

function finding(each) {
  return h(`li.card.${each.closes_gate === false ? "wait" : "stop"}`, h("p", h("b", `${each.code} ${each.name}`)), h("p", marked(each.message)),
    each.help ? h("p.quiet", marked(sentence(each.help))) : null, each.allowed ? h("p.quiet", `Allowed: ${each.allowed}`) : null,
    each.witness?.conversation?.length ? h("details", h("summary", "A conversation that shows it"), conversation(each.witness.conversation)) : null);
}

export const conversation = (lines) => h("ul.because", lines.map((line) => h("li", h("b", `${line.speaker}: `), line.text)));

function comparing(version, others, against, before) {
  const select = h("select", { id: "against" }, others.map((each) => h("option", { value: String(each.number), selected: String(each.number) === (against ?? String(before.number)) }, `version ${each.number}${each.active ? ", in effect" : ""}`)));
  return h("section", h("h3", "What it changes"),
    h("form.ask", { submit: (event) => {
      event.preventDefault();
      const address = toVersion(version.number, select.value);
      if (location.hash === address) compare(version.number, Number(select.value));
      else location.hash = address;
    } }, h("label", { for: "against" }, "Against"), h("div.row", select, h("button", { type: "submit" }, "Compare"))),
    h("div", { id: "texts" }), h("div", { id: "behaviour" }));
}

function compare(number, against) {
  const place = (id) => state.parts.detail.querySelector(`#${id}`);
  into(place("texts"), () => get(path(`/pages/versions/${number}/texts`, { against })), texts);
  place("behaviour").replaceChildren(waiting("Looking for situations in which the two differ"));
  into(place("behaviour"), () => get(path(`/versions/${number}/diff`, { against })), behaviour);
}

function activation(version) {
  const comment = h("input", { id: "comment", maxlength: "2000", placeholder: "Why, for those who look later", autocomplete: "off" });
  const outcome = h("div", { role: "status" });
  const button = h("button", { type: "submit" }, "Put it in effect");
  const newest = state.known.active !== null && version.number > state.known.active;
  return h("section", h("h3", newest ? "Activate" : "Roll back"), h("p.quiet", "It is proved again first. Turns that run end under the version that they began with."),
    h("form.ask", { submit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      outcome.replaceChildren(waiting("Proving it"));
      outcome.replaceChildren(await taken(version.number, comment.value));
      button.disabled = false;
    } }, h("label", { for: "comment" }, "Comment"), h("div.row", comment, button)), outcome);
}

// Puts a version in effect and says how that went, with the proof either way.
async function taken(number, comment) {
  try {
    await post(`/versions/${number}/rollback`, { comment });
  } catch (error) {
    const report = error.content?.report;
    return report ? h("div", h("p.card.stop", `${sentence(error.message)}.`), proof(report)) : failed(error, () => open(state.root, [String(number)]));
  }
  document.dispatchEvent(new CustomEvent("policy-changed"));
  const version = await get(`/v1/versions/${number}`);
  await list();
  return h("div", h("p.card.go", `Version ${number} is in effect. `, h("a", { href: "#/policy" }, "See it drawn")), proof(version.report));
}
