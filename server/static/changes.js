// What one version of a policy has that another has not: in its texts, and in what it does.

import { h } from "./dom.js";
import { count, marked, sentence, shown } from "./words.js";

const SIGNS = { added: "+", removed: "−", same: " " };
const WORDS = { added: "added", removed: "taken away", same: "" };

export function texts(found) {
  if (!found.files.length) return h("p.quiet", "The texts are the same.");
  return h("div", h("h4", "In its texts"), found.files.map(file));
}

function file(each) {
  const lines = each.stretches.flat();
  const number = (kind) => lines.filter((line) => line.kind === kind).length;
  return h("details.file", { open: lines.length <= 200 }, h("summary", h("code", each.name), ` ${each.status}`, lines.length ? h("span.quiet", `, ${number("added")} lines more, ${number("removed")} less`) : null),
    each.too_long ? h("p.quiet", "It is too long to be compared line by line.") : each.stretches.map(stretch));
}

function stretch(lines) {
  return h("table.diff", { tabindex: "0" }, h("tbody", lines.map((line) =>
    h(`tr.${line.kind}`, h("td.number", line.before ?? ""), h("td.number", line.after ?? ""),
      h("td.sign", h("span", { "aria-hidden": "true" }, SIGNS[line.kind]), h("span.away", WORDS[line.kind])), h("td.code", line.text)))));
}

const CHANGES = { "more permissive": "stop", "less permissive": "go", more: "stop", less: "go", incomparable: "wait", undecided: "wait" };

// A comparison as `jurat diff --format json` has it.
export function behaviour(found) {
  const differing = found.topics.filter((topic) => topic.change !== "equivalent");
  return h("div", h("h4", "In what it does"), outcome(found, differing),
    differing.length ? h("ul.cards", differing.map(topic)) : null,
    plain("Also changed", found.declared), plain("Vocabulary", found.vocabulary),
    plain("Admitted", found.admitted.map((each) => `only ${each.by}, for the other has the axiom ${each.axiom}`)));
}

function outcome(found, differing) {
  if (found.inconsistent) return h("p.card.stop", `They cannot be compared: no situation satisfies the axioms of both (${found.inconsistent}).`);
  if (found.status === "equivalent") return h("p.card.go", "They do the same in every situation, which is proved.");
  const share = found.share?.percent;
  return h("p", `They differ in ${count(differing.length, "topic")}`, share === undefined || share === null ? "." : `, in ${share < 0.01 ? "less than 0.01" : share.toPrecision(3)} % of the situations that can occur.`);
}

function plain(title, sentences) {
  return sentences.length ? [h("h4", title), h("ul.because", sentences.map((text) => h("li", marked(text))))] : null;
}

function topic(each) {
  return h(`li.card.${CHANGES[each.change] ?? "wait"}`, h("p", h("b", marked(each.text)), h("span.chip", each.change)),
    each.reason ? h("p", sentence(each.reason)) : null, example("Only before, as when", each.only_before), example("Only after, as when", each.only_after));
}

function example(title, each) {
  if (!each) return null;
  const values = Object.entries(each.values).map(([name, value]) => h("li", h("code", name), ` ${shown(value)}`));
  values.push(...each.unknown.filter((name) => !(name in each.values)).map((name) => h("li", h("code", name), " unknown")), ...each.absent.map((name) => h("li", h("code", name), " absent")));
  return h("div", h("p.quiet", title), values.length ? h("ul.because", values) : h("p.quiet", "any situation"),
    each.conversation.length ? h("ul.because", each.conversation.map((line) => h("li", h("b", `${line.speaker}: `), line.text))) : null,
    h("p.quiet", `In force before: ${each.in_force_before.join(", ") || "nothing"}. After: ${each.in_force_after.join(", ") || "nothing"}.`));
}
