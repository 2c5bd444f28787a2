// Completes names of fields in expressions, shows what is wrong with one before it is sent, and lets the address of a
// table tell its columns. All works without it.

for (const input of document.querySelectorAll("input[data-scrapdb-fields]")) {
  completeFields(input, input.parentElement.querySelector("ul"));
  if (input.dataset.scrapdbCheck) checkFirst(input, input.parentElement.querySelector("pre"));
}

const columns = document.querySelector(".scrapdb-columns");
if (columns) tellColumns(columns);

function completeFields(input, list) {
  let asked = 0;
  let active = -1;
  list.id = `scrapdb-fields-${Math.random().toString(36).slice(2)}`;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })) {
    input.setAttribute(name, value);
  }

  // The word before the cursor; none inside of a text in quotes.
  function word() {
    const before = input.value.slice(0, input.selectionStart).replace(/"[^"]*"|'[^']*'|`[^`]*`/g, (text) => " ".repeat(text.length));
    return /["']/.test(before) ? "" : before.match(/(`[^`]*|[\p{L}_][\p{L}\p{N}_.]*(\.`[^`]*)?)$/u)?.[0] ?? "";
  }

  function close() {
    asked += 1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    active = place;
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", index === place));
    list.children[place].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", list.children[place].id);
  }

  function accept(item) {
    const end = input.selectionStart;
    input.setRangeText(item.dataset.text, end - word().length, end, "end");
    close();
    input.focus();
  }

  function show(fields) {
    list.replaceChildren(...fields.map(({ text, kind }, index) => {
      const item = document.createElement("li");
      const note = document.createElement("small");
      item.id = `${list.id}-${index}`;
      item.setAttribute("role", "option");
      item.dataset.text = text;
      note.textContent = kind;
      item.append(text, " ", note);
      return item;
    }));
    active = -1;
    list.hidden = fields.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  input.addEventListener("input", async () => {
    const start = word();
    if (!start) return close();
    const question = ++asked;
    const answer = await fetch(`${input.dataset.scrapdbFields}?start=${encodeURIComponent(start)}`).catch(() => null);
    if (question === asked && answer?.ok) show((await answer.json()).fields);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const count = list.children.length;
    if (event.key === "ArrowDown") choose((active + 1) % count);
    else if (event.key === "ArrowUp") choose((active + count - (active < 0 ? 0 : 1)) % count);
    else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) accept(list.children[active]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const item = event.target.closest("li");
    if (item) accept(item);
  });
}

function checkFirst(input, place) {
  input.addEventListener("input", () => { place.hidden = true; });
  input.form.addEventListener("submit", async (event) => {
    if (!input.value.trim()) return;
    event.preventDefault();
    const answer = await fetch(`${input.dataset.scrapdbCheck}?_scrap=${encodeURIComponent(input.value)}`).catch(() => null);
    const { ok, error } = answer?.ok ? await answer.json() : { ok: true };
    if (ok) return input.form.submit();
    place.textContent = error;
    place.hidden = false;
    input.focus();
  });
}

function tellColumns(chooser) {
  // An address that names no columns shows the first ones: Datasette's menus go by what the address says.
  if (chooser.dataset.scrapdbQuery) history.replaceState(history.state, "", `?${chooser.dataset.scrapdbQuery}${location.hash}`);
  document.addEventListener("click", (event) => {
    if (event.target.closest("a")?.textContent.trim() !== "Show all columns") return;
    event.preventDefault();
    location.href = chooser.dataset.scrapdbAll;
  });
  // What Datasette says of the columns stands above the rows: here it is told to who asks for it.
  const described = document.querySelector("dl.column-descriptions");
  if (described) chooser.append(described);
}
