/* What every app's page needs: elements, icons, both languages, the theme. Top-level names are used by later scripts. */

/* h("button.bt-btn", { onclick }, "text", [more], null): an element. Strings become text, never markup. */
function h(what, given, ...children) {
  const [tag, ...classes] = what.split(".");
  const el = document.createElement(tag || "div");
  if (classes.length) el.className = classes.join(" ");
  if (given !== null && (typeof given !== "object" || given instanceof Node || Array.isArray(given))) children.unshift(given);
  else
    for (const [name, value] of Object.entries(given ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
      else if (name === "value") el.value = value;
      else el.setAttribute(name, value === true ? "" : String(value));
    }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) el.append(child);
  return el;
}

function icon(name, size = "") {
  const el = h("i" + (size ? "." + size : ""), { "data-icon": name, "aria-hidden": "true" });
  el.innerHTML = `<svg viewBox="0 0 24 24">${ICONS[name] || ""}</svg>`;
  return el;
}

const MARK = `<svg class="bt-mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.2c.6 3.4 7 6 7 12.2a7 7 0 0 1-14 0c0-3 1.5-5 3-6.6C9.7 6 11.3 4.6 12 2.2Z" class="o"/><path d="M12 8.6c.4 1.9 3.6 3.3 3.6 6.3a3.6 3.6 0 0 1-7.2 0c0-2.9 3-4.2 3.6-6.3Z" class="m"/><path d="M0 15.2h24" class="b"/><circle cx="12" cy="15.2" r="1.5" class="i"/></svg>`;
function mark() {
  const el = h("span", { "data-mark": "" });
  el.innerHTML = MARK;
  return el;
}

const keep = {
  get: (key) => { try { return localStorage.getItem("bt-" + key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem("bt-" + key, value); } catch { /* private window */ } },
};

/* Language and theme of the page; the app is drawn again when the language changes. */
class Speech {
  constructor(fallback) {
    const asked = new URLSearchParams(location.search).get("lang");
    const said = asked || keep.get("lang") || fallback || navigator.language;
    this.language = said.startsWith("zh") ? "zh" : "en";
    this.changed = () => {};
    this.isPage = document.documentElement.dataset.page === "app";
    this.mark();
  }
  t(en, zh) { return this.language === "zh" ? zh : en; }
  say(words) { return words ? words[this.language] : ""; }
  speak(language) {
    this.language = language;
    keep.set("lang", language);
    this.mark();
    this.changed();
  }
  mark() { if (this.isPage) document.documentElement.lang = this.language === "zh" ? "zh-CN" : "en"; }
  nextTheme() {
    const root = document.documentElement;
    const system = matchMedia("(prefers-contrast: more)").matches ? "contrast"
      : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const themes = ["light", "dark", "contrast"];
    root.dataset.theme = themes[(themes.indexOf(root.dataset.theme || system) + 1) % 3];
    keep.set("theme", root.dataset.theme);
  }
  number(value, digits) {
    return value.toLocaleString("en-US", { maximumFractionDigits: digits ?? 0, minimumFractionDigits: digits ?? 0 }).replace("-", "−");
  }
  short(value, digits = 3) {
    if (!Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    return (size >= 1e4 || (size < 1e-3 && size > 0) ? value.toExponential(digits - 1) : Number(value.toPrecision(digits)).toString()).replace("-", "−");
  }
  bytes(value) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
    return `${Number((value / 1000 ** step).toPrecision(3))} ${units[step]}`;
  }
  duration(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return this.t(`${s} s`, `${s} 秒`);
    if (s < 3600) return this.t(`${Math.floor(s / 60)} min ${s % 60} s`, `${Math.floor(s / 60)} 分 ${s % 60} 秒`);
    return this.t(`${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`, `${Math.floor(s / 3600)} 小时 ${Math.floor((s % 3600) / 60)} 分`);
  }
}

/* A region is drawn again only when what it shows has changed; the focused control keeps its focus and its text. */
class Region {
  constructor(root, draw) { this.root = root; this.draw = draw; this.shown = undefined; }
  show(facts) {
    const now = JSON.stringify(facts);
    if (now === this.shown) return;
    this.shown = now;
    const active = this.root.contains(document.activeElement) ? document.activeElement : null;
    const key = active?.dataset?.key;
    const typed = active?.tagName === "INPUT" ? [active.value, active.selectionStart] : null;
    this.root.replaceChildren(...[this.draw(facts)].flat(Infinity).filter(Boolean));
    const again = key && this.root.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again) {
      again.focus();
      if (typed && again.tagName === "INPUT" && again.type !== "checkbox") { again.value = typed[0]; try { again.setSelectionRange(typed[1], typed[1]); } catch { /* number */ } }
    }
  }
}
