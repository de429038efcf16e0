// The page's sections, from the tree that page_data.py wrote.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const hidden = new Set();
let build = data.builds[0];

const shown = () => build.allocators.filter(name => !hidden.has(name));
const look = name => lookOf(name, data.allocators);
const strongIf = name => isOurs(name) ? "strong" : "";
// A program's case begins with its name; with these words the lab finds the case again.
const isWhole = item => item.case.startsWith(item.workload);
const mainName = item => isWhole(item) ? item.case : item.workload;
const restOfName = item => isWhole(item) ? "" : item.case;
const nameOf = item => `${mainName(item)} ${restOfName(item)}`.trim();
const fullName = item => nameOf(item) + (item.threads > 1 ? `, ${item.threads} threads` : "");
const command = item => `./hak bench --only '${nameOf(item)}'`;
const optionsText = item => item.options.join("; ") || "default options";
const day = text => text.slice(0, 10);
const shortCommit = text => text.slice(0, 7) + (text.endsWith("+") ? "+" : ""); // +: with changes

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function fillSelect(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
  if (entries.some(([value]) => value === before)) select.value = before;
}

const noisyMark = item => item.noisy ? make("mark", {}, "noisy") : "";

function addCard(box, title, small, footer, mark = "") {
  const heading = make("h4", {}, title, " ", make("small", {}, small), " ", mark);
  const body = make("div");
  box.append(make("div", { className: "card" }, heading, body, make("code", {}, footer)));
  return body;
}

const addCardOf = (box, item, mark) =>
  addCard(box, mainName(item), restOfName(item), command(item), mark);

function fillTable(table, head, rows) {
  const line = (cells, tag) => make("tr", {}, ...cells.map((cell, place) =>
    cell instanceof Element ? cell : make(place ? tag : "th", {}, cell)));
  table.replaceChildren(make("thead", {}, line(head, "th")),
                        make("tbody", {}, ...rows.map(cells => line(cells, "td"))));
}

// ---- overview ----

const OVERVIEW = { time: ["Time", "time"], memory: ["Peak memory", "peak RSS"],
                   kept: ["Memory kept, in cases counted in MiB", "memory"] };

function overviewConfig(means, what) {
  const names = shown().filter(name => means[name]).sort((a, b) => means[a].mean - means[b].mean);
  const single = names.map((name, row) => ({
    data: means[name].each.map((x, place) => ({ x, y: row + (place % 5 - 2) * 0.07 })),
    backgroundColor: look(name).colour + "66", pointRadius: 2.5, order: 2,
  }));
  const mean = names.map((name, row) => ({
    label: name, data: [{ x: means[name].mean, y: row }], pointRadius: 7,
    pointStyle: look(name).shape, backgroundColor: look(name).colour,
    borderColor: isOurs(name) ? css("--ink") : look(name).colour, pointBorderWidth: 2,
    marks: [{ across: [means[name].low, means[name].high] }], order: 1,
  }));
  const all = names.flatMap(name => [...means[name].each, means[name].low, means[name].high]);
  const y = { min: -0.6, max: names.length - 0.4, reverse: true, grid: { display: false },
              afterBuildTicks: axis => { axis.ticks = names.map((_, value) => ({ value })); },
              ticks: { autoSkip: false, font: { size: 13 }, color: css("--ink"),
                       callback: row => `${names[row]}  ${times(means[names[row]].mean)}` } };
  return { type: "scatter", data: { datasets: [...mean, ...single] },
           options: options({ x: logAxis(`${what}, times the best (log)`, digits.format, all), y },
                            item => (item.dataset.label ?? "one case") + " " + times(item.raw.x)) };
}

function showOverview() {
  const box = byId("overview-charts");
  const parts = Object.keys(OVERVIEW).filter(part => Object.keys(build.overview[part]).length);
  forgetFigures(box);
  byId("overview").hidden = !parts.length;
  for (const part of parts) {
    const [title, what] = OVERVIEW[part];
    const means = build.overview[part];
    const words = Object.keys(means).map(name => `${name} ${times(means[name].mean)}`).join(", ");
    addFigure(addCard(box, title, "", "./hak bench"), 60 + 38 * shown().length,
              `${title}, times the best: ${words}`, () => overviewConfig(means, what));
  }
  const cell = (part, name) => {
    const mean = build.overview[part][name];
    return mean ? `${times(mean.mean)} (${factor(mean.low)} to ${factor(mean.high)})` : "–";
  };
  const count = test => String(build.cases.filter(test).length);
  fillTable(byId("overview-table"),
    ["Geometric means", ...parts.map(part => OVERVIEW[part][1]), "best or level", "of cases"],
    shown().map(name => [
      make("th", { className: strongIf(name) }, name),
      ...parts.map(part => cell(part, name)), count(item => item.leaders.includes(name)),
      count(item => item.cells[name]?.value !== undefined)]));
  const noisy = count(item => item.noisy);
  byId("left-out").textContent = noisy === "0" ? ""
    : `Left out of the means of time, because the runs of most allocators spread widely: ${noisy}`;
}

// ---- time against memory ----

function tradeConfig(item) {
  const pairs = name => (item ? [item] : build.cases).map(one => one.cells[name])
    .filter(cell => cell?.ratio && cell.memory).map(cell => ({ x: cell.ratio, y: cell.memory }));
  const { time, memory } = build.overview;
  const middle = name => item ? pairs(name)[0]
    : time[name] && memory[name] && { x: time[name].mean, y: memory[name].mean };
  const names = shown().filter(middle);
  const points = names.map(middle);
  // A name goes to the left of its point where another one is near on the right.
  const isCrowded = own => points.some(other => other !== own && other.x >= own.x
    && other.x < own.x * 1.5 && Math.abs(Math.log(other.y / own.y)) < 0.1);
  const large = names.map((name, place) => ({
    label: name, data: [points[place]], pointRadius: 8, pointStyle: look(name).shape,
    backgroundColor: look(name).colour, borderColor: look(name).colour, pointBorderWidth: 2,
    marks: [{ text: name, left: isCrowded(points[place]) }], order: 1,
  }));
  const small = item ? [] : names.map(name => ({
    data: pairs(name), pointRadius: 2.5, backgroundColor: look(name).colour + "66", order: 2,
  }));
  const all = [...large, ...small].flatMap(set => set.data);
  return { type: "scatter", data: { datasets: [...large, ...small] }, options: options({
    x: logAxis("time, times the best (log)", digits.format, all.map(point => point.x)),
    y: logAxis("peak RSS, times the best (log)", digits.format, all.map(point => point.y)),
  }, point => `${point.dataset.label ?? "one case"}: time ${times(point.raw.x)}, `
     + `peak RSS ${times(point.raw.y)}`) };
}

function showTrade() {
  const comparable = build.cases.filter(item =>
    Object.values(item.cells).some(cell => cell.ratio && cell.memory));
  const { time, memory } = build.overview;
  byId("trade").hidden = !Object.keys(time).some(name => memory[name]);
  if (byId("trade").hidden) return;
  fillSelect(byId("trade-case"), [["", "all: geometric means"],
    ...comparable.map(item => [fullName(item), fullName(item)])]);
  const item = comparable.find(one => fullName(one) === byId("trade-case").value);
  const box = byId("trade-chart");
  forgetFigures(box);
  const title = item ? fullName(item) : "Geometric means; small points are single cases";
  addFigure(addCard(box, title, "", item ? command(item) : "./hak bench"), 380,
            "Time against peak memory, both relative to the best", () => tradeConfig(item));
}

// ---- case by case ----

function barText(cell) {
  if (cell.value === undefined) return cell.failed;
  return digits.format(cell.value) + (cell.noisy ? " ~" : "");
}

function spreadText(item, name) {
  const cell = item.cells[name];
  if (cell.value === undefined) return `${name}: ${cell.failed}`;
  return `${name}: ${digits.format(cell.value)} ${item.unit}, 95 % interval `
    + `${digits.format(cell.low)} to ${digits.format(cell.high)}, ${cell.runs.length} runs`;
}

const unitText = item => `${item.unit} (${item.better === "higher" ? "more" : "less"} is better)`;

function barConfig(item) {
  const rank = name => item.cells[name].ratio ?? Infinity;
  const names = shown().filter(name => item.cells[name]).sort((a, b) => rank(a) - rank(b));
  const cells = names.map(name => item.cells[name]);
  return { type: "bar", data: { labels: names, datasets: [{
    data: cells.map(cell => cell.value ?? 0), barPercentage: 0.85, categoryPercentage: 0.9,
    backgroundColor: names.map(name => look(name).colour),
    marks: cells.map(cell => ({ runs: cell.runs, text: barText(cell) })),
  }] }, options: options({
    x: { ...linearAxis(unitText(item)),
         suggestedMax: Math.max(0, ...cells.flatMap(cell => cell.runs ?? [])) },
    y: { grid: { display: false }, ticks: { color: css("--ink"), autoSkip: false } },
  }, bar => spreadText(item, names[bar.dataIndex]),
  { indexAxis: "y", layout: { padding: { right: 64 } } }) };
}

// One card for a case; where it ran with several numbers of threads, buttons choose among them.
function addCaseCard(box, items) {
  const mark = noisyMark({ noisy: items.some(item => item.noisy) });
  const body = addCardOf(box, items[0], mark);
  const chart = make("div");
  const show = item => {
    forgetFigures(chart);
    addFigure(chart, 54 + 24 * shown().length,
              `${fullName(item)}. ` + shown().filter(name => item.cells[name])
                .map(name => spreadText(item, name)).join("; "), () => barConfig(item));
  };
  if (items.length > 1) {
    const buttons = items.map(item => make("button", { type: "button" }, String(item.threads)));
    const press = chosen => {
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", place === chosen));
      show(items[chosen]);
    };
    buttons.forEach((button, place) => button.addEventListener("click", () => press(place)));
    body.append(make("div", { className: "threads" }, "threads", ...buttons));
    press(items.length - 1);
  } else {
    show(items[0]);
  }
  body.append(chart);
}

const casesByThreads = () => Object.values(build.cases.reduce((found, item) => {
  (found[[item.group, mainName(item), restOfName(item), item.unit]] ??= []).push(item);
  return found;
}, {}));

function showCases() {
  const box = byId("case-cards");
  forgetFigures(box);
  for (const group of new Set(build.cases.map(item => item.group))) {
    const cards = make("div", { className: "cards" });
    box.append(make("h3", {}, group), cards);
    casesByThreads().filter(items => items[0].group === group)
      .forEach(items => addCaseCard(cards, items));
  }
}

// ---- lines: threads, latency, history ----

// `pointsOf(name)` gives { y, low, high } or null for each label.
function lineConfig(labels, pointsOf, x, y, tooltip) {
  const interaction = { mode: "index", intersect: false };
  const sets = shown().map(name => ({ name, points: pointsOf(name) }))
    .filter(set => set.points.some(point => point));
  return { type: "line", data: { labels, datasets: sets.map(({ name, points }) => ({
    label: name, data: points.map(point => point?.y ?? null),
    borderColor: look(name).colour, backgroundColor: look(name).colour, pointBorderWidth: 1.5,
    borderWidth: isOurs(name) ? 3 : 1.75, pointStyle: look(name).shape,
    pointRadius: isOurs(name) ? 5 : 4, order: isOurs(name) ? 0 : 1, spanGaps: true, clip: false,
    markColour: look(name).colour,
    marks: points.map(point => point?.low === undefined ? null : { up: [point.low, point.high] }),
  })) }, options: options({ x, y }, tooltip, { interaction }) };
}

const plainAxis = text => ({ title: titled(text), grid: { display: false }, offset: true });

function showScaling() {
  const box = byId("scaling-cards");
  forgetFigures(box);
  const series = casesByThreads().filter(items => items.length > 1);
  byId("scaling").hidden = !series.length;
  for (const items of series) {
    const pointsOf = name => items.map(item => item.cells[name]?.value === undefined ? null
      : { y: item.cells[name].value, low: item.cells[name].low, high: item.cells[name].high });
    addFigure(addCardOf(box, items[0]), 260,
              `${nameOf(items[0])} over the number of threads`,
              () => lineConfig(items.map(item => item.threads), pointsOf, plainAxis("threads"),
                               linearAxis(unitText(items[0])),
                               point => spreadText(items[point.dataIndex], point.dataset.label)));
  }
}

const LATENCY_NAMES = { p50_ns: "p50", p99_ns: "p99", p999_ns: "p99.9", p9999_ns: "p99.99",
                        max_ns: "worst" };

function showLatency() {
  const box = byId("latency-cards");
  forgetFigures(box);
  const items = build.cases.filter(item => Object.values(item.cells).some(cell => cell.p50_ns));
  byId("latency").hidden = !items.length;
  for (const item of items) {
    const pointsOf = name => data.latencies.map(key => item.cells[name]?.[key]
      ? { y: item.cells[name][key] } : null);
    const all = shown().flatMap(name => pointsOf(name).map(point => point?.y ?? 0));
    addFigure(addCardOf(box, item), 280,
              `${fullName(item)}: percentiles`,
              () => lineConfig(data.latencies.map(key => LATENCY_NAMES[key]), pointsOf,
                               plainAxis("percentile of calls"),
                               logAxis("time of a call (log)", duration, all),
                               point => `${point.dataset.label}: ${duration(point.raw)}`));
  }
}

function showHistory() {
  const { points, means, cases, common } = data.history;
  byId("history").hidden = points.length < 2;
  if (points.length < 2) return;
  const choices = cases.map(item => [fullName(item), fullName(item)]);
  if (common) choices.unshift(["", `geometric mean of time, times the best, ${common} cases`]);
  fillSelect(byId("history-case"), choices);
  const item = cases.find(one => fullName(one) === byId("history-case").value);
  const lines = item ? item.lines : means;
  const format = item ? value => digits.format(value) : times;
  const axis = linearAxis(item ? unitText(item) : "times the best (less is better)");
  if (!item) Object.assign(axis, { beginAtZero: false, suggestedMin: 1 });
  const box = byId("history-chart");
  forgetFigures(box);
  addFigure(addCard(box, item ? fullName(item) : "Geometric mean of time", "",
                    item ? command(item) : "./hak bench"), 320, "History over commits",
            () => lineConfig(points.map(point => [shortCommit(point.commit), day(point.date)]),
                             name => (lines[name] ?? []).map(y => y === null ? null : { y }),
                             plainAxis("commit"), axis,
                             point => `${point.dataset.label}: ${format(point.raw)}`));
}
