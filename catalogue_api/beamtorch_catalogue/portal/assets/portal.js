/* The list: a row shows its dataset at the right, arrows or j and k move, Enter opens, Esc leaves; "more" adds below.
   Every link and form works without it. */
(() => {
  const portal = document.body.dataset.portal;
  const side = document.querySelector("[data-side]");
  const rows = () => [...document.querySelectorAll("[data-results] .res")];
  const WAIT_MS = 300;
  let asked = 0;

  /* A dataset without a picture shows the sign of its technique. */
  function signs(within) {
    for (const picture of within.querySelectorAll(".pic img")) {
      const replace = () => {
        const box = picture.closest(".pic");
        if (!box) return;
        const sign = document.createElement("i");
        sign.dataset.icon = box.dataset.iconIfNone;
        sign.className = "l";
        box.classList.add("none");
        picture.replaceWith(sign);
        window.LOOK.show(box);
      };
      if (picture.complete && picture.naturalWidth === 0 && picture.currentSrc) replace();
      else picture.addEventListener("error", replace, { once: true });
    }
  }

  async function choose(row) {
    for (const other of rows()) other.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    if (!side || !side.offsetParent) return;
    const mine = ++asked;
    const skeleton = setTimeout(() => {
      if (mine === asked) side.innerHTML = '<div class="bt-skel" style="height:300px;border-radius:0"></div><div class="in"><div class="bt-skel" style="height:20px;width:60%"></div><div class="bt-skel" style="height:12px"></div><div class="bt-skel" style="height:12px;width:80%"></div></div>';
    }, WAIT_MS);
    try {
      const answer = await fetch(`${portal}quick/${row.dataset.dataset}`);
      const text = await answer.text();
      if (mine !== asked) return;
      if (!answer.ok || text.includes("<!doctype")) throw new Error(String(answer.status));
      side.innerHTML = text;
    } catch {
      if (mine === asked) side.replaceChildren(Object.assign(document.createElement("p"), { className: "bt-state tall", textContent: window.LOOK.t("The preview does not come. The name opens the dataset's page.", "预览未能载入，点击名称可打开数据集页面。") }));
    } finally { clearTimeout(skeleton); }
    signs(side);
    window.LOOK.show(side);
  }

  document.addEventListener("click", (event) => {
    const row = event.target.closest?.(".res");
    if (!row || event.target.closest("a, button")) return;
    if (side?.offsetParent) { choose(row); row.querySelector(".name").focus({ preventScroll: true }); }
    else row.querySelector(".name").click();
  });
  const STEPS = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };
  const search = document.querySelector("[data-search]");
  const isTyping = (at) => at.matches?.("input, textarea, select");

  function step(event) {
    const by = STEPS[event.key];
    const all = rows();
    const inSearch = event.target === search;
    if (!all.length || (isTyping(event.target) && !(inSearch && event.key === "ArrowDown"))) return;
    const now = inSearch ? -1 : all.findIndex((row) => row.getAttribute("aria-current") === "true");
    const held = document.activeElement.closest?.(".res") || inSearch || now < 0;
    const next = all[Math.min(all.length - 1, Math.max(0, held ? now + by : now))];
    event.preventDefault();
    next.querySelector(".name").focus();
    next.scrollIntoView({ block: "nearest" });
    choose(next);
  }

  /* From the search to the results, from there to the search, from a dataset back to where it was found. */
  function leave(event) {
    if (event.defaultPrevented || document.querySelector("details[data-pop][open], dialog[open]")) return;
    if (event.target === search) {
      const row = rows().find((one) => one.getAttribute("aria-current") === "true") || rows()[0];
      search.blur();
      row?.querySelector(".name").focus();
      event.preventDefault();
    } else if (isTyping(event.target)) event.target.blur();
    else if (search) search.focus();
    else document.querySelector("[data-back]")?.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key in STEPS) step(event);
    /* Before the page's own handler closes what is open: it says whether there was something. */
    if (event.key === "Escape") leave(event);
  }, true);

  /* What was typed but not yet searched goes along with the fields beside the list. */
  document.addEventListener("submit", (event) => {
    if (search && event.target.matches?.("[data-keeps-query]")) event.target.elements.q.value = search.value;
  });

  /* On a narrow screen the results come first. */
  const filters = document.querySelector("[data-filters]");
  if (filters && matchMedia("(max-width: 860px)").matches) filters.open = false;

  document.addEventListener("click", async (event) => {
    const more = event.target.closest?.("[data-more]");
    if (!more || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    more.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${more.href}&alone=1`);
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const added = [...page.querySelectorAll("[data-results] .res")];
      document.querySelector("[data-results]").append(...added);
      for (const row of added) { signs(row); window.LOOK.show(row); }
      const next = page.querySelector("[data-more]");
      if (next) { more.href = next.getAttribute("href"); more.removeAttribute("aria-busy"); } else more.closest(".more").remove();
      added[0]?.querySelector(".name").focus();
    } catch { location.assign(more.href); }
  });

  signs(document);
  const first = rows()[0];
  if (first && side?.offsetParent) choose(first);
})();
