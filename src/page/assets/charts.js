// @ts-check
import { el, fill } from "./dom.js";
import { hour } from "./numbers.js";
import uPlot from "./uPlot.esm.js";

/**
 * One series. `colour` is the name of a custom property of the style sheet, and `dash` and `sign` tell lines apart without
 * it. `values` are what tables and the readout say; `null` = not known.
 *
 * @typedef {object} Series
 * @property {string} label
 * @property {string} colour
 * @property {"solid" | "dashed" | "dotted" | "hatched"} style
 * @property {readonly (number | null)[]} values
 */
/** @typedef {{ at: readonly number[], series: readonly Series[] }} Data `at`: seconds since the epoch. */
/**
 * @typedef {object} Kind
 * @property {string} title
 * @property {string} about what it shows, in one sentence
 * @property {boolean} stacked bars on one another, the first series at the bottom; else lines
 * @property {(value: number | null) => string} text how a value is written
 * @property {number} [most] the axis ends there, or above
 */

const dashes = { solid: [], dashed: [7, 4], dotted: [2, 3], hatched: [] };
const height = 190;
/** Steps of an axis of whole numbers. */
const wholeSteps = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((power) => [1, 2, 5].map((step) => step * power));
const dark = matchMedia("(prefers-color-scheme: dark)");

/**
 * A chart with its legend, a line that says what is under the pointer, and the same numbers as a table.
 *
 * @param {Kind} kind
 */
export function chart(kind) {
  const { title, about, text } = kind;
  const canvas = el("div", {
    class: "plot",
    role: "img",
    "aria-label": `${title}. ${about} The same as a table is below.`,
  });
  const legend = el("ul", { class: "legend" });
  const readout = el("p", { class: "readout hint", "aria-hidden": "true" });
  const table = el("div", {
    class: "table-place",
    tabindex: "0",
    role: "region",
    "aria-label": `${title}, as a table`,
  });
  const details = el("details", {}, el("summary", {}, "As a table"), table);
  /** @type {uPlot | null} */
  let plot = null;
  /** @type {Data | null} */
  let shown = null;

  new ResizeObserver(() => {
    if (plot && canvas.clientWidth > 0) plot.setSize({ width: canvas.clientWidth, height });
    else draw();
  }).observe(canvas);
  dark.addEventListener("change", () => {
    plot?.destroy();
    plot = null;
    draw();
  });
  details.addEventListener("toggle", tabulate);

  return {
    element: el("section", { class: "card chart" }, el("h2", {}, title), legend, canvas, readout, details),
    /** @param {Data} data */
    update(data) {
      shown = data;
      draw();
      fill(
        legend,
        ...[...data.series].reverse().map(({ label, colour, style }) => el("li", {}, swatch(colour, style), label)),
      );
      tabulate();
    },
  };

  function draw() {
    // The page may have gone to another view, or not be laid out yet.
    if (shown === null || !canvas.isConnected || canvas.clientWidth === 0) return;
    const data = /** @type {uPlot.AlignedData} */ ([shown.at, ...plotted(kind, shown.series)]);
    if (plot) plot.setData(data);
    else {
      plot = new uPlot(options(kind, shown.series, canvas.clientWidth, said), data, canvas);
    }
  }

  /** @param {number | null | undefined} i */
  function said(i) {
    const at = shown?.at[i ?? -1];
    if (shown === null || at === undefined || i === null || i === undefined) return fill(readout);
    const values = [...shown.series].reverse().map(({ label, values }) => `${label} ${text(values[i] ?? null)}`);
    fill(readout, `${hour(at)}: ${values.join(", ")}`);
  }

  function tabulate() {
    if (!details.open || shown === null) return;
    const { at, series } = shown;
    const order = [...series].reverse();
    const head = el(
      "tr",
      {},
      ...["From", ...order.map(({ label }) => label)].map((name) => el("th", { scope: "col" }, name)),
    );
    const rows = at.map((seconds, i) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, hour(seconds)),
        ...order.map(({ values }) => el("td", {}, values[i] === null ? "not known" : text(values[i] ?? null))),
      ),
    );
    fill(table, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows.reverse())));
  }
}

/** @param {string} colour @param {Series["style"]} style */
function swatch(colour, style) {
  return el("span", { class: `swatch ${style} ${colour}`, "aria-hidden": "true" });
}

/** Bars are drawn over each other, the highest first, each as high as all below it. @param {Kind} kind @param {readonly Series[]} series */
function plotted({ stacked }, series) {
  const values = series.map((one) => one.values);
  if (!stacked) return values;
  const sums = values.map((_, s) =>
    (values[0] ?? []).map((known, i) =>
      known === null ? null : values.slice(0, s + 1).reduce((sum, one) => sum + (one[i] ?? 0), 0),
    ),
  );
  return sums.reverse();
}

/**
 * @param {Kind} kind
 * @param {readonly Series[]} series
 * @param {number} width
 * @param {(i: number | null | undefined) => void} said
 * @returns {uPlot.Options}
 */
function options({ stacked, text, most }, series, width, said) {
  const style = getComputedStyle(document.documentElement);
  const colourOf = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const ticks = { stroke: colourOf("muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: colourOf("line"), width: 1 };
  const drawn = stacked ? [...series].reverse() : series;
  const bars = stacked && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.9, 40] }) } : {};
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: !stacked, size: 7 }, y: false },
    hooks: { setCursor: [({ cursor }) => said(cursor.idx)] },
    scales: {
      y: { range: (_plot, _min, max) => [0, Math.max(most ?? 1, (Number.isFinite(max) ? max : 0) * 1.05)] },
    },
    axes: [
      { ...ticks, grid: { show: false }, size: 30, values: (_plot, splits) => splits.map(hour), space: 70 },
      {
        ...ticks,
        grid,
        size: 62,
        values: (_plot, splits) => splits.map((value) => text(value)),
        space: 34,
        ...(stacked && { incrs: wholeSteps }),
      },
    ],
    series: [
      {},
      ...drawn.map(({ label, colour, style: look }) => {
        const stroke = colourOf(colour);
        const fillOf = () => (look === "hatched" ? hatched(stroke, colourOf("surface")) : stroke);
        const common = { label, points: { show: false }, spanGaps: false };
        if (stacked) return { ...common, ...bars, fill: fillOf, stroke, width: 0 };
        return { ...common, points: { size: 5 }, stroke, width: 2, dash: dashes[look] };
      }),
    ],
  };
}

/** Stripes, which differ from plain bars in any colour. @param {string} colour @param {string} back */
function hatched(colour, back) {
  const tile = document.createElement("canvas");
  tile.width = 8;
  tile.height = 8;
  const pen = tile.getContext("2d");
  if (!pen) return colour;
  pen.fillStyle = back;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = colour;
  pen.lineWidth = 3;
  for (const from of [-8, 0, 8]) {
    pen.moveTo(from, 8);
    pen.lineTo(from + 8, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat") ?? colour;
}
