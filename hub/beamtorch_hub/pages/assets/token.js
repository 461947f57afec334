/* Tokens: make one, show it once, revoke. */
(() => {
  const { hub, user, xsrf } = document.body.dataset;
  const tokens = `${hub}api/users/${encodeURIComponent(user)}/tokens`;
  const t = (en, zh) => window.LOOK.t(en, zh);
  const said = document.querySelector("[data-token-error]");

  async function ask(url, method, body) {
    const answer = await fetch(url, { method, headers: { "X-XSRFToken": xsrf, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.message || answer.statusText);
    return told;
  }
  function complain(error) {
    said.textContent = t("The Hub did not do it: ", "登录中心未完成：") + error.message;
    said.hidden = false;
  }

  document.querySelector("[data-new-token]").addEventListener("submit", async (event) => {
    event.preventDefault();
    said.hidden = true;
    const lifetime = document.getElementById("lifetime").value;
    const scopes = document.getElementById("scopes").value.trim();
    try {
      const made = await ask(tokens, "POST", {
        note: document.getElementById("note").value || t("made on the page", "页面上新建"),
        expires_in: lifetime ? Number(lifetime) : null,
        ...(scopes ? { scopes: scopes.split(/\s+/) } : {}),
      });
      document.querySelector("[data-token]").textContent = made.token;
      document.querySelector("[data-made] [data-copy]").dataset.copy = made.token;
      document.querySelector("[data-made]").hidden = false;
    } catch (error) { complain(error); }
  });

  for (const button of document.querySelectorAll("[data-revoke]"))
    button.addEventListener("click", async () => {
      const row = button.closest("[data-token-id]");
      try { await ask(`${tokens}/${row.dataset.tokenId}`, "DELETE"); row.remove(); } catch (error) { complain(error); }
    });
})();
