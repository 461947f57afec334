/* Waiting for a start: the Hub's event stream as steps with times, the elapsed time after 2 s, cancel, and what failed. */
(() => {
  const main = document.querySelector("[data-pending]");
  const steps = main.querySelector("[data-steps]");
  const bar = main.querySelector("[role=progressbar]");
  const elapsed = main.querySelector("[data-elapsed]");
  const began = Date.now();
  const t = (en, zh) => window.LOOK.t(en, zh);
  const SLOW_SECONDS = 30;
  const seconds = () => Math.round((Date.now() - began) / 1000);

  /* JupyterHub's own words, told again. */
  const retold = [
    [/^Server requested/, "The place is being prepared", "正在准备运行位置"],
    [/^Spawning server/, "The process starts", "进程正在启动"],
    [/^Cluster event|^\d{4}-/, null, null],
    [/^Server ready/, "Ready", "已就绪"],
    [/cancel/i, "Cancelled", "已取消"],
  ];
  const words = (event) => {
    /* A spawner of ours says both: <span data-zh="…">…</span>; only its two texts are used. */
    const both = event.html_message && new DOMParser().parseFromString(event.html_message, "text/html").querySelector("[data-zh]");
    if (both) return [both.textContent, both.getAttribute("data-zh")];
    const found = retold.find(([pattern]) => pattern.test(event.message || ""));
    return found && found[1] ? [found[1], found[2]] : [event.message, event.message];
  };

  function step([en, zh]) {
    const last = steps.lastElementChild;
    if (!en || last.querySelector("[data-zh]")?.getAttribute("data-zh") === zh) return;
    last.className = "done";
    last.firstElementChild.outerHTML = '<i data-icon="check"></i>';
    const li = document.createElement("li");
    li.className = "now";
    const text = Object.assign(document.createElement("span"), { textContent: en });
    text.setAttribute("data-zh", zh);
    const at = Object.assign(document.createElement("span"), { className: "at", textContent: seconds() ? `${seconds()} s` : "" });
    li.append(Object.assign(document.createElement("span"), { className: "bt-dot sel" }), text, at);
    steps.append(li);
    window.LOOK.show(steps);
  }
  function progress(value) {
    bar.setAttribute("aria-valuenow", String(value));
    bar.firstElementChild.style.width = `${value}%`;
  }

  setInterval(() => {
    if (seconds() < 2) return;
    elapsed.textContent = t(`${seconds()} s so far.`, `已用 ${seconds()} 秒。`);
    if (seconds() >= SLOW_SECONDS) main.querySelector("[data-slow]").hidden = false;
  }, 1000);

  const stream = new EventSource(main.dataset.progress);
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.progress !== undefined) progress(event.progress);
    if (event.ready) {
      stream.close();
      step(["Ready, it opens", "已就绪，正在打开"]);
      location.replace(new URLSearchParams(location.search).get("next")?.match(/^\/(?!\/)/) ? new URLSearchParams(location.search).get("next") : event.url);
    } else if (event.failed) {
      stream.close();
      location.reload(); /* the Hub's page for this address now says what failed, in both languages */
    } else step(words(event));
  };
  /* The stream breaks when the Hub restarts; the page itself knows best how things stand then. */
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000); };

  main.querySelector("[data-cancel]").addEventListener("click", async (click) => {
    const button = click.currentTarget;
    const said = main.querySelector("[data-cancel-error]");
    button.setAttribute("aria-busy", "true");
    said.hidden = true;
    stream.close();
    try {
      const answer = await fetch(main.dataset.stopUrl, { method: "DELETE", headers: { "X-XSRFToken": document.body.dataset.xsrf } });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message || answer.statusText);
      location.assign(document.body.dataset.hub + "home");
    } catch (error) {
      button.removeAttribute("aria-busy");
      said.textContent = t("It was not cancelled: ", "未能取消：") + error.message;
      said.hidden = false;
    }
  });
  progress(5);
})();
