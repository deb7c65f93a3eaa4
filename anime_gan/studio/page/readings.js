// What the judges of the model see in faces, beside what was requested.

import { inWords, label, span, t } from "./language.js";

// Share of the range of a scale.
const TOLERANCE = 0.15;

function shown(name, value) {
  if (value === true || value === false) return `${label(name)}: ${t(value ? "yes" : "no")}`;
  return inWords({ [name]: value });
}

// Whether a judge sees what was asked for. A strength counts as present from one half, and a scale may be off by
// some of its range.
function agrees(name, wanted, seen) {
  if (typeof wanted !== "number") return wanted === seen;
  if (typeof seen !== "number") return wanted >= 0.5 === seen;
  return Math.abs(wanted - seen) <= TOLERANCE * span(name);
}

// Pairs of the requested and the read value of attributes that differ. What another requested attribute hides, such as
// the color of closed eyes, cannot be seen.
function differences(wanted, seen, hidden) {
  const isHidden = (name) => hidden.some((pair) => pair.hidden === name && wanted[pair.by] === true);
  const pairs = Object.entries(wanted ?? {}).filter(([name, value]) => value !== null && value !== undefined && !isHidden(name));
  return pairs.filter(([name, value]) => seen && !agrees(name, value, seen[name])).map(([name, value]) => [shown(name, value), shown(name, seen[name])]);
}

// A reading in words: what differs from the request, and whether the face is intact. `hidden` has pairs of an attribute
// and the tag that hides it.
export function judged(wanted, { attributes, intact }, hidden) {
  const parts = differences(wanted, attributes, hidden).map(([asked, read]) => t("asked_read", { asked, read }));
  if (attributes && !parts.length) parts.push(t("as_asked", { words: inWords(wanted ?? attributes) }));
  if (intact !== null) parts.push(t(intact >= 0 ? "intact" : "not_intact"));
  return parts.join(" · ");
}
