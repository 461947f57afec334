/* What several pages do: dialogs, copying, showing a password, "/" for search. No page breaks without it. */
(() => {
  const t = (en, zh) => window.LOOK.t(en, zh);

  /* A short word beside the button, spoken too; the button's own text comes back by itself. */
  function tell(button, en, zh) {
    const box = button.querySelector("[data-said]") || button.appendChild(Object.assign(document.createElement("span"), { className: "bt-sr" }));
    box.setAttribute("data-said", "");
    box.setAttribute("role", "status");
    box.textContent = t(en, zh);
    button.classList.add("bt-done");
    setTimeout(() => { box.textContent = ""; button.classList.remove("bt-done"); }, 1600);
  }

  async function copy(button) {
    const text = button.dataset.copy;
    try { await navigator.clipboard.writeText(text); }
    catch { /* no clipboard without https: a hidden field does it */
      const field = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    tell(button, "Copied", "已复制");
  }

  function reveal(button) {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    const [en, zh] = shown ? ["Show password", "显示密码"] : ["Hide password", "隐藏密码"];
    for (const name of ["aria-label", "title"]) {
      button.setAttribute("data-en-" + name, en);
      button.setAttribute("data-zh-" + name, zh);
      button.setAttribute(name, t(en, zh));
    }
    field.focus();
  }

  addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    const opener = at("[data-open-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.openDialog);
      dialog.showModal();
      dialog.querySelector("[data-close]")?.focus();
    }
    if (at("dialog [data-close]")) at("dialog").close();
    if (event.target.matches?.("dialog")) event.target.close();
    if (at("[data-copy]")) copy(at("[data-copy]"));
    if (at("[data-reveal]")) reveal(at("[data-reveal]"));
  });

  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const field = document.querySelector("[data-search]");
      if (field) { event.preventDefault(); field.focus(); field.select?.(); }
    }
    if (event.key === "Escape") for (const open of document.querySelectorAll("details[data-pop][open]")) { open.open = false; open.querySelector("summary")?.focus(); }
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details[data-pop][open]")) if (!open.contains(event.target)) open.open = false;
  });

  /* A form is sent once; the button says that it works on it. */
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = event.submitter || form.querySelector("[type=submit]");
    button?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; form.querySelector("[aria-busy]")?.removeAttribute("aria-busy"); }
  });
})();
