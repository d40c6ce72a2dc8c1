// What the judge said of statements: where each probability lies, and the band in which it counts as unknown.

import { h } from "./dom.js";
import { marked, percent, verdict } from "./words.js";

// `bands` has [low, high] by statement; `note` what else is to be said of one.
export function gauges(list, bands, note = () => null) {
  return h("ul.gauges", list.map((each) => gauge(each, bands[each.text], note(each))));
}

function gauge(each, band, note) {
  const kind = each.truth === null ? "wait" : each.truth ? "go" : "no";
  return h("li", h("span.statement", each.text), scale(each.probability, band, kind),
    h(`span.value.${kind}`, h("b", verdict(each.truth)), each.probability === null ? null : ` ${percent(each.probability)}`),
    each.recalled || each.evidence || note ? h("span.note.quiet", marked([each.recalled ? "remembered, not asked again" : null, each.evidence, note].filter(Boolean).join("; "))) : null);
}

function scale(probability, band, kind) {
  if (probability === null) return h("span.scale.none");
  const [low, high] = band ?? [];
  return h("span.scale", { title: band ? `unknown between ${percent(low)} and ${percent(high)}` : null, "aria-hidden": "true" },
    band ? h("i.band", { style: { left: percentage(low), width: percentage(high - low) } }) : null,
    h(`i.mark.${kind}`, { style: { left: percentage(probability) } }));
}

const percentage = (value) => `${(value * 100).toFixed(2)}%`;

export const legend = (bands) => (Object.keys(bands).length
  ? h("p.quiet.legend", h("span", "no"), h("span.scale", { "aria-hidden": "true" }, h("i.band", { style: { left: "30%", width: "40%" } })), h("span", "yes"),
      h("span", " The mark is how probable the model held the statement to be. In the hatched band it counts as unknown."))
  : null);
