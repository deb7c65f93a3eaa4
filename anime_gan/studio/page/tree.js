// The family tree of an open face.

import { el } from "./dom.js";
import { faceButton } from "./faces.js";

// Shows nodes ({ face, parent }): each face stands right of the face that it came from. The first face that came from
// another one continues its row, and each further one begins a row.
export function familyTree(nodes, current, show) {
  const places = [];
  const continued = new Set();
  let rows = 0;
  for (const { parent } of nodes) {
    const row = parent >= 0 && !continued.has(parent) ? places[parent].row : ++rows;
    continued.add(parent);
    places.push({ row, column: parent < 0 ? 1 : places[parent].column + 1 });
  }
  const buttons = nodes.map(({ face }, index) => {
    const button = faceButton(face, () => show(index));
    button.style.gridArea = `${places[index].row} / ${places[index].column}`;
    if (index === current) button.setAttribute("aria-current", "true");
    return button;
  });
  return el("div", { class: "strip" }, ...buttons);
}
