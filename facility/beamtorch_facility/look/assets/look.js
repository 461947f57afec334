/* Theme and language of a page: what the person chose last, else what the system or browser asks for.
   English is in the markup; Chinese sits beside it in data-zh (text) and data-zh-<attribute>, so that a missing
   translation shows in review. Loaded in <head>, it sets both before the first paint. */
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search);
  const keep = {
    get: (key) => { try { return localStorage.getItem("bt-" + key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem("bt-" + key, value); } catch { /* private window */ } },
  };
  const themes = ["light", "dark", "contrast"];
  const system = () => matchMedia("(prefers-contrast: more)").matches ? "contrast"
    : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const theme = asked.get("theme") || keep.get("theme");
  if (themes.includes(theme)) root.dataset.theme = theme;
  /* A page may know what the person prefers (<html data-language="zh-CN">); what they chose here last comes first. */
  let lang = asked.get("lang") || keep.get("lang")
    || ((root.dataset.language || navigator.language).startsWith("zh") ? "zh" : "en");
  if (lang !== "zh") lang = "en";
  if (asked.get("lang")) keep.set("lang", lang);
  root.lang = lang === "zh" ? "zh-CN" : "en";

  const mark = `<svg class="bt-mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2.2c.6 3.4 7 6 7 12.2a7 7 0 0 1-14 0c0-3 1.5-5 3-6.6C9.7 6 11.3 4.6 12 2.2Z" class="o"/><path d="M12 8.6c.4 1.9 3.6 3.3 3.6 6.3a3.6 3.6 0 0 1-7.2 0c0-2.9 3-4.2 3.6-6.3Z" class="m"/><path d="M0 15.2h24" class="b"/><circle cx="12" cy="15.2" r="1.5" class="i"/></svg>`;

  /* Swap every text and attribute that has two languages; the English one is kept in data-en on first use. */
  function speak(within = document) {
    const all = within.querySelectorAll ? [...within.querySelectorAll("*")] : [];
    if (within.attributes) all.unshift(within);
    for (const el of all)
      for (const { name, value } of [...el.attributes]) {
        if (!name.startsWith("data-zh")) continue;
        const target = name.slice(8);
        const english = "data-en" + name.slice(7);
        if (!el.hasAttribute(english)) el.setAttribute(english, target ? el.getAttribute(target) || "" : el.textContent);
        const text = lang === "zh" ? value : el.getAttribute(english);
        if (target) el.setAttribute(target, text); else if (el.textContent !== text) el.textContent = text;
      }
    if (document.title && document.querySelector("title[data-zh]")) document.title = document.querySelector("title").textContent;
  }
  function draw(within = document) {
    for (const el of within.querySelectorAll("[data-mark]:empty")) el.innerHTML = mark;
    for (const el of within.querySelectorAll("[data-icon]:empty"))
      el.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${(window.ICONS || {})[el.dataset.icon] || ""}</svg>`;
  }
  /* Times of the page in the reader's own zone: <time datetime="…"> near ones with the clock, others by the day;
     data-time="full" always with year and clock. Chinese has a space between digits and 年, 月, 日. */
  function tell(within = document) {
    const locale = lang === "zh" ? "zh-CN" : "en-GB";
    const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const now = new Date();
    for (const el of within.querySelectorAll("time[datetime]")) {
      const at = new Date(el.dateTime);
      if (Number.isNaN(+at)) continue;
      const full = el.dataset.time === "full";
      const days = Math.round((new Date(now.toDateString()) - new Date(at.toDateString())) / 864e5);
      const near = full ? undefined : [["today", "今天"], ["yesterday", "昨天"]][days];
      const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: lang === "zh" ? "long" : "short",
        ...(full || at.getFullYear() !== now.getFullYear() ? { year: "numeric" } : {}) }).format(at).replace(/(?<=\d)(?=[年月日])|(?<=[年月])(?=\d)/g, " ");
      el.textContent = near ? `${near[lang === "zh" ? 1 : 0]} ${clock.format(at)}` : full ? `${day} ${clock.format(at)}` : day;
      el.title = at.toLocaleString(locale, { timeZoneName: "short" });
    }
  }
  function show(within = document) { draw(within); speak(within); tell(within); mirror(); }
  function mirror() {
    for (const el of document.querySelectorAll("[data-set-lang]"))
      el.setAttribute("aria-pressed", String((el.dataset.setLang === "zh") === (lang === "zh")));
  }
  addEventListener("DOMContentLoaded", () => {
    show();
    document.addEventListener("click", (event) => {
      const language = event.target.closest?.("[data-set-lang]");
      if (language) {
        lang = language.dataset.setLang;
        keep.set("lang", lang);
        root.lang = lang === "zh" ? "zh-CN" : "en";
        show();
        dispatchEvent(new Event("bt-lang"));
      }
      if (event.target.closest?.("[data-set-theme]")) {
        root.dataset.theme = themes[(themes.indexOf(root.dataset.theme || system()) + 1) % 3];
        keep.set("theme", root.dataset.theme);
        dispatchEvent(new Event("bt-theme"));
      }
    });
  });
  window.LOOK = { get lang() { return lang; }, t: (en, zh) => (lang === "zh" ? zh : en), show };
})();
