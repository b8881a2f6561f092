// The page of the bin editor. It computes no statistic: every number comes from Python, written as it is shown,
// and every click goes to Python as a message. Text is only ever set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 760;
const HEIGHT = 150;
const FEET = 14;
const LEFT = 44;
const CONTROLS = new Set(["button", "select", "input", "textarea"]);
const FEW = 12;
const PATIENCE = 3000;

/** Make an element with properties, attributes (in `attr`) and children. */
function make(tag, { attr = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attr)) element.setAttribute(name, value);
  // JupyterLab's shortcuts (d d deletes the cell) hold wherever the focus is, but on what says that it takes keys.
  if (CONTROLS.has(tag)) element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.append(...children);
  return element;
}

function draw(tag, attributes, text, content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (content) element.textContent = content;
  if (text) {
    const title = document.createElementNS(SVG, "title");
    title.textContent = text;
    element.append(title);
  }
  return element;
}

function button(key, text, label, act, disabled = false) {
  const made = make("button", {
    type: "button", textContent: text, title: label, disabled, attr: { "data-key": key, "aria-label": label },
  });
  made.addEventListener("click", act);
  return made;
}

function bar(share, kind) {
  return make("span", { className: `bar ${kind}`, attr: { style: `width: ${(100 * share).toFixed(2)}%` } });
}

/** A bar and its number, each in its own half. */
function beside(made, text) {
  return make("div", { className: "beside" }, make("span", { className: "track" }, made), make("span", { textContent: text }));
}

/** Round steps from nothing to a rate, three or four of them. */
function ticks(top) {
  const power = 10 ** Math.floor(Math.log10(top / 3));
  const step = [1, 2, 5, 10].map((base) => base * power).find((size) => top / size <= 4.5);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, at) => at * step);
}

/** The picture: an event rate for every pre-bin or level, the bins' rates over it, and the cuts between them. */
function picture(page, send) {
  // A pre-bin of a few rows may have any rate: it must not flatten all the others, and is cut off at the top.
  const telling = page.fine.filter((part) => part.share >= 0.02).map((part) => part.rate);
  const top = Math.max(...telling, ...page.bins.map((bin) => (bin.regular ? bin.rate : 0)), page.overall, 1e-4) * 1.12;
  const y = (rate) => HEIGHT - 8 - ((HEIGHT - 12) * Math.min(rate, top)) / top;
  const numeric = page.kind === "numeric";
  const svg = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT + FEET}`, class: "fine", role: "img",
    "aria-label": `Event rate of each ${numeric ? "pre-bin" : "level"} of ${page.column}; the table below has all of it`,
  });
  for (const rate of ticks(top)) {
    svg.append(draw("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(rate), y2: y(rate) }));
    svg.append(draw("text", { class: "tick", x: LEFT - 6, y: y(rate) + 4 }, "", `${Number((100 * rate).toFixed(2))}%`));
  }
  const cuts = [];
  const steps = [];
  let x = LEFT;
  for (const part of page.fine) {
    const width = part.share * (WIDTH - LEFT);
    const first = !steps.length || steps.at(-1).bin !== part.bin;
    if (first) {
      if (steps.length) cuts.push({ x, bin: part.bin, at: part.cut_text });
      steps.push({ bin: part.bin, from: x });
    }
    steps.at(-1).to = x + width;
    const alone = first && page.fine.filter((other) => other.bin === part.bin).length === 1;
    const acts = numeric ? !first : !alone;
    const doing = acts ? (numeric ? ` – click to cut at ${part.cut_text}` : " – click to make it a group of its own") : "";
    const group = draw("g", { class: acts ? "part acts" : "part" }, part.text + doing);
    group.append(draw("rect", { class: "room", x, y: 4, width, height: HEIGHT - 12 }));
    const height = Math.max(HEIGHT - 8 - y(part.rate), 0.5);
    group.append(draw("rect", { class: "rate", x: x + 0.5, y: y(part.rate), width: Math.max(width - 1, 0.6), height }));
    if (acts && numeric) group.append(draw("line", { class: "here", x1: x, x2: x, y1: 4, y2: HEIGHT - 8 }));
    if (acts) {
      group.addEventListener("click", () =>
        send(numeric ? { do: "split", bin: part.bin, at: part.at } : { do: "take_out", level: part.level }));
    }
    svg.append(group);
    if (!numeric) name(svg, part.level, x, width);
    x += width;
  }
  const overall = y(page.overall);
  svg.append(draw("line", { class: "overall", x1: LEFT, x2: WIDTH, y1: overall, y2: overall }));
  for (const period of page.periods) {
    const line = draw("g", { class: "period" }, period.name);
    for (const step of steps) {
      const rate = period.rates[step.bin];
      if (rate === null) continue;
      line.append(draw("line", { x1: step.from, x2: step.to, y1: y(rate), y2: y(rate) }));
    }
    svg.append(line);
  }
  for (const step of steps) {
    const at = y(page.bins[step.bin].rate);
    svg.append(draw("line", { class: "step", x1: step.from, x2: step.to, y1: at, y2: at }));
  }
  let room = LEFT - 20;
  for (const cut of cuts) {
    if (cut.at && cut.x - room > 20 + 3 * cut.at.length) {
      svg.append(draw("text", { class: "tick foot", x: cut.x, y: HEIGHT + 10 }, "", cut.at));
      room = cut.x + 3 * cut.at.length - 12;
    }
    const before = page.bins[cut.bin - 1];
    const said = `Merge ${before.label} with ${page.bins[cut.bin].label}: information value ${page.iv} → ${before.merge_iv}`;
    const group = draw("g", { class: "cut" }, said);
    group.append(draw("line", { class: "grip", x1: cut.x, x2: cut.x, y1: 0, y2: HEIGHT }));
    group.append(draw("line", { class: "edge", x1: cut.x, x2: cut.x, y1: 0, y2: HEIGHT - 4 }));
    group.append(draw("circle", { class: "knob", cx: cut.x, cy: HEIGHT - 6, r: 4.5 }));
    group.addEventListener("click", () => send({ do: "merge", bin: cut.bin - 1, other: cut.bin }));
    svg.append(group);
  }
  return svg;
}

/** A level's name beneath its bar, as much of it as there is room for. */
function name(svg, level, x, width) {
  const letters = Math.floor(width / 7.4);
  if (letters < 2) return;
  const text = level.length <= letters ? level : `${level.slice(0, letters - 1)}…`;
  svg.append(draw("text", { class: "tick foot", x: x + width / 2, y: HEIGHT + 10 }, level, text));
}

function legend(page) {
  const numeric = page.kind === "numeric";
  const keys = [
    ["bars", `event rate of each ${numeric ? "pre-bin" : "level"}, as wide as its rows`],
    ["thick", `of each ${numeric ? "bin" : "group"}`],
    ...(page.periods.length ? [["thin", `in each of ${page.periods.length} periods`]] : []),
    ["dashes", "of all rows"],
  ];
  const acts = numeric ? "click a bar to cut there, a cut to merge" : "click a bar to take its level out, a cut to merge";
  return make("p", { className: "legend" },
    ...keys.map(([kind, text]) => make("span", {}, make("i", { className: kind }), text)), make("span", {}, acts));
}

function actions(page, bin, place, send) {
  const cell = make("td", { className: "acts" });
  if (!bin.regular) return cell;
  const gains = bin.split_iv
    ? `Split ${bin.label} where it gains most: information value ${page.iv} → ${bin.split_iv}`
    : `There is nothing left to cut in ${bin.label}`;
  cell.append(button(`split-${place}`, "Split", gains, () => send({ do: "split", bin: place, at: null }), !bin.split_iv));
  if (page.kind === "numeric") {
    const field = make("input", {
      type: "text", placeholder: "at …", value: page.refused ? page.typed[place] || "" : "", attr: {
        "data-key": `at-${place}`, inputmode: "decimal", "aria-label": `Value at which to split ${bin.label}, then Enter`,
      },
    });
    field.addEventListener("keydown", (event) => {
      // The notebook must not take the keys that are typed here for its own.
      event.stopPropagation();
      if (event.key === "Enter" && field.value.trim()) {
        page.typed[place] = field.value;
        send({ do: "split", bin: place, at: field.value.trim() });
      }
    });
    cell.append(field);
  } else if (page.regular > 1) {
    const choice = make("select", { attr: { "data-key": `with-${place}`, "aria-label": `Merge ${bin.label} with` } });
    choice.append(make("option", { value: "", textContent: "with …" }));
    page.bins.forEach((other, at) => {
      if (other.regular && at !== place) choice.append(make("option", { value: String(at), textContent: short(other.label, 40) }));
    });
    // The arrow keys walk through the choices: choosing is not yet merging.
    const merge = button(`join-${place}`, "Merge", `Merge ${bin.label} with the chosen group`,
      () => send({ do: "merge", bin: place, other: Number(choice.value) }), true);
    choice.addEventListener("change", () => { merge.disabled = !choice.value; });
    cell.append(choice, merge);
  }
  return cell;
}

function short(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A group's levels as buttons: the first of them, and all of them behind one more, with a field to find one. */
function chips(page, bin, place, send) {
  const chip = (level, at) => button(`level-${place}-${at}`, level, `Make ${level} a group of its own`,
    () => send({ do: "take_out", level }));
  const key = `${page.column} ${bin.levels[0]}`;
  const box = make("div", { className: "chips" });
  const fill = (levels) => box.replaceChildren(...levels.map(([level, at]) => chip(level, at)));
  const all = bin.levels.map((level, at) => [level, at]);
  if (all.length <= FEW) {
    fill(all);
    return [box];
  }
  const open = () => {
    page.opened.add(key);
    box.classList.add("all");
    fill(all);
    const find = make("input", { type: "search", placeholder: `find among ${all.length}`, attr: {
      "data-key": `find-${place}`, "aria-label": `Find a level of the group ${bin.label}` } });
    find.addEventListener("keydown", (event) => event.stopPropagation());
    find.addEventListener("input", () => {
      const wanted = find.value.trim().toLowerCase();
      fill(all.filter(([level]) => level.toLowerCase().includes(wanted)));
    });
    more.replaceWith(find);
    return find;
  };
  fill(all.slice(0, FEW));
  const more = button(`more-${place}`, `${all.length - FEW} more`, "Show all levels of this group", () => open().focus());
  more.classList.add("more");
  const holder = make("div", {}, box, more);
  if (page.opened.has(key)) open();
  return [holder];
}

function label(page, bin, place, send) {
  const cell = make("th", { className: "label", attr: { scope: "row" } });
  if (bin.levels.length > 1) cell.append(...chips(page, bin, place, send));
  else cell.append(make("span", { className: "one", textContent: bin.label, title: bin.label }));
  for (const note of bin.notes) cell.append(make("span", { className: "note", textContent: note }));
  return cell;
}

function line(page, bin, place, send) {
  const join = make("td", { className: "join" });
  if (place && bin.regular) {
    const before = page.bins[place - 1];
    const said = `Merge ${before.label} with ${bin.label}: information value ${page.iv} → ${before.merge_iv}`;
    join.append(button(`merge-${place - 1}`, "merge", said, () => send({ do: "merge", bin: place - 1, other: place })));
  }
  // A bin of a few rows may have any rate, and is not to make all other bars short.
  const most = Math.max(...page.bins.filter((other) => other.share >= 0.02).map((other) => other.rate), 1e-9);
  const share = Math.max(...page.bins.map((other) => other.share), 1e-9);
  const side = bin.woe < 0 ? "below" : "above";
  return make("tr", { className: bin.regular ? "" : "apart" },
    join, label(page, bin, place, send),
    make("td", { className: "number", textContent: bin.rows }),
    make("td", { className: "wide" }, beside(bar(bin.share / share, "share"), bin.share_text)),
    make("td", { className: "number", textContent: bin.events }),
    make("td", { className: "wide" }, beside(bar(Math.min(bin.rate / most, 1), "event"), bin.rate_text)),
    make("td", { className: `woe ${side}` }, make("span", { textContent: bin.woe_text }),
      make("span", { className: "axis" }, bar(Math.abs(bin.woe) / 2, "arm"))),
    make("td", { className: "number", textContent: bin.iv_text }),
    actions(page, bin, place, send));
}

function table(page, send) {
  const heads = ["", page.column, "rows", "share of rows", "events", "event rate", "weight of evidence", "IV", ""];
  const body = make("tbody");
  page.bins.forEach((bin, place) => body.append(line(page, bin, place, send)));
  const head = make("tr", {}, ...heads.map((text) => make("th", { textContent: text, title: text, attr: { scope: "col" } })));
  return make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), body));
}

function tools(page, send, said) {
  const choice = make("select", { className: "column", attr: { "data-key": "column", "aria-label": "Column" } });
  for (const column of page.columns) {
    const text = `${column.edited ? "✎ " : ""}${column.name}  (IV ${column.iv})`;
    choice.append(make("option", { value: column.name, textContent: text, selected: column.name === page.column }));
  }
  choice.addEventListener("change", () => send({ do: "pick", column: choice.value }));
  return make("div", { className: "tools", attr: { role: "toolbar", "aria-label": "Bin editor" } }, choice,
    button("undo", "↶ Undo", "Undo the last change (Ctrl+Z)", () => send({ do: "undo" }), !page.can_undo),
    button("redo", "↷ Redo", "Make the change again (Ctrl+Shift+Z)", () => send({ do: "redo" }), !page.can_redo),
    button("reset", "Reset", "Give this column the bins it began with", () => send({ do: "reset" }), !page.can_reset), said);
}

function fact(name, value, before, key) {
  const changed = value !== before ? ` (was ${before})` : "";
  return make("div", { className: "fact", attr: { "data-fact": key } },
    make("span", { className: "name", textContent: name }), make("strong", { textContent: value }),
    make("span", { className: "was", textContent: changed }));
}

function facts(page) {
  const change = page.iv === page.iv_start ? "" : ` ${page.iv_change}`;
  const iv = fact("information value", page.iv, page.iv_start, "iv");
  iv.append(make("span", { className: page.iv_change.startsWith("−") ? "change down" : "change", textContent: change }));
  const numeric = page.kind === "numeric";
  const trend = fact(page.trend_asked ? `event rate goes (asked: ${page.trend_asked})` : "event rate goes",
    page.trend, page.trend_start, "trend");
  const bins = fact(numeric ? "bins" : "groups", String(page.regular), String(page.regular_start), "bins");
  for (const note of page.notes) bins.append(make("span", { className: "note", textContent: note }));
  // Groups of levels have no order of their own: there is no way for the rate to go.
  return make("div", { className: "facts" }, iv, ...(numeric ? [trend] : []), bins,
    make("div", { className: "fact" }, make("span", { className: "name", textContent: "all rows" }),
      make("strong", { textContent: page.total }),
      make("span", { className: "was", textContent: ` event rate ${page.overall_text}` })));
}

/** What is typed or pasted elsewhere is not ours: copy without the clipboard's permission where there is none. */
async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    field.focus();
    field.select();
    document.execCommand("copy");
  }
}

function code(page, state, refresh) {
  const text = page[state.language];
  const rows = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 105)), 0);
  const field = make("textarea", {
    value: text, readOnly: true, rows: Math.min(rows, 10), spellcheck: false,
    attr: { "aria-label": "The edited bins as code", "data-key": "code" },
  });
  const choose = (language, name) => {
    const made = button(`as-${language}`, name, `Show the code as ${name}`, () => { state.language = language; refresh(); });
    made.setAttribute("aria-pressed", String(state.language === language));
    return made;
  };
  const copied = button("copy", state.copied === text ? "Copied ✓" : "Copy", "Copy this code", async () => {
    await copy(text, field);
    state.copied = text;
    refresh();
  });
  return make("div", { className: "code" },
    make("div", { className: "tools" }, make("span", { className: "name", textContent: "Edited bins as code" }),
      choose("python", "Python"), choose("yaml", "YAML"), choose("edit", "card.edit"), copied), field);
}

function render({ model, el }) {
  const state = { language: "python", copied: null, typed: {}, opened: new Set(), waits: null };
  const root = make("div", { className: "riskml-bins" });
  const said = make("div", { className: "said", attr: { role: "status", "aria-live": "polite" } });
  const body = make("div");
  root.append(body);
  el.append(root);

  /** Ask Python for a change; until it answers, further clicks are of a page that is no more, and are not sent. */
  function send(asked) {
    if (state.waits) return;
    state.waits = setTimeout(() => {
      state.waits = null;
      root.removeAttribute("aria-busy");
      said.textContent = "The kernel does not answer: is it busy, or restarted? Run the editor's cell again.";
      said.classList.add("refused");
    }, PATIENCE);
    root.setAttribute("aria-busy", "true");
    model.send(asked);
  }

  function answered() {
    clearTimeout(state.waits);
    state.waits = null;
    root.removeAttribute("aria-busy");
    refresh();
  }

  function refresh() {
    const page = { ...model.get("page"), typed: state.typed, opened: state.opened };
    if (!page.refused) for (const place of Object.keys(state.typed)) delete state.typed[place];
    // The keyboard stays where it was, or goes to the nearest of its kind: what it stood on may be gone.
    const active = root.getRootNode().activeElement;
    const key = root.contains(active) ? active.dataset.key : null;
    body.replaceChildren(tools(page, send, said), facts(page), picture(page, send), legend(page), table(page, send),
      code(page, state, refresh));
    said.textContent = page.message || "";
    said.classList.toggle("refused", Boolean(page.refused));
    if (key) focus(key);
  }

  function focus(key) {
    const [kind, place] = [key.split("-")[0], Number(key.split("-")[1])];
    const wanted = [key, ...(Number.isNaN(place) ? [] : [`${kind}-${place - 1}`, `split-${place}`, `split-0`]), "column"];
    for (const name of wanted) {
      const found = root.querySelector(`[data-key="${CSS.escape(name)}"]`);
      if (found && !found.disabled) return found.focus();
    }
  }

  function keys(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.matches("input")) return;
    event.preventDefault();
    event.stopPropagation();
    const page = model.get("page");
    if (event.shiftKey ? page.can_redo : page.can_undo) send({ do: event.shiftKey ? "redo" : "undo" });
  }

  root.addEventListener("keydown", keys);
  model.on("change:page", answered);
  refresh();
  return () => {
    clearTimeout(state.waits);
    model.off("change:page", answered);
  };
}

export default { render };
