/* Start: filter the environments, stop a server after the dialog, look again while something moves, show the latest data. */
(() => {
  const body = document.body.dataset;
  const t = (en, zh) => window.LOOK.t(en, zh);
  const cards = [...document.querySelectorAll("[data-environment]")];
  const state = { text: "", kind: "" };

  function narrow() {
    let shown = 0;
    for (const card of cards) {
      const fits = (!state.kind || card.dataset.kindOf === state.kind) && card.textContent.toLowerCase().includes(state.text);
      card.hidden = !fits;
      shown += fits;
    }
    const none = document.querySelector("[data-none]");
    if (none) none.hidden = shown > 0;
  }
  document.querySelector("[data-filter]")?.addEventListener("input", (event) => { state.text = event.target.value.trim().toLowerCase(); narrow(); });
  for (const button of document.querySelectorAll("[data-kind]"))
    button.addEventListener("click", () => {
      state.kind = button.dataset.kind;
      for (const other of document.querySelectorAll("[data-kind]")) other.setAttribute("aria-pressed", String(other === button));
      narrow();
    });

  /* Time left goes on while the page is open; the words are those of the server. */
  const split = (seconds) => {
    const [day, hour, minute] = [86400, 3600, 60];
    if (seconds < 600) return [[Math.floor(seconds / minute), "min", "分"], [seconds % minute, "s", "秒"]];
    if (seconds < day) return [[Math.floor(seconds / hour), "h", "小时"], [Math.floor((seconds % hour) / minute), "min", "分"]];
    return [[Math.floor(seconds / day), "d", "天"], [Math.floor((seconds % day) / hour), "h", "小时"]];
  };
  /* Told once at each of these moments, in a region that screen readers follow. */
  const told = [[1800, "30 min", "30 分"], [600, "10 min", "10 分"], [180, "3 min", "3 分"]];
  function tell(box, left, whole) {
    const due = told.filter(([seconds]) => left <= seconds).pop();
    const place = box.querySelector("[data-notice]");
    if (!due || whole < due[0] || place.dataset.notice === String(due[0])) return;
    const more = box.closest("article").querySelector("[data-extend]") !== null;
    place.dataset.notice = String(due[0]);
    place.className = "bt-notice " + (due[0] <= 180 ? "bad" : "warn");
    const [en, zh] = more
      ? [`Ends within ${due[1]}. Extend it, or save your work.`, `将在 ${due[2]}内结束。请延长，或保存工作。`]
      : [`Ends within ${due[1]} and cannot be extended. Save your work.`, `将在 ${due[2]}内结束，且无法延长。请保存工作。`];
    place.querySelector("span").replaceChildren(element("span", { "data-zh": zh }, en));
    place.hidden = false;
    window.LOOK.show(place);
  }
  function count() {
    for (const box of document.querySelectorAll("[data-time-left]")) {
      const [end, begun] = [Date.parse(box.dataset.timeLeft), Date.parse(box.dataset.begun)];
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      const parts = split(left);
      const shown = parts.filter(([number]) => number > 0);
      const said = shown.length ? shown : [parts[1]];
      const words = (at) => said.map((part) => part[0] + " " + part[at]).join(" ");
      box.querySelector(".big").textContent = t(words(1) + " left", "剩余 " + words(2));
      tell(box, left, (end - begun) / 1000);
      box.dataset.level = left < 180 ? "bad" : left < 1800 ? "warn" : "";
      const bar = box.querySelector(".bt-bar i");
      bar.className = box.dataset.level;
      bar.style.width = Math.min(100, Math.max(0, 100 * (1 - (left * 1000) / Math.max(end - begun, 1)))) + "%";
    }
  }
  if (document.querySelector("[data-time-left]")) setInterval(count, 1000);

  for (const button of document.querySelectorAll("[data-stop-now]"))
    button.addEventListener("click", async () => {
      const dialog = button.closest("dialog");
      const said = dialog.querySelector("[data-stop-error]");
      button.setAttribute("aria-busy", "true");
      said.hidden = true;
      try {
        const answer = await fetch(button.dataset.stopNow, { method: "DELETE", headers: { "X-XSRFToken": body.xsrf } });
        if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message || answer.statusText);
        location.assign(body.hub + "home");
      } catch (error) {
        button.removeAttribute("aria-busy");
        said.textContent = t("It did not stop: ", "未能停止：") + error.message;
        said.hidden = false;
      }
    });

  /* While something starts or stops, the page looks again; a dialog or a text being typed is not disturbed. */
  if (document.querySelector("[data-moving]"))
    setInterval(() => { if (!document.querySelector("dialog[open]") && !document.querySelector("[data-filter]")?.value) location.reload(); }, 2500);

  /* The catalogue answers with the person's own rights; its cookie is made by one quiet visit to its page. */
  const known = () => { try { return sessionStorage.getItem("bt-catalogue") === body.user; } catch { return false; } };
  async function enter() {
    await fetch(catalogue, { headers: { Accept: "text/html" } });
    try { sessionStorage.setItem("bt-catalogue", body.user); } catch { /* private window: a visit each time */ }
  }
  async function ask(url) {
    const get = () => fetch(url, { headers: { Accept: "application/json" } });
    if (!known()) await enter();
    let answer = await get();
    if (answer.status === 401) {
      await enter();
      answer = await get();
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }
  const recent = document.querySelector("[data-recent]");
  const catalogue = recent?.dataset.recent || body.prefix + "services/catalogue/";

  function element(tag, attributes = {}, ...children) {
    const el = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) el.setAttribute(name, value);
    el.append(...children);
    return el;
  }
  function item(dataset) {
    const picture = element("span", { class: "pic", "aria-hidden": "true" });
    const sign = () => { picture.classList.add("none"); picture.replaceChildren(element("i", { "data-icon": "data" })); window.LOOK.show(picture); };
    if (dataset.state === "complete") {
      const image = element("img", { src: `${catalogue}datasets/${dataset.id}/thumbnail.png`, alt: "", loading: "lazy" });
      image.addEventListener("error", sign);
      picture.append(image);
    } else sign();
    const page = `${catalogue}page/${dataset.id}`;
    const facts = element("span", { class: "bt-muted bt-sm bt-ell", translate: "no" });
    if (dataset.measured_at) facts.append(element("time", { datetime: dataset.measured_at }), " · ");
    facts.append(dataset.energy ? `${Number(dataset.energy.value.toPrecision(4))} ${dataset.energy.unit}` : dataset.beamline);
    const name = element("div", { class: "bt-grow" }, element("b", { class: "bt-ell", translate: "no" }, element("a", { href: page }, dataset.name)), facts);
    const li = element("li", { class: "bt-card", "data-dataset": dataset.id }, picture, name);
    if (dataset.technique === "tomography" && document.querySelector('[data-environment="ct"]') && dataset.state === "complete" && dataset.kind !== "processed") {
      const open = element("a", { class: "bt-btn sm", href: `${recent.dataset.startUrl}?environment=ct&dataset=${encodeURIComponent(dataset.id)}`, "data-zh": "用 CT 打开" }, "Open in CT");
      li.append(open);
    }
    return li;
  }
  async function fill() {
    const page = await ask(`${catalogue}datasets?limit=6`);
    if (!page.datasets.length) return;
    recent.querySelector("ul").replaceChildren(...page.datasets.map(item));
    recent.hidden = false;
    window.LOOK.show(recent);
  }
  async function name() {
    for (const place of document.querySelectorAll("[data-dataset-name]")) {
      const dataset = await ask(`${catalogue}datasets/${encodeURIComponent(place.dataset.datasetName)}`);
      place.textContent = dataset.name;
    }
  }
  /* Without the catalogue the page is whole, only without its newest data. */
  if (recent) fill().catch(() => {}).then(name).catch(() => {});
})();
