// Elements as one expression: h("p.quiet", {title: "…"}, "text", another). Texts are never read as HTML.

export const h = (name, ...rest) => made((tag) => document.createElement(tag), name, rest);

// The same with another way to create an element.
export function made(create, name, rest) {
  const [tag, ...classes] = name.split(".");
  const element = create(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const part of rest.flat(3)) {
    if (part === null || part === undefined || part === false) continue;
    if (isChip(part) && element.hasChildNodes()) element.append(" "); // for whoever has it read out
    if (part instanceof Node || typeof part === "string" || typeof part === "number") element.append(part);
    else for (const [key, value] of Object.entries(part)) set(element, key, value);
  }
  return element;
}

const isChip = (part) => part instanceof HTMLElement && part.classList.contains("chip");

function set(element, key, value) {
  if (typeof value === "function") element.addEventListener(key, value);
  else if (key === "style") for (const [name, each] of Object.entries(value)) element.style.setProperty(name, each);
  else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
}
