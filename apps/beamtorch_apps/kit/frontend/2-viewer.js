/* The image viewer: a canvas with levels, colour map, position and value, scale bar. Values come as 16-bit steps. */

const MAPS = {
  gray: [[0, 0, 0], [255, 255, 255]],
  viridis: [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37]],
  cividis: [[0, 34, 78], [59, 73, 108], [113, 112, 115], [165, 156, 116], [254, 232, 56]],
  inferno: [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]],
};

function ramp(name) {
  const stops = MAPS[name] || MAPS.gray, table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) table[3 * i + c] = stops[k][c] + (stops[k + 1][c] - stops[k][c]) * (at - k);
  }
  return table;
}

class Viewer {
  constructor(speech) {
    this.speech = speech;
    this.map = "gray";
    this.levels = null;
    this.canvas = h("canvas.bt-ct-preview", { "data-testid": "bt-ct-preview", role: "img", tabindex: "0" });
    this.mark = h("span.tag", { style: "left:12px;top:12px" });
    this.at = h("span.tag", { style: "right:12px;top:12px" });
    this.at.hidden = true;
    this.scale = h("span.bt-scale", { style: "left:12px;bottom:12px" });
    this.scale.hidden = true;
    this.el = h("div.bt-viewer.v", this.canvas, this.mark, this.at, this.scale);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => { this.at.hidden = true; });
    new ResizeObserver(() => this.fit()).observe(this.el);
  }
  /* meta: width, height, low, high (of the 16-bit steps), levels [1 %, 99 %], mean, std, unit, pixel (µm), words */
  show(meta, steps) {
    this.meta = meta;
    this.steps = steps;
    this.levels = meta.levels;
    Object.assign(this.canvas, { width: meta.width, height: meta.height });
    Object.assign(this.canvas.dataset, {
      mean: meta.mean, std: meta.std, width: meta.width, height: meta.height, kind: meta.kind, index: meta.index,
      axis: meta.axis ?? "",
    });
    this.paint();
    this.label();
    this.fit();
  }
  clear() {
    this.meta = this.steps = null;
    this.canvas.width = this.canvas.height = 0;
    for (const name of Object.keys(this.canvas.dataset)) if (name !== "testid") delete this.canvas.dataset[name];
    this.mark.textContent = "";
    this.scale.hidden = this.at.hidden = true;
  }
  value(i) { return this.meta.low + (this.steps[i] / 65535) * (this.meta.high - this.meta.low); }
  paint() {
    if (!this.meta) return;
    const { width, height, low, high } = this.meta, [bottom, top] = this.levels;
    const gain = (255 * (high - low)) / 65535 / (top - bottom || 1), shift = (255 * (low - bottom)) / (top - bottom || 1);
    const table = ramp(this.map), picture = new ImageData(width, height), out = picture.data;
    for (let i = 0, o = 0; i < this.steps.length; i++, o += 4) {
      const level = this.steps[i] * gain + shift, k = 3 * (level < 0 ? 0 : level > 255 ? 255 : level | 0);
      out[o] = table[k]; out[o + 1] = table[k + 1]; out[o + 2] = table[k + 2]; out[o + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
  }
  label() {
    if (!this.meta) return;
    const s = this.speech;
    this.mark.textContent = s.say(this.meta.words);
    this.canvas.setAttribute("aria-label", `${s.say(this.meta.words)}; ${s.t("mean", "均值")} ${s.short(this.meta.mean)} ${this.meta.unit}, ${s.t("standard deviation", "标准差")} ${s.short(this.meta.std)}`);
  }
  fit() {
    if (!this.meta) return;
    const room = this.el.getBoundingClientRect(), { width, height } = this.meta;
    /* A sinogram or a scan of two rows has no shape of its own: it fills the stage. */
    const free = this.meta.kind === "sinogram" || Math.max(width / height, height / width) > 6;
    const zoom = Math.min(room.width / width, room.height / height);
    this.canvas.style.width = `${free ? room.width : width * zoom}px`;
    this.canvas.style.height = `${free ? room.height : height * zoom}px`;
    this.canvas.style.imageRendering = zoom > 2 ? "pixelated" : "auto";
    this.bar(free ? 0 : zoom);
  }
  bar(zoom) {
    this.scale.hidden = !(this.meta.pixel > 0 && zoom > 0);
    if (this.scale.hidden) return;
    const wanted = (110 / zoom) * this.meta.pixel, power = 10 ** Math.floor(Math.log10(wanted));
    const length = [5, 2, 1].find((step) => step * power <= wanted) * power;
    this.scale.replaceChildren(h("i", { style: `width:${(length / this.meta.pixel) * zoom}px` }), length >= 1000 ? `${length / 1000} mm` : `${length} µm`);
  }
  point(event) {
    if (!this.meta) return;
    const box = this.canvas.getBoundingClientRect(), { width, height, pixel, unit } = this.meta, s = this.speech;
    const x = Math.floor(((event.clientX - box.left) / box.width) * width), y = Math.floor(((event.clientY - box.top) / box.height) * height);
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const place = (v, n) => (pixel > 0 ? `${s.number(((v - (n - 1) / 2) * pixel) / 1000, 3)} mm` : s.number(v));
    this.at.textContent = `x ${place(x, width)} · y ${place(y, height)} · μ ${s.short(this.value(y * width + x))} ${unit}`;
    this.at.hidden = false;
  }
  histogram(bins = 110) {
    if (!this.meta) return null;
    const count = new Float64Array(bins), [bottom, top] = this.meta.levels, margin = 0.35 * (top - bottom);
    const low = Math.max(this.meta.low, bottom - margin), high = Math.min(this.meta.high, top + margin);
    for (let i = 0; i < this.steps.length; i += 3) {
      const k = Math.floor(((this.value(i) - low) / (high - low)) * bins);
      if (k >= 0 && k < bins) count[k]++;
    }
    return { low, high, count };
  }
}

/* A curve with its axis in a small SVG; points [[x, y]], marks as vertical lines, best as a dot. */
function plot(points, { width = 208, height = 112, marks = [], best = null, fill = false, label = "" } = {}) {
  const ns = "http://www.w3.org/2000/svg", svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", "bt-plot");
  const add = (tag, given, text) => {
    const el = document.createElementNS(ns, tag);
    for (const [name, value] of Object.entries(given)) el.setAttribute(name, value);
    if (text !== undefined) el.textContent = text;
    svg.append(el);
  };
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = fill ? 0 : Math.min(...ys), y1 = Math.max(...ys);
  const px = (x) => 8 + ((x - x0) / (x1 - x0 || 1)) * (width - 16), py = (y) => height - 32 - ((y - y0) / (y1 - y0 || 1)) * (height - 40);
  add("path", { d: `M8 ${height - 32}H${width - 8}`, class: "a" });
  const line = points.map(([x, y], i) => `${i ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
  if (fill) add("path", { d: `${line}L${px(x1)} ${height - 32}L${px(x0)} ${height - 32}Z`, fill: "var(--bt-series-1)", opacity: 0.18 });
  add("path", { d: line, fill: "none", stroke: "var(--bt-series-1)", "stroke-width": 1.2 });
  for (const mark of marks) add("path", { d: `M${px(mark)} 6V${height - 32}`, stroke: "var(--bt-select)", "stroke-width": 1.5 });
  if (best) add("circle", { cx: px(best[0]), cy: py(best[1]), r: 4.5, fill: "var(--bt-accent)" });
  const short = (value) => Number(value.toPrecision(Math.abs(value) >= 100 ? 5 : 3)).toString().replace("-", "−");
  add("text", { x: 8, y: height - 19, class: "t" }, short(x0));
  add("text", { x: width - 8, y: height - 19, class: "t", "text-anchor": "end" }, short(x1));
  add("text", { x: width / 2, y: height - 4, class: "l", "text-anchor": "middle" }, label);
  return svg;
}
