// The sortable table of all cases, failures, the machine, and the page's start.

const mib = kib => digits.format(kib / 1024);
const COST_NAMES = { // counted by tools, and therefore for each operation of the workload
  memory_syscalls: "memory system calls an operation", instructions: "instructions an operation",
  cycles: "cycles an operation", cache_misses: "cache misses an operation" };

// What the table can show. `text` is of a number: the key's in the cell, unless `from` finds it.
const METRICS = {
  ratio: { label: "time relative to the best", text: times, shade: true },
  value: { label: "value, in the case's unit", text: value => digits.format(value) },
  spread: { label: "value and 95 % interval", from: cell => cell.value, text: (value, cell) =>
    `${digits.format(value)} (${digits.format(cell.low)} to ${digits.format(cell.high)})` },
  memory: { label: "peak RSS relative to the best", text: times, shade: true },
  glibc: { label: "peak RSS relative to glibc", text: times, shade: true,
           from: (cell, item) => cell.peak_rss_kib / item.cells.glibc?.peak_rss_kib },
  peak_rss_kib: { label: "peak RSS, MiB", text: mib },
  end_rss_kib: { label: "RSS at the end, MiB", text: mib },
};
for (const key of data.costs.slice(2)) {
  METRICS[key] = { label: COST_NAMES[key] ?? key.replaceAll("_", " "),
                   text: value => compact.format(value) };
}
for (const key of data.latencies) {
  METRICS[key] = { label: `latency, ${LATENCY_NAMES[key]}`, text: duration };
}

const order = { column: "", down: false }; // column: an allocator, or "" for the suite's order

function numberIn(item, name, key) {
  const cell = item.cells[name];
  const value = cell && (METRICS[key].from ?? (one => one[key]))(cell, item);
  return Number.isFinite(value) ? value : null;
}

function tableCell(item, name, key) {
  const cell = item.cells[name];
  const value = numberIn(item, name, key);
  if (value === null) return make("td", { className: "failed" }, cell?.failed ?? "–");
  const isTime = ["ratio", "value", "spread"].includes(key);
  const isBest = isTime ? item.leaders.includes(name) : key === "memory" && value === 1;
  const element = make("td", { className: isBest ? "best" : "", title: spreadText(item, name) },
                       METRICS[key].text(value, cell) + (isTime && cell.noisy ? " ~" : ""));
  if (METRICS[key].shade) {
    const part = Math.min(Math.max(Math.log2(value) * 9, 0), 36).toFixed(0);
    element.style.background = `color-mix(in srgb, var(--muted) ${part}%, transparent)`;
  }
  return element;
}

function caseHeading(item) {
  const threads = item.threads > 1 ? `${item.threads} threads, ` : "";
  return make("th", { scope: "row" }, make("b", {}, mainName(item)), ` ${restOfName(item)} `,
              make("span", { className: "muted" }, `${threads}${item.unit} `), noisyMark(item));
}

function sortedCases(key) {
  const word = byId("filter").value.toLowerCase();
  const found = build.cases.filter(item =>
    `${item.group} ${fullName(item)}`.toLowerCase().includes(word));
  if (!order.column) return order.down ? found.reverse() : found;
  return found.sort((a, b) => { // those without a figure stay at the end
    const [x, y] = [a, b].map(item => numberIn(item, order.column, key));
    if (x === null || y === null) return (x === null) - (y === null);
    return order.down ? y - x : x - y;
  });
}

function headButton(column, text) {
  const button = make("button", { type: "button", className: strongIf(column) }, text);
  const head = make("th", { scope: "col" }, button);
  if (order.column === column) head.ariaSort = order.down ? "descending" : "ascending";
  button.addEventListener("click", () => {
    order.down = order.column === column && !order.down;
    order.column = column;
    showTable();
    focusButton(byId("cases"), text);
  });
  return head;
}

// What is drawn anew loses the focus; a keyboard goes on from the same button.
function focusButton(box, text) {
  [...box.querySelectorAll("button")].find(button => button.textContent === text).focus();
}

function showTable() {
  const isKnown = key => key === "ratio" || build.cases.some(item =>
    shown().some(name => numberIn(item, name, key) !== null));
  fillSelect(byId("metric"), Object.keys(METRICS).filter(isKnown)
    .map(key => [key, METRICS[key].label]));
  const key = byId("metric").value;
  const body = make("tbody");
  let group = null;
  for (const item of sortedCases(key)) {
    if (!order.column && item.group !== group) {
      group = item.group;
      body.append(make("tr", { className: "group" },
                       make("th", { colSpan: shown().length + 1, scope: "rowgroup" }, group)));
    }
    const cells = shown().map(name => tableCell(item, name, key));
    body.append(make("tr", {}, caseHeading(item), ...cells));
  }
  byId("cases").replaceChildren(make("thead", {}, make("tr", {}, headButton("", "case"),
    ...shown().map(name => headButton(name, name)))), body);
  byId("noisy-note").textContent = `~ noisy: the middle half of the runs spans more than `
    + `${data.noisy_percent} % of the median.`;
}

// ---- failures, machine, header ----

function showFailures() {
  byId("failures").hidden = !build.failures.length;
  const head = ["Allocator", "Case", "What", "Runs", "Note", "Again"];
  fillTable(byId("failure-table"), head, build.failures.map(item => [
    item.allocator, fullName(item), item.status, `${item.failed} of ${item.runs}`, item.note,
    make("td", {}, make("code", {}, `${command(item)} --allocators ${item.allocator}`))]));
}

function showMachine() {
  const when = text => text.replace("T", " ").replace("+00:00", " UTC");
  const facts = {
    Processor: build.cpu, Kernel: "Linux " + build.kernel, Compiler: build.compiler,
    Commit: build.commit, "Build options": optionsText(build),
    Measured: build.dates.map(when).join(", "),
    Runs: `${build.rows}, in up to ${build.rounds} rounds`,
    Again: make("code", {}, "./hak bench"),
    ...Object.fromEntries(build.allocators.map(name => [name, build.libraries[name] || "–"])),
  };
  byId("machine-list").replaceChildren(...Object.entries(facts).flatMap(([term, text]) =>
    [make("dt", {}, term), make("dd", {}, text || "–")]));
  byId("facts").textContent = [build.cpu, "Linux " + build.kernel, build.compiler,
    `commit ${shortCommit(build.commit)}`, day(build.dates.at(-1)), `${build.cases.length} cases`,
    `up to ${build.rounds} rounds`].filter(Boolean).join(" · ");
}

function showLegend() {
  byId("legend").replaceChildren(...build.allocators.map(name => {
    const sign = make("span", { ariaHidden: "true" }, look(name).sign + " ");
    sign.style.color = look(name).colour;
    const button = make("button", { type: "button", className: strongIf(name) }, sign, name);
    button.setAttribute("aria-pressed", !hidden.has(name));
    button.addEventListener("click", () => {
      if (!hidden.delete(name) && shown().length > 1) hidden.add(name);
      showAll();
      focusButton(byId("legend"), button.textContent);
    });
    return button;
  }));
}

function showAll() {
  for (const show of [showLegend, showOverview, showTrade, showTable, showCases, showScaling,
                      showLatency, showHistory, showFailures, showMachine]) show();
  byId("contents").replaceChildren(...[...document.querySelectorAll("main section")]
    .filter(section => !section.hidden)
    .map(({ id }) => make("a", { href: "#" + id }, byId(id).querySelector("h2").textContent)));
}

// ---- start ----

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  showAll();
}

function start() {
  const wanted = matchMedia("(prefers-color-scheme: dark)");
  wanted.addEventListener("change", () => setTheme(wanted.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => setTheme(theme() === "dark" ? "light" : "dark"));
  byId("build-choice").hidden = data.builds.length < 2;
  fillSelect(byId("build"), data.builds.map((one, place) => [String(place),
    `${shortCommit(one.commit)}, ${day(one.dates.at(-1))}, ${optionsText(one)}`]));
  byId("build").addEventListener("change", event => {
    build = data.builds[event.target.value];
    showAll();
  });
  byId("metric").addEventListener("change", showTable);
  byId("trade-case").addEventListener("change", showTrade);
  byId("history-case").addEventListener("change", showHistory);
  byId("filter").addEventListener("input", showTable);
  addEventListener("beforeprint", drawAll);
  setTheme(wanted.matches ? "dark" : "light");
}

start();
