// Elements of SVG as one expression, as `h` makes those of HTML.

import { made } from "./dom.js";

const NAMESPACE = "http://www.w3.org/2000/svg";

export const s = (name, ...rest) => made((tag) => document.createElementNS(NAMESPACE, tag), name, rest);
