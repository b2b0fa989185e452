/* What every page of the console does: keys, notices, polling, uploads, lost connections. No framework, nothing inline. */
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const token = () => $("meta[name=csrf]")?.content ?? "";
  const OFFLINE_WORD = "连接中断", ONLINE_WORD = "已连接";

  /* ---- notices ------------------------------------------------------------------------------------------------ */
  function notice(text, { undo = "", error = false } = {}) {
    const box = document.createElement("div");
    box.className = error ? "toast is-error" : "toast";
    if (error) box.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = text;
    box.append(words);
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "撤销 z";
      button.addEventListener("click", () => { box.remove(); post(undo); });
      button.dataset.undo = undo;
      box.append(button);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", "关闭提示");
    close.addEventListener("click", () => box.remove());
    box.append(close);
    const shelf = $("#toasts");
    while (shelf.children.length > 2) shelf.firstElementChild.remove();
    shelf.append(box);
    setTimeout(() => box.remove(), error ? 12000 : undo ? 20000 : 5000);
  }
  $$("[data-toast]").forEach(box => setTimeout(() => box.remove(), 6000));
  document.addEventListener("notice", event => notice(event.detail.text, { undo: event.detail.undo }));

  /* ---- connection --------------------------------------------------------------------------------------------- */
  let connected = true;
  function setConnected(now) {
    if (now === connected) return;
    connected = now;
    const state = $("[data-link-state]");
    state?.classList.toggle("is-off", !now);
    const word = $("[data-link-word]");
    if (word) word.textContent = now ? ONLINE_WORD : OFFLINE_WORD;
    const bar = $("[data-offline]");
    if (bar) bar.hidden = now;
    if (now) document.dispatchEvent(new CustomEvent("reconnected"));
  }
  addEventListener("offline", () => setConnected(false));
  addEventListener("online", () => setTimeout(() => $$("[data-poll]").forEach(poll), 0));

  async function told(response) {
    const kind = response.headers.get("content-type") ?? "";
    if (kind.includes("json")) {
      try {
        const body = await response.json();
        return body.detail || body.title || "操作未成功，请重试";
      } catch { /* not JSON after all */ }
    }
    return `操作未成功（${response.status}），请稍后重试`;
  }
  function follow(response) {
    const onward = response.headers.get("hx-redirect");
    if (onward) { location.href = onward; return true; }
    const events = response.headers.get("hx-trigger");
    if (events) for (const [name, detail] of Object.entries(JSON.parse(events))) document.dispatchEvent(new CustomEvent(name, { detail }));
    return false;
  }
  async function ask(address, options = {}) {
    const headers = { "HX-Request": "true", ...(options.headers ?? {}) };
    if ((options.method ?? "GET") !== "GET") headers["X-CSRF-Token"] = token();
    const request = () => fetch(address, { credentials: "same-origin", ...options, headers });
    let response;
    try {
      /* Once more: a server closes a connection that was idle just when it is used again. A step that was taken
         after all is refused the second time, which the page shows. */
      response = await request().catch(() => new Promise((resolve, reject) => setTimeout(() => request().then(resolve, reject), 250)));
    } catch {
      setConnected(false);
      return null;
    }
    setConnected(true);
    return follow(response) ? null : response;
  }
  async function post(address, fields = {}) {
    const response = await ask(address, { method: "POST", body: new URLSearchParams(fields) });
    if (response && !response.ok) notice(await told(response), { error: true });
    return response?.ok ? response : null;
  }

  /* ---- htmx --------------------------------------------------------------------------------------------------- */
  document.addEventListener("htmx:configRequest", event => { event.detail.headers["X-CSRF-Token"] = token(); });
  document.addEventListener("htmx:beforeSwap", event => {
    const { xhr } = event.detail;
    if (xhr.status < 400) return;
    event.detail.shouldSwap = false;
    if (xhr.getResponseHeader("HX-Redirect")) return;
    let text = `操作未成功（${xhr.status}），请稍后重试`;
    try { const body = JSON.parse(xhr.responseText); text = body.detail || body.title || text; } catch { /* not JSON */ }
    notice(text, { error: true });
  });
  document.addEventListener("htmx:sendError", () => { setConnected(false); notice("网络中断，操作没有提交；恢复后请重试", { error: true }); });
  document.addEventListener("htmx:timeout", () => notice("服务没有及时答复；请刷新页面，确认操作是否已经生效", { error: true }));
  document.addEventListener("htmx:afterRequest", event => { if (event.detail.successful) setConnected(true); });
  document.addEventListener("htmx:confirm", event => {
    const question = event.detail.question;
    if (!question) return;
    event.preventDefault();
    sure(question).then(yes => { if (yes) event.detail.issueRequest(true); });
  });
  function sure(question) {
    const box = $("#ask");
    $("#ask-text").textContent = question;
    box.returnValue = "no";
    box.showModal();
    $("button[value=yes]", box).focus();
    return new Promise(resolve => box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true }));
  }
  document.addEventListener("submit", async event => {
    const form = event.target;
    if (form.dataset.confirm && !form.dataset.sure) {
      event.preventDefault();
      if (await sure(form.dataset.confirm)) { form.dataset.sure = "1"; form.requestSubmit(event.submitter); delete form.dataset.sure; }
    }
  });

  /* ---- polling ------------------------------------------------------------------------------------------------ */
  const planned = new WeakSet();
  async function poll(place) {
    if (!place.isConnected || document.visibilityState !== "visible") return;
    const response = await ask(place.dataset.poll);
    if (!response?.ok || response.status === 204 || !place.isConnected) return;
    const text = await response.text();
    if (!text.trim()) return;
    const fresh = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
    if (fresh) { place.replaceWith(fresh); arrived(fresh); }
  }
  function plan(root) {
    for (const place of [...(root.matches?.("[data-poll]") ? [root] : []), ...$$("[data-poll]", root)]) {
      if (planned.has(place)) continue;
      planned.add(place);
      const timer = setInterval(() => place.isConnected ? poll(place) : clearInterval(timer), 1000 * (Number(place.dataset.every) || 10));
    }
  }
  /* What was put into the page: let htmx and the pages' own scripts see it. */
  function arrived(root) {
    window.htmx?.process(root);
    plan(root);
    document.dispatchEvent(new CustomEvent("arrived", { detail: { root } }));
  }
  document.addEventListener("htmx:afterSettle", event => { plan(document); document.dispatchEvent(new CustomEvent("arrived", { detail: { root: event.target } })); });

  const alarm = $("[data-poll-count]");
  async function count() {
    if (document.visibilityState !== "visible" && !alarm.dataset.sound) return;
    const response = await ask(alarm.dataset.pollCount);
    if (!response?.ok) return;
    const { open, latest, red } = await response.json();
    const badge = $("[data-count]", alarm);
    badge.hidden = !open;
    badge.textContent = open > 99 ? "99+" : open;
    alarm.setAttribute("aria-label", `待签收预警 ${open} 条`);
    const before = alarm.dataset.latest;
    alarm.dataset.latest = latest;
    if (before !== undefined && latest && latest > before) document.dispatchEvent(new CustomEvent("alarm", { detail: { open, red } }));
  }
  if (alarm) { count(); setInterval(count, 15000); }

  /* ---- uploads ------------------------------------------------------------------------------------------------ */
  const KINDS = { csv: "text/csv", xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", zip: "application/zip", gz: "application/gzip", tar: "application/x-tar", docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document" };
  document.addEventListener("submit", async event => {
    const form = event.target;
    if (!form.dataset.upload || event.defaultPrevented) return;
    event.preventDefault();
    const file = $("input[type=file]", form).files[0];
    if (!file) return notice("请先选择文件", { error: true });
    const suffix = file.name.split(".").pop().toLowerCase();
    const allowed = (form.dataset.kinds ?? Object.keys(KINDS).join(" ")).split(" ");
    if (!allowed.includes(suffix)) return notice(`只接受 ${allowed.join("、")} 文件`, { error: true });
    const button = event.submitter;
    if (button) button.disabled = true;
    form.classList.add("htmx-request");
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    const address = button?.dataset.upload ?? form.dataset.upload;  // the button of a second step sends the same file on
    const response = await ask(`${address}${[...query].length ? `?${query}` : ""}`, { method: "POST", body: file, headers: { "Content-Type": KINDS[suffix] } });
    if (button) button.disabled = false;
    form.classList.remove("htmx-request");
    if (!response) return;
    if (!response.ok) return notice(await told(response), { error: true });
    const target = form.dataset.target && $(form.dataset.target);
    if (target && response.status !== 204) {
      target.replaceChildren(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
      arrived(target);
    }
  });

  /* ---- keys --------------------------------------------------------------------------------------------------- */
  const typing = element => element?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const visible = element => element.offsetParent !== null || element.getClientRects().length > 0;
  let going = 0;
  function list() { return $("[data-list]"); }
  function items() { const found = list(); return found ? $$("[data-item]", found).filter(visible) : []; }
  function step(by) {
    const all = items();
    if (!all.length) return;
    const at = all.findIndex(item => item.getAttribute("aria-current") === "true" || item.contains(document.activeElement));
    choose(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
  }
  function choose(item) {
    items().forEach(other => other === item ? other.setAttribute("aria-current", "true") : other.removeAttribute("aria-current"));
    item.scrollIntoView({ block: "nearest" });
    const target = item.matches("a, button, [tabindex]") ? item : $("a, button", item);
    target?.focus({ preventScroll: true });
    item.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
  }
  function press(key) {
    const found = $$(`[data-key="${CSS.escape(key)}"]`).filter(element => visible(element) && !element.disabled);
    const element = found.find(one => one.closest("dialog[open]")) ?? ($("dialog[open]") ? undefined : found[0]);
    if (!element) return false;
    if (element.matches("input:not([type=checkbox]), select, textarea")) { element.focus(); element.select?.(); } else element.click();
    return true;
  }
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(document.activeElement) && !document.activeElement.closest("dialog")) { document.activeElement.blur(); return; }
    if (typing(event.target) || $("dialog[open]")) return;
    if (Date.now() < going) {
      going = 0;
      const link = $(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); location.href = link.href; return; }
    }
    if (event.key === "g") { going = Date.now() + 1200; return; }
    if (event.key === "z") { const undo = $$("[data-undo]").pop(); if (undo) { event.preventDefault(); undo.click(); return; } }
    if ((event.key === "j" || event.key === "ArrowDown") && items().length) { event.preventDefault(); step(1); return; }
    if ((event.key === "k" || event.key === "ArrowUp") && items().length) { event.preventDefault(); step(-1); return; }
    if (event.key === "Enter" && event.target.closest("a, button, summary") && !event.target.closest("[data-item]")) return;
    if (press(event.key === " " ? "Space" : event.key)) event.preventDefault();
  });
  $("[data-help]")?.addEventListener("click", () => {
    const rows = [["j 或 ↓", "下一件", items().length], ["k 或 ↑", "上一件", items().length]].filter(row => row[2]).map(row => row.slice(0, 2));
    const seen = new Set();
    for (const element of $$("[data-key]").filter(visible)) {
      const key = element.dataset.key;
      if (seen.has(key)) continue;
      seen.add(key);
      rows.push([key, element.dataset.keyName || element.getAttribute("aria-label") || element.textContent.replace(/\s+/g, " ").trim().replace(new RegExp(`\\s*${key.replace(/[^\w]/g, "\\$&")}$`), "")]);
    }
    rows.push(["z", "撤销刚才的操作"]);
    for (const link of $$("[data-go]")) rows.push([`g ${link.dataset.go}`, link.textContent.trim()]);
    const box = $("[data-keys]"), lines = document.createElement("ul");
    for (const [key, words] of rows) {
      const line = document.createElement("li"), name = document.createElement("span"), cap = document.createElement("kbd");
      name.textContent = words; cap.textContent = key; line.append(name, cap); lines.append(line);
    }
    box.replaceChildren(lines);
    $("#keys").showModal();
  });
  const menu = $("[data-menu]");
  menu?.addEventListener("click", () => {
    const open = $("#rail").classList.toggle("is-open");
    menu.setAttribute("aria-expanded", String(open));
    if (open) $("#rail a")?.focus();
  });
  document.addEventListener("click", event => {
    if (!event.target.closest(".who")) $(".who[open]")?.removeAttribute("open");
    if (!event.target.closest("#rail, [data-menu]")) { $("#rail")?.classList.remove("is-open"); menu?.setAttribute("aria-expanded", "false"); }
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog")?.close();
    const opener = event.target.closest("[data-open]");
    if (opener) { const box = $(opener.dataset.open); if (box && !box.open) { box.showModal(); $("[autofocus], input:not([type=hidden]), textarea, select", box)?.focus(); } }
  });

  /* ---- times that grow old -------------------------------------------------------------------------------------- */
  setInterval(() => {
    const now = Date.now();
    for (const time of $$("time[data-ago]")) {
      const seconds = (now - Date.parse(time.dateTime)) / 1000;
      if (seconds >= 0 && seconds < 3600) time.textContent = seconds < 60 ? "刚刚" : `${Math.floor(seconds / 60)} 分钟前`;
    }
  }, 30000);

  plan(document);
  window.console12345 = { $, $$, notice, ask, post, told, sure, choose, items, arrived, poll };
})();
