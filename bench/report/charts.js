// Chart.js as this page uses it: colours, marks, axes, and when a chart is drawn.

const STRONG = { light: ["#d9480f", "#8f2d06"], dark: ["#ff7a45", "#ffc2a3"] };
const QUIET = ["#7d848d", "#5f8fc4", "#a8862f", "#9a7bb5", "#3f9a96", "#94705c", "#bd7896"];
const SHAPES = [["circle", "●"], ["triangle", "▲"], ["rect", "■"], ["rectRot", "◆"],
                ["star", "✱"], ["crossRot", "✖"], ["cross", "✚"]];

const theme = () => document.documentElement.dataset.theme;
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isOurs = name => name.startsWith("hakmem");

// Our builds are strong and come first; the others share the quiet colours in their order.
function lookOf(name, names) {
  const place = names.filter(other => isOurs(other) === isOurs(name)).indexOf(name);
  const colours = isOurs(name) ? STRONG[theme()] : QUIET;
  const shape = SHAPES[names.indexOf(name) % SHAPES.length];
  return { colour: colours[place % colours.length], shape: shape[0], sign: shape[1] };
}

// ---- numbers ----

const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const factor = ratio => ratio < 9.95 ? ratio.toFixed(2) : digits.format(ratio);
const times = ratio => factor(ratio) + "×";

function duration(ns) {
  const step = ns < 1 ? 0 : Math.min(Math.floor(Math.log10(ns) / 3), 3);
  return digits.format(ns / 1000 ** step) + " " + ["ns", "µs", "ms", "s"][step];
}

// ---- marks: single runs as dots on bars, intervals as whiskers, text beside a point ----

function drawWhisker(context, from, to) {
  const across = from.x === to.x ? [3, 0] : [0, 3];
  context.beginPath();
  for (const end of [from, to]) {
    context.moveTo(end.x - across[0], end.y - across[1]);
    context.lineTo(end.x + across[0], end.y + across[1]);
  }
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
}

function drawMark(chart, element, mark, colour) {
  const { ctx: context, scales: { x, y } } = chart;
  const ink = css("--ink");
  context.fillStyle = context.strokeStyle = ink;
  for (const run of mark.runs ?? []) {
    context.globalAlpha = 0.5;
    context.beginPath();
    context.arc(x.getPixelForValue(run), element.y, 2, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
  context.strokeStyle = colour ?? ink;
  if (mark.across) {
    const [from, to] = mark.across.map(value => ({ x: x.getPixelForValue(value), y: element.y }));
    drawWhisker(context, from, to);
  }
  if (mark.up) {
    const [from, to] = mark.up.map(value => ({ x: element.x, y: y.getPixelForValue(value) }));
    drawWhisker(context, from, to);
  }
  if (mark.text) {
    const right = Math.max(element.x, ...(mark.runs ?? []).map(run => x.getPixelForValue(run)));
    const fits = !mark.left && right + 12 + context.measureText(mark.text).width < chart.width;
    const place = [mark.text, fits ? right + 9 : element.x - 11, element.y];
    context.textBaseline = "middle";
    context.textAlign = fits ? "left" : "right";
    context.strokeStyle = css("--card"); // sets the text off from points under it
    context.lineWidth = 3;
    context.strokeText(...place);
    context.fillText(...place);
  }
}

const marksPlugin = {
  id: "marks",
  afterDatasetsDraw(chart) {
    chart.ctx.save();
    chart.ctx.font = `12px ${Chart.defaults.font.family}`;
    chart.data.datasets.forEach((dataset, index) => {
      const elements = chart.getDatasetMeta(index).data;
      dataset.marks?.forEach((mark, place) => {
        if (mark && elements[place]) drawMark(chart, elements[place], mark, dataset.markColour);
      });
    });
    chart.ctx.restore();
  },
};

// ---- axes ----

// On a logarithmic axis, as many round numbers as there is room for.
function roundTicks(axis) {
  const range = Math.log10(axis.max / axis.min) / Math.min(axis.chart.width / 500, 1);
  const steps = range < 0.4 ? [1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 5]
    : range < 1.3 ? [1, 1.5, 2, 3, 5, 7] : range < 3 ? [1, 2, 5] : [1];
  axis.ticks = [];
  for (let decade = 10 ** Math.floor(Math.log10(axis.min)); decade <= axis.max; decade *= 10) {
    axis.ticks.push(...steps.map(step => ({ value: step * decade })));
  }
  axis.ticks = axis.ticks.filter(tick => tick.value >= axis.min && tick.value <= axis.max);
}

const titled = text => ({ display: true, text, font: { size: 12 } });

function linearAxis(text) {
  return { title: titled(text), beginAtZero: true, grid: { color: css("--line") },
           ticks: { maxTicksLimit: 6, callback: value => digits.format(value) } };
}

function logAxis(text, format, values) {
  const known = values.filter(value => value > 0);
  const room = (Math.max(...known) / Math.min(...known)) ** 0.04 * 1.02;
  return { type: "logarithmic", title: titled(text), afterBuildTicks: roundTicks,
           min: Math.min(...known) / room, max: Math.max(...known) * room,
           grid: { color: css("--line") }, ticks: { callback: format, maxRotation: 0 } };
}

function options(scales, label, more = {}) {
  return { animation: false, maintainAspectRatio: false, scales, color: css("--ink"), ...more,
           plugins: { legend: { display: false }, tooltip: { callbacks: { label } } } };
}

// ---- drawing when seen: a page of a hundred charts is too much for a phone at once ----

const figures = new Map(); // canvas -> { make, chart }
const watcher = new IntersectionObserver(entries => entries.forEach(entry => {
  if (entry.isIntersecting) draw(entry.target);
}), { rootMargin: "400px" });

function draw(canvas) {
  const figure = figures.get(canvas);
  if (!figure || figure.chart) return;
  Chart.defaults.color = css("--muted");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  figure.chart = new Chart(canvas, { plugins: [marksPlugin], ...figure.make() });
}

function drawAll() {
  for (const canvas of figures.keys()) draw(canvas);
}

// A canvas of this height in `box`; `label` says in words what it shows.
function addFigure(box, height, label, make) {
  const canvas = document.createElement("canvas");
  const frame = document.createElement("div");
  frame.className = "canvas";
  frame.style.height = height + "px";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  frame.append(canvas);
  box.append(frame);
  figures.set(canvas, { make, chart: null });
  watcher.observe(canvas);
}

function forgetFigures(box) {
  for (const canvas of box.querySelectorAll("canvas")) {
    figures.get(canvas)?.chart?.destroy();
    figures.delete(canvas);
    watcher.unobserve(canvas);
  }
  box.replaceChildren();
}
