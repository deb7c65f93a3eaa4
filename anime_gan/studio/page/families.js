// Which attributes belong together, and faces that differ in one family alone.

const EXPRESSION = /^(smile|grin|frown|open_mouth|closed_eyes|closed_mouth|wink|one_eye_closed|angry|sad|surprised|happy|crying|tears|blush|tongue|pout|expression)/;

// The family of an attribute: color, expression, hair, eyes, or other.
export function isIn(family, name) {
  if (family === "color") return /color$|^skin$/.test(name);
  if (family === "expression") return EXPRESSION.test(name);
  if (family === "hair") return /hair|bangs/.test(name);
  if (family === "eyes") return /^eye/.test(name);
  return !["color", "expression", "hair", "eyes"].some((other) => isIn(other, name));
}

export const FAMILIES = ["hair", "eyes", "expression", "other"];

// The attributes of a family, as a change: crossbreeding takes them from another face.
export function traits(face, family, locked) {
  const of = Object.entries(face.attributes ?? {}).filter(([name, value]) => value !== null && isIn(family, name));
  return Object.fromEntries(of.filter(([name]) => !locked.has(name)));
}

// Up to `count` different changes of a family. Locked attributes stay.
export function variations(face, attributes, family, locked, count) {
  const own = attributes.filter(({ name }) => isIn(family, name) && !locked.has(name));
  const found = new Map();
  for (let tries = 0; tries < 20 * count && found.size < count; tries++) {
    const set = {};
    for (const { name, values, low, high } of own) {
      if (low !== undefined) set[name] = low + Math.random() * (high - low);
      else if (values) set[name] = values[Math.floor(Math.random() * values.length)].name;
      else set[name] = Math.random() < 0.3;
    }
    if (own.some(({ name }) => set[name] !== face.attributes?.[name])) found.set(JSON.stringify(set), set);
  }
  return [...found.values()];
}
