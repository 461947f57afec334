/* The CT app: what the person sees of the model's state. The model (widgets.py) decides; this draws and passes on. */

const VIEWS = [["projection", "Projection", "投影"], ["sinogram", "Sinogram", "正弦图"], ["slice", "Slice", "切片"]];

class CtPage {
  constructor(model, el) {
    this.model = model;
    this.state = model.get("state");
    this.speech = new Speech(this.state.language);
    this.local = { open: "axis", picking: false, showLog: false, typing: false, map: "gray", image: 0 };
    this.viewer = new Viewer(this.speech);
    const place = (what) => h(what);
    this.roots = { header: place("header.bt-header"), steps: place("div.scroll"), foot: place("div.foot"), tools: place("div.bt-tools"), insp: place("aside.insp"), cover: place("div.none"), cand: place("div.cand"), strip: place("footer.bt-jobs"), pick: place("div.none"), log: place("div.none") };
    const r = this.roots;
    r.header.setAttribute("style", "gap:12px;padding:0 14px");
    this.root = h("div.bt-app", { "data-testid": "bt-ct" }, r.header,
      h("div.app", h("aside.left", r.steps, r.foot), h("section.right", r.tools, h("div.stage", this.viewer.el, r.insp, r.cover), r.cand)),
      r.strip, r.pick, r.log);
    this.regions = Object.fromEntries(Object.entries({
      header: this.header, steps: this.steps, foot: this.foot, tools: this.tools, insp: this.insp, cover: this.cover, cand: this.cand, strip: this.strip, pick: this.pick, log: this.log,
    }).map(([name, draw]) => [name, new Region(r[name], draw.bind(this))]));
    el.append(this.root);
    this.speech.changed = () => { this.viewer.label(); this.draw(); };
    this.root.addEventListener("keydown", (event) => { if (event.key === "Escape" && (this.local.picking || this.local.showLog)) this.set({ picking: false, showLog: false }); });
    model.on("change:state", () => { this.state = model.get("state"); this.draw(); });
    model.on("msg:custom", (message, buffers) => this.receive(message, buffers));
    this.draw();
    this.tell("ready");
  }
  tell(what, facts = {}) { this.model.send({ do: what, ...facts }); }
  set(change) { Object.assign(this.local, change); this.draw(); }
  receive(message, buffers) {
    const bytes = buffers[0], view = bytes && (bytes.buffer ? bytes : new DataView(bytes));
    if (message.type === "image") {
      this.viewer.show(message.meta, new Uint16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
      this.set({ image: this.local.image + 1 });
    } else if (message.type === "candidates") {
      this.thumbs = { row: message.row, size: message.size, columns: message.columns, bytes: new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) };
      this.set({ image: this.local.image + 1 });
    }
  }
  draw() {
    const s = this.state, l = this.local, lang = this.speech.language, scan = s.scan;
    if (!scan && this.viewer.meta) { this.viewer.clear(); this.thumbs = null; l.image += 1; }
    this.regions.header.show([lang, s.dataset, s.rights, l.picking, s.path]);
    this.regions.steps.show([lang, scan, s.axis, s.filter, s.rows, s.output, s.busy, l.open, l.typing, s.dataset]);
    this.regions.foot.show([lang, scan, s.axis && s.axis.column, s.rows, s.job && s.job.state, s.busy, s.output]);
    this.regions.tools.show([lang, scan, s.view, s.preview, l.map, s.axis && s.axis.column]);
    this.regions.insp.show([lang, l.image, this.viewer.levels]);
    this.regions.cover.show([lang, s.error, scan, s.busy, s.catalogue]);
    this.regions.cand.show([lang, s.axis && [s.axis.column, s.axis.sweep], l.image, this.thumbs && this.thumbs.columns]);
    this.regions.strip.show([lang, s.job, s.busy, l.showLog, scan]);
    this.regions.pick.show([lang, l.picking, s.choices, s.catalogue, s.dataset && s.dataset.id]);
    this.regions.log.show([l.showLog, s.job && s.job.log]);
    this.roots.cand.hidden = !(scan && s.axis);
    this.roots.tools.style.visibility = scan ? "" : "hidden";
  }
  header() {
    const s = this.state, p = this.speech, d = s.dataset;
    const facts = d ? [d.energy, d.pixel_size, d.bytes ? p.bytes(d.bytes) : ""].filter(Boolean).join(" · ") : "";
    return [
      h("a.bt-brand", { href: s.home || "#", "aria-label": "Beamtorch" }, mark()), h("span", { style: "font-weight:600;font-size:15px;white-space:nowrap" }, p.t("CT reconstruction", "CT 重建")),
      h("span", { style: "width:1px;height:22px;background:var(--bt-border);flex:none" }),
      h("button.bt-btn.bt-ct-dataset", { "data-testid": "bt-ct-dataset", "data-key": "dataset", "aria-expanded": this.local.picking, style: "gap:8px;min-width:0", onclick: () => { this.set({ picking: !this.local.picking }); if (this.local.picking) { this.tell("search", { q: "" }); this.roots.pick.querySelector("input")?.focus(); } } },
        icon("data", "s"), h("b.bt-ell", d ? d.name : p.t("Choose a dataset", "选择数据集")), facts && h("span.bt-muted.bt-sm.bt-ell", facts), icon("down", "s")),
      s.rights && h("span.bt-chip.ok", icon("eye"), p.say(s.rights)),
      h("span.bt-grow"),
      h("div.bt-group.sm", [["en", "EN"], ["zh", "中文"]].map(([code, name]) => h("button.bt-btn.sm.quiet", { lang: code, "data-key": "lang-" + code, "data-set-lang": code, "aria-pressed": String(p.language === code), onclick: () => p.speak(code) }, name))),
      h("button.bt-btn.quiet.icon", { "data-key": "theme", "data-set-theme": "", "aria-label": p.t("Theme", "主题"), title: p.t("Theme: light, dark, high contrast", "主题：浅色、深色、高对比度"), onclick: () => p.nextTheme() }, icon("sun")),
    ];
  }
  step(key, number, title, result, done, body, extra = null) {
    const open = this.local.open === key && body;
    return h("li.bt-step." + (open ? "open" : done ? "done" : "todo"), h("button.h", { type: "button", "data-key": "step-" + key, "aria-expanded": String(Boolean(open)), onclick: () => this.set({ open: open ? "" : key }) },
      h("span.n", done && !open ? icon("check") : String(number)), h("span.t", title), extra, !open && result && h("span.r", result)), open && h("div.b", body));
  }
  steps() {
    const s = this.state, p = this.speech, scan = s.scan, t = p.t.bind(p);
    if (!scan) return h("ol.bt-steps", [["data", t("Data", "数据")], ["flat", t("Flat and dark", "平场与暗场")], ["axis", t("Axis of rotation", "旋转轴")], ["recon", t("Reconstruction", "重建")], ["output", t("Output", "输出")]].map(([key, title], i) => this.step(key, i + 1, title, null, false, null)));
    const n = (v) => p.number(v), turn = `${p.number(scan.angle_start, 2)}–${p.number(scan.angle_stop, 2)}°`;
    const kv = (rows) => h("dl.bt-kv", rows.map(([k, v]) => [h("dt", k), h("dd", { title: v }, v)]));
    return h("ol.bt-steps",
      this.step("data", 1, t("Data", "数据"), t(`${n(scan.projections)} projections, ${turn}, ${n(scan.columns)} × ${n(scan.rows)}`, `${n(scan.projections)} 幅投影，${turn}，${n(scan.columns)} × ${n(scan.rows)}`), true,
        kv([[t("File", "文件"), scan.path], [t("Sample", "样品"), scan.sample || "–"], [t("Projections", "投影"), `${n(scan.projections)}, ${turn}`], [t("Images", "图像"), `${n(scan.columns)} × ${n(scan.rows)} px`], [t("Energy", "能量"), scan.energy || "–"], [t("Pixel", "像素"), scan.pixel_size || "–"]]), h("span.bt-chip", { style: "height:20px" }, scan.layout)),
      this.step("flat", 2, t("Flat and dark", "平场与暗场"), t(`${n(scan.flats)} flats, ${n(scan.darks)} darks, mean of each`, `${n(scan.flats)} 幅平场、${n(scan.darks)} 幅暗场，各取均值`), true,
        h("p.bt-sm.bt-2nd", t(`Mean of ${n(scan.flats)} flats and ${n(scan.darks)} darks, then −log of the transmission. Pixels without light are filled from their neighbours.`, `对 ${n(scan.flats)} 幅平场和 ${n(scan.darks)} 幅暗场取均值，再取透射率的负对数。无光的像素由邻近像素填补。`))),
      this.step("axis", 3, t("Axis of rotation", "旋转轴"), s.axis ? `${p.number(s.axis.column, 2)} px` : t("looking …", "查找中 …"), Boolean(s.axis), this.axisStep()),
      this.step("recon", 4, t("Reconstruction", "重建"), t(`Direct Fourier, ${s.filter}`, `直接傅里叶，${s.filter}`), true,
        h("div.set", h("label", { for: "bt-filter" }, t("Filter", "滤波器")), h("select", { id: "bt-filter", "data-key": "filter", value: s.filter, onchange: (e) => this.tell("filter", { name: e.target.value }) }, ["ramp", "shepp-logan", "hann"].map((name) => h("option", { value: name, selected: name === s.filter }, name))))),
      this.step("output", 5, t("Output", "输出"), t(`float32 HDF5${s.output.tiff ? " and TIFF" : ""}, rows ${n(s.rows[0])}–${n(s.rows[1] - 1)}, ${p.bytes(s.output.bytes)}`, `float32 HDF5${s.output.tiff ? " 和 TIFF" : ""}，第 ${n(s.rows[0])}–${n(s.rows[1] - 1)} 行，${p.bytes(s.output.bytes)}`), true, this.outputStep()));
  }
  number(key, label, value, change, width = "") {
    return h("div.bt-input", { style: width }, h("input", { "data-key": key, "aria-label": label, value, inputmode: "decimal", onchange: (e) => { const v = Number(e.target.value.replaceAll(",", "").replace("−", "-")); if (Number.isFinite(v)) change(v); else e.target.value = value; } }));
  }
  axisStep() {
    const s = this.state, p = this.speech, t = p.t.bind(p), axis = s.axis, typing = this.local.typing;
    const way = (key, name, on) => h("button.bt-btn.quiet.bt-grow", { "data-key": "way-" + key, "aria-pressed": String(on), onclick: () => this.set({ typing: key === "type" }) }, name);
    return [
      h("div.bt-group", way("find", t("Find", "自动"), !typing), way("type", t("Type", "输入"), typing)),
      axis && h("div.found", h("span.bt-muted.bt-sm", t("Axis", "转轴")), h("b", { "data-testid": "bt-ct-axis" }, p.number(axis.column, 2), " ", h("span.bt-muted", { style: "font-weight:400;font-size:14px" }, (axis.error === null ? "" : `± ${p.number(Math.max(axis.error, 0.01), 2)} `) + "px")), h("span.bt-sm.bt-2nd", p.say(axis.how))),
      typing ? h("div.set", h("label", t("Column", "列")), this.number("axis", t("Column of the axis", "旋转轴所在列"), axis ? axis.column.toFixed(2) : "", (v) => this.tell("use-axis", { column: v })))
        : h("button.bt-btn", { "data-key": "find", disabled: Boolean(s.busy), onclick: () => this.tell("find-axis") }, t("Find again in this row", "用当前行再次查找")),
    ];
  }
  outputStep() {
    const s = this.state, p = this.speech, t = p.t.bind(p);
    return [
      h("div.set", { style: "grid-template-columns:1fr 76px 76px" }, h("label", t("Rows", "行")), this.number("row-first", t("First row", "首行"), s.rows[0], (v) => this.tell("rows", { first: v, last: s.rows[1] })), this.number("row-last", t("Last row", "末行"), s.rows[1] - 1, (v) => this.tell("rows", { first: s.rows[0], last: v + 1 }))),
      h("label.bt-row", h("input", { type: "checkbox", "data-key": "tiff", checked: s.output.tiff, onchange: (e) => this.tell("tiff", { on: e.target.checked }) }), t("TIFF series as well", "同时输出 TIFF 序列")),
      h("p.bt-sm.bt-muted", { style: "overflow-wrap:anywhere" }, s.output.folder),
    ];
  }
  foot() {
    const s = this.state, p = this.speech, rows = s.scan ? s.rows[1] - s.rows[0] : 0, running = s.job?.state === "running";
    const why = !s.scan ? p.t("Choose a dataset first.", "请先选择数据集。") : !s.axis ? p.t("The axis of rotation is not known yet.", "尚未确定旋转轴。") : running ? p.t("A reconstruction runs.", "正在重建。") : "";
    const where = s.output.folder.split("/").slice(-2).join("/");
    return [
      h("button.bt-btn.primary.bt-ct-reconstruct", { "data-testid": "bt-ct-reconstruct", "data-key": "go", style: "width:100%;height:38px;font-size:14px", disabled: Boolean(why), onclick: () => this.tell("reconstruct") }, icon("play"), s.scan ? p.t(`Reconstruct ${p.number(rows)} rows`, `重建 ${p.number(rows)} 行`) : p.t("Reconstruct", "重建")),
      h("p.bt-hint", { style: "margin-top:6px;overflow-wrap:anywhere", title: s.output.folder }, why || p.t(`${p.bytes(s.output.bytes)}, to ${where}`, `${p.bytes(s.output.bytes)}，写入 ${where}`)),
    ];
  }
  tools() {
    const s = this.state, p = this.speech, scan = s.scan, view = s.view;
    if (!scan) return [];
    const isProjection = view.kind === "projection", last = isProjection ? scan.projections : scan.rows, at = isProjection ? view.projection : view.row;
    const go = (v) => this.tell("view", { kind: view.kind, index: Math.min(Math.max(Math.round(v), 0), last - 1) });
    const label = isProjection ? p.t("Projection", "投影") : p.t("Row", "行");
    return [
      h("div.bt-group.sm", VIEWS.map(([kind, en, zh]) => h("button.bt-btn.sm.quiet", { "data-key": "view-" + kind, "aria-pressed": String(view.kind === kind), onclick: () => this.tell("view", { kind, index: kind === "projection" ? view.projection : view.row }) }, p.t(en, zh)))),
      h("span.sep"), h("span.bt-cmap." + this.local.map), h("select", { "data-key": "map", "aria-label": p.t("Colour map", "配色"), onchange: (e) => { this.viewer.map = e.target.value; this.viewer.paint(); this.set({ map: e.target.value }); } }, Object.keys(MAPS).map((name) => h("option", { value: name, selected: name === this.local.map }, name))),
      h("button.bt-btn.sm.quiet", { "data-key": "levels", onclick: () => { if (this.viewer.meta) { this.viewer.levels = this.viewer.meta.levels; this.viewer.paint(); this.draw(); } } }, icon("levels", "s"), p.t("Levels 1–99 %", "灰阶 1–99 %")),
      h("span.bt-grow"),
      h("span.bt-muted", label), h("input", { type: "range", min: 0, max: last - 1, value: at, "data-key": "slider", "aria-label": label, onchange: (e) => go(Number(e.target.value)) }),
      this.number("row", label, at, go, "width:70px;height:26px"), h("span.bt-muted", `/ ${p.number(last)}`),
      s.preview && h("span.bt-chip" + (s.preview.seconds < 2 ? ".ok" : ""), { style: "height:20px;margin-left:6px", "data-testid": "bt-ct-seconds" }, p.t(`preview ${s.preview.seconds.toFixed(s.preview.seconds < 0.1 ? 2 : 1)} s`, `预览 ${s.preview.seconds.toFixed(s.preview.seconds < 0.1 ? 2 : 1)} 秒`)),
    ];
  }
  insp() {
    const v = this.viewer, p = this.speech, meta = v.meta;
    if (!meta) return [];
    const hist = v.histogram(), wide = (hist.high - hist.low) / hist.count.length;
    const points = [...hist.count].map((c, i) => [hist.low + wide * (i + 0.5), Math.log10(1 + c)]);
    const level = (key, i, name) => this.number(key, name, p.short(v.levels[i]), (value) => { const now = [...v.levels]; now[i] = value; if (now[1] > now[0]) { v.levels = now; v.paint(); this.draw(); } }, "height:26px");
    return [
      h("div", h("span.bt-overline", p.t("Levels", "灰阶")), h("div", { style: "margin:2px -6px 0 -4px" }, plot(points, { fill: true, marks: v.levels, label: meta.unit ? `μ / ${meta.unit}` : p.t("line integral", "线积分") }))),
      h("div.bt-row", { style: "gap:6px" }, level("low", 0, p.t("Black", "黑")), h("span.bt-muted", "–"), level("high", 1, p.t("White", "白"))),
      h("hr.bt-divider", { style: "margin:2px 0" }),
      h("div", h("span.bt-overline", p.t("Picture", "图像")), h("dl.bt-kv", { style: "margin-top:5px;gap:3px 14px" },
        [[p.t("Size", "大小"), `${meta.width} × ${meta.height}`], [p.t("Mean", "均值"), `${p.short(meta.mean)} ${meta.unit}`], [p.t("Std dev", "标准差"), `${p.short(meta.std)} ${meta.unit}`], [p.t("Pixel", "像素"), meta.pixel > 0 ? `${p.short(meta.pixel)} µm` : "–"]].map(([k, value]) => [h("dt", k), h("dd", value)]))),
    ];
  }
  cover() {
    const s = this.state, p = this.speech;
    if (s.error) return h("div.cover", h("div.error.bt-ct-error", { "data-testid": "bt-ct-error", role: "alert", "data-code": s.error.code }, icon("error"), h("h2", p.say(s.error.title)), h("span"), h("p", p.say(s.error.detail)),
      h("footer", h("button.bt-btn.blue", { "data-key": "other", onclick: () => { this.set({ picking: true }); this.tell("search", { q: "" }); } }, p.t("Choose another dataset", "选择其他数据集")), s.scan && h("button.bt-btn", { "data-key": "dismiss", onclick: () => this.tell("dismiss") }, p.t("Go on", "继续")))));
    if (s.scan) return [];
    if (s.busy) return h("div.cover", h("div.bt-state", { role: "status", style: "color:var(--bt-viewer-text)" }, p.say(s.busy)));
    return h("div.cover", h("div.bt-state", { style: "color:var(--bt-viewer-text)" }, icon("ct"), h("h3", { style: "color:inherit" }, p.t("No dataset is open", "尚未打开数据集")), h("p", p.t("Choose a tomography scan to see its first slice.", "选择一个 CT 扫描，即可查看第一张切片。")), h("button.bt-btn", { "data-key": "empty-pick", onclick: () => { this.set({ picking: true }); this.tell("search", { q: "" }); } }, p.t("Choose a dataset", "选择数据集"))));
  }
  cand() {
    const s = this.state, p = this.speech, thumbs = this.thumbs;
    if (!s.axis || !thumbs) return [];
    const items = thumbs.columns.map((column, i) => {
      const cv = h("canvas", { width: thumbs.size, height: thumbs.size, "aria-hidden": "true" }), picture = new ImageData(thumbs.size, thumbs.size), from = i * thumbs.size ** 2;
      for (let k = 0; k < thumbs.size ** 2; k++) { picture.data[4 * k] = picture.data[4 * k + 1] = picture.data[4 * k + 2] = thumbs.bytes[from + k]; picture.data[4 * k + 3] = 255; }
      cv.getContext("2d").putImageData(picture, 0, 0);
      return h("li", h("button", { type: "button", "data-key": "cand-" + i, "aria-pressed": String(Math.abs(column - s.axis.column) < 0.005), "data-column": column, onclick: () => this.tell("use-axis", { column }) }, cv, h("span", p.number(column, 2))));
    });
    const sweep = s.axis.sweep, best = sweep && sweep.reduce((a, b) => (b[1] < a[1] ? b : a));
    return [
      h("div.bt-col", { style: "gap:6px;min-width:0" }, h("div.bt-row", h("b", p.t(`Candidate axes, row ${p.number(thumbs.row)}`, `候选转轴，第 ${p.number(thumbs.row)} 行`)), h("span.bt-muted.bt-sm", p.t("the label is the value used", "标签就是所用的值"))), h("ul.strip", items)),
      h("div.bt-col", sweep && [h("span.bt-overline", p.t("Sharpness, lower is better", "清晰度（越低越好）")), h("div", { style: "margin:0 -6px 0 -10px" }, plot(sweep, { width: 236, height: 126, best, label: p.t("axis / px", "转轴 / px") }))]),
    ];
  }
  strip() {
    const s = this.state, p = this.speech, job = s.job;
    if (!job) return [h("span.bt-muted", { role: "status" }, s.busy && s.scan ? p.say(s.busy) : p.t("No job runs.", "没有任务在运行。"))];
    const done = job.state === "done", part = job.rows ? (100 * job.done) / job.rows : 0;
    const log = h("button.bt-btn.sm.quiet", { "data-key": "log", "aria-expanded": String(this.local.showLog), onclick: () => this.set({ showLog: !this.local.showLog }) }, p.t("Log", "日志"));
    const bar = h("div.bt-bar.bt-ct-progress", { "data-testid": "bt-ct-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": job.rows, "aria-valuenow": job.done, "aria-label": p.t("Rows done", "已完成行数") }, h("i" + (done ? ".ok" : job.state === "failed" ? ".bad" : ""), { style: `width:${part}%` }));
    const head = h("b.bt-row", { style: "gap:6px" }, icon("run", "s"), p.t(`Volume ${job.name}`, `体数据 ${job.name}`));
    const rows = h("span", p.t(`${p.number(job.done)} of ${p.number(job.rows)} rows`, `${p.number(job.done)} / ${p.number(job.rows)} 行`));
    if (job.state === "running") return [head, bar, rows, job.rate > 0 && h("span.bt-muted", p.t(`${p.short(job.rate)} rows/s · ${p.duration(job.left)} left`, `${p.short(job.rate)} 行/秒 · 还需 ${p.duration(job.left)}`)), h("button.bt-btn.sm.quiet.bt-ct-cancel", { "data-testid": "bt-ct-cancel", "data-key": "cancel", onclick: () => this.tell("cancel") }, p.t("Cancel", "取消")), log];
    if (done) return [head, bar, rows, log, h("span.bt-grow"), h("span.bt-row.bt-ct-result.bt-ell", { "data-testid": "bt-ct-result", role: "status", "data-path": job.output, "data-dataset": job.dataset ?? "", style: `gap:5px;color:var(--bt-${job.problem ? "warning" : "success"})`, title: job.output }, icon(job.problem ? "warning" : "ok", "s"),
      h("span.bt-ell", job.problem ? p.t("Written, but not in the catalogue: ", "已写入，但未登记到目录：") + p.say(job.problem) : job.dataset ? p.t(`In the catalogue: ${job.name}`, `已登记到目录：${job.name}`) : p.t(`Written to ${job.output}`, `已写入 ${job.output}`)))];
    return [head, bar, rows, log, h("span.bt-grow"), h("span.bt-ell", { role: "status", title: p.say(job.problem), style: `color:var(--bt-${job.state === "failed" ? "danger" : "text-2"})` }, p.say(job.problem))];
  }
  pick() {
    if (!this.local.picking) return [];
    const s = this.state, p = this.speech, found = s.choices;
    const near = (item) => [item.sample, item.energy, item.bytes ? p.bytes(item.bytes) : ""].filter(Boolean).join(" · ");
    const list = found && (found.items.length ? h("ul", found.items.map((item) => h("li", h("button", { type: "button", "data-key": "pick-" + item.id, "data-dataset": item.id, "aria-current": String(s.dataset?.id === item.id), onclick: () => { this.set({ picking: false }); this.tell("open", { dataset: item.id }); } }, h("b.bt-ell", item.name), h("span.bt-muted.bt-sm", item.when), h("span.bt-sm.bt-2nd.bt-ell", near(item)), item.problem ? h("span.bt-chip.warn", p.t("incomplete", "不完整")) : h("span")))))
      : h("div.bt-state", h("p", found.q ? p.t(`No scan with “${found.q}”.`, `没有包含“${found.q}”的扫描。`) : p.t("You have no tomography scans yet.", "您还没有 CT 扫描。"))));
    let timer;
    return h("div.pick", { role: "dialog", "aria-label": p.t("Choose a dataset", "选择数据集") },
      s.catalogue && h("div.bt-input", icon("search", "s"), h("input", { type: "search", "data-key": "search", placeholder: p.t("name, sample, energy 20..30 keV", "名称、样品、energy 20..30 keV"), "aria-label": p.t("Search", "搜索"), oninput: (e) => { clearTimeout(timer); const q = e.target.value; timer = setTimeout(() => this.tell("search", { q }), 250); } })),
      s.catalogue && (found?.problem ? h("div.bt-notice.bad", icon("error"), h("div", p.say(found.problem))) : list),
      h("form.bt-row", { onsubmit: (e) => { e.preventDefault(); const path = e.target.elements.path.value.trim(); if (path) { this.set({ picking: false }); this.tell("open-path", { path }); } } },
        h("div.bt-input.bt-grow", h("input", { name: "path", "data-key": "path", placeholder: p.t("or a file: ~/datasets/…/scan.nxs", "或文件：~/datasets/…/scan.nxs"), "aria-label": p.t("Path of a scan", "扫描文件路径") })), h("button.bt-btn", p.t("Open", "打开"))));
  }
  log() { return this.local.showLog && this.state.job ? h("pre.bt-code.log", { tabindex: "0" }, this.state.job.log.join("\n") || "–") : []; }
}

export default { render({ model, el }) { new CtPage(model, el); } };
