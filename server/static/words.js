// How things are said on every page, and where links to them lead.

import { h } from "./dom.js";

export const seconds = (value) => (value < 0.0005 ? "under 1 ms" : value < 0.9995 ? `${Math.round(value * 1000)} ms` : value < 60 ? `${value.toFixed(1)} s` : `${Math.round(value / 60)} min`);
export const percent = (value) => `${Math.round(value * 100)} %`;
export const shown = (value) => (value === null ? "unknown" : typeof value === "object" ? JSON.stringify(value) : String(value));
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
export const verdict = (truth) => (truth === null ? "unknown" : truth ? "yes" : "no");

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

// A moment in seconds since 1970.
export const when = (at) => h("time", { datetime: new Date(at * 1000).toISOString() }, TIME.format(new Date(at * 1000)));

export const REASONS = {
  "requirement-not-met": "requires what was not in force:",
  overridden: "is overridden by",
  ambiguous: "waits for the customer to say which is meant:",
  outranked: "is outranked by",
  undefined: "is left undecided by a paradox",
};

export const SOURCES = {
  voice: "phrased by the model, then checked", canned: "sent to the letter, as the policy has it",
  template: "filled in from the policy's template", safe: "the safe reply, because no draft passed the check",
};

const hash = (...parts) => `#/${parts.filter((part) => part !== null && part !== undefined).map((part) => encodeURIComponent(part)).join("/")}`;

export const toConversation = (session) => hash("inspector", session);
export const toTurn = (session, turn) => hash("inspector", session, turn);
export const toVersion = (number, against) => hash("versions", number, against);

// To a guideline's place in the drawing; `digest` where that is not the policy in effect.
export const toEntity = (id, digest) => hash("policy", id, digest);

// Who a conversation is with, as far as that is known.
export const person = (customer) => customer.name || customer.id || "Guest";

// A text in which names stand between backticks; those that `link` knows an address for become links.
export function marked(text, link = () => null) {
  return text.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const address = link(part);
    return address ? h("a.name", { href: address }, part) : h("code", part);
  });
}
