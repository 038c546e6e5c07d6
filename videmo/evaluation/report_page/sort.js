// Headings of a sortable table become buttons; without this script the table stands as it is.
"use strict";
const collator = new Intl.Collator("en", { numeric: true });
const valueOf = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
const isNumber = (value) => value !== "" && Number.isFinite(Number(value));

function compare(a, b, direction) {
  if (a === "" || b === "") return (a === "") - (b === ""); // what was not measured comes last, whichever way
  return direction * (isNumber(a) && isNumber(b) ? a - b : collator.compare(a, b));
}

function sortBy(table, heading) {
  const [body] = table.tBodies, column = heading.cellIndex;
  const numbers = [...body.rows].map((row) => valueOf(row, column)).filter((value) => value !== "").every(isNumber);
  const before = heading.getAttribute("aria-sort") ?? (numbers ? "ascending" : "descending");
  const ascending = before === "descending";
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  body.append(...[...body.rows].sort((a, b) => compare(valueOf(a, column), valueOf(b, column), ascending ? 1 : -1)));
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
}
