// Elements as one expression: h("p.quiet", {title: "…"}, "text", another). Texts are never read as HTML.

export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const part of rest.flat()) {
    if (part === null || part === undefined || part === false) continue;
    if (part instanceof Node || typeof part === "string" || typeof part === "number") element.append(part);
    else for (const [key, value] of Object.entries(part)) set(element, key, value);
  }
  return element;
}

function set(element, key, value) {
  if (typeof value === "function") element.addEventListener(key, value);
  else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
}
