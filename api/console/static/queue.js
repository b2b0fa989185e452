/* The queue: rows that come and go without a reload, the chosen appeal beside them, and the dispatcher's steps by key. */
"use strict";
(() => {
  const { $, $$, notice, ask, post } = window.console12345;
  const inbox = $("[data-inbox]"), pane = $("#pane");
  const narrow = matchMedia("(max-width: 1000px)");
  const panes = new Map();
  let busy = false, skipped = new Set();

  /* ---- the appeal on the page ---------------------------------------------------------------------------------- */
  const file = () => $("[data-file]");
  const row = id => $(`[data-item][data-id="${CSS.escape(id)}"]`);
  const current = () => $("[data-item][aria-current=true]");

  function load(id, version) {
    const known = panes.get(id);
    if (known && known.version === version) return known.text;
    const text = ask(`/console/queue/${id}/pane`).then(async response => {
      if (response?.ok) return response.text();
      panes.delete(id);
      if (response) notice(await window.console12345.told(response), { error: true });
      return null;
    });
    panes.set(id, { version, text });
    if (panes.size > 40) panes.delete(panes.keys().next().value);
    return text;
  }
  async function show(item, { fresh = false } = {}) {
    if (!item || narrow.matches) return;
    const { id, version } = item.dataset;
    if (fresh) panes.delete(id);
    for (const other of $$("[data-item]")) if (other === item) other.setAttribute("aria-current", "true"); else other.removeAttribute("aria-current");
    item.scrollIntoView({ block: "nearest" });
    const text = await load(id, version);
    if (text === null || current()?.dataset.id !== id) return;
    pane.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    pane.scrollTop = 0;
    window.console12345.arrived(pane);
    const next = item.nextElementSibling;
    if (next?.matches("[data-item]")) load(next.dataset.id, next.dataset.version);
  }
  function nothing(words) {
    const box = document.createElement("div"), line = document.createElement("p");
    box.className = "empty";
    line.className = "empty-title";
    line.textContent = words;
    box.append(line);
    pane?.replaceChildren(box);
  }
  function neighbour(item) {
    const all = $$("[data-item]").filter(one => one === item || !skipped.has(one.dataset.id));
    const at = all.indexOf(item);
    return all[at + 1] ?? all[at - 1] ?? null;
  }

  /* ---- rows ------------------------------------------------------------------------------------------------------ */
  async function refresh({ more = 0, force = false } = {}) {
    const rows = $("#rows");
    if (!rows) return;
    const count = Math.min(200, Number(rows.dataset.count) + more);
    const query = new URLSearchParams(rows.dataset.query);
    query.set("count", count);
    if (!force && !more) query.set("stamp", rows.dataset.stamp);
    const response = await ask(`/console/queue/rows?${query}`);
    if (!response?.ok || response.status === 204) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    merge(rows, page.getElementById("rows"), more > 0);
    $("#trays")?.replaceWith(page.getElementById("trays"));
  }
  function merge(old, fresh, wanted) {
    const chosen = current(), known = new Set($$("[data-item]", old).map(item => item.dataset.id));
    const top = old.scrollTop, id = chosen?.dataset.id, after = chosen && neighbour(chosen)?.dataset.id;
    for (const item of $$("[data-item]", fresh)) {
      if (item.dataset.id === id) item.setAttribute("aria-current", "true");
      else if (known.size && !wanted && !known.has(item.dataset.id)) item.classList.add("is-new");
    }
    const inside = old.contains(document.activeElement);
    old.replaceWith(fresh);
    fresh.scrollTop = top;
    const still = id && row(id);
    if (still) {
      if (inside) $("a", still).focus({ preventScroll: true });
      if (still.dataset.version !== chosen.dataset.version) show(still, { fresh: true });
      return;
    }
    if (id) notice("该件已由他人处理或已转入其他栏");
    const next = (after && row(after)) ?? $("[data-item]", fresh);
    if (next) show(next); else if (pane) nothing("本栏已处理完毕");
  }
  function leave(item) {
    const next = neighbour(item);
    panes.delete(item.dataset.id);
    item.remove();
    if (next) { show(next); $("a", next)?.focus({ preventScroll: true }); } else nothing("本栏已处理完毕");
  }

  /* ---- steps ----------------------------------------------------------------------------------------------------- */
  async function act(step, fields = {}) {
    const on = file();
    if (busy || !on) return;
    busy = true;
    on.setAttribute("aria-busy", "true");
    const { file: id, seen } = on.dataset;
    const response = await post(`/console/queue/${id}/${step}`, { seen, ...fields });
    busy = false;
    on.removeAttribute("aria-busy");
    if (!response) { if (inbox) refresh({ force: true }); return; }
    if (!inbox) { setTimeout(() => location.reload(), step === "confirm" ? 900 : 400); return; }
    const item = row(id);
    if (step === "merge") { panes.delete(id); if (item) show(item, { fresh: true }); refresh({ force: true }); return; }
    if (item) leave(item);
    refresh({ force: true });
  }
  document.addEventListener("undone", async () => { panes.clear(); if (inbox) { await refresh({ force: true }); } else location.reload(); });
  document.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) {
      const item = event.target.closest("[data-inbox] [data-item]");
      if (item && !narrow.matches && !event.ctrlKey && !event.metaKey) { event.preventDefault(); show(item); }
      return;
    }
    if (button.dataset.act) act(button.dataset.act, button.dataset.unit ? { unit: button.dataset.unit } : {});
    else if ("choose" in button.dataset) choose();
    else if ("more" in button.dataset) refresh({ more: 40 });
    else if ("skip" in button.dataset) {
      const item = current();
      if (item) { skipped.add(item.dataset.id); const next = neighbour(item); if (next) show(next); }
    }
  });
  document.addEventListener("chosen", event => show(event.target));
  document.addEventListener("submit", event => {
    const form = event.target;
    if (!form.dataset.act) return;
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    form.closest("dialog")?.close();
    act(form.dataset.act, fields);
  });
  document.addEventListener("change", event => event.target.closest("[data-autosubmit]")?.requestSubmit());

  /* ---- choosing a unit --------------------------------------------------------------------------------------------- */
  let units = null;
  async function allUnits() {
    if (units) return units;
    const response = await ask("/console/units.json");
    if (!response?.ok) return [];
    units = (await response.json()).map(unit => ({ ...unit, s: unit.p.split(" "), t: unit.a.map(([name, sounds]) => ({ name, s: sounds.split(" ") })) }));
    return units;
  }
  const SKIPPED = new Set(["shi", "qu", "xian", "ju", "ban", "shi", "chu"]);
  /* Whether letters read along syllables, each by its whole, its beginning or not at all: gaj and gongan both find gong an ju. */
  function sounds(letters, syllables, from) {
    if (!letters) return true;
    if (from >= syllables.length) return false;
    const syllable = syllables[from];
    for (let length = Math.min(letters.length, syllable.length); length > 0; length--) {
      if (syllable.startsWith(letters.slice(0, length)) && sounds(letters.slice(length), syllables, from + 1)) return true;
    }
    return from > 0 && SKIPPED.has(syllable) && sounds(letters, syllables, from + 1);
  }
  function heard(letters, syllables) {
    for (let at = 0; at < syllables.length; at++) if (sounds(letters, syllables, at)) return at;
    return -1;
  }
  function rank(unit, typed) {
    const parts = typed.toLowerCase().split(/\s+/).filter(Boolean);
    let score = 0;
    for (const part of parts) {
      let best = Infinity;
      const place = unit.n.toLowerCase().indexOf(part);
      if (place >= 0) best = place;
      for (const [name] of unit.a) if (name.toLowerCase().includes(part)) best = Math.min(best, 1 + name.length / 50);
      if (/^[a-z0-9]+$/.test(part)) {
        const at = heard(part, unit.s);
        if (at >= 0) best = Math.min(best, 2 + at);
        for (const alias of unit.t) if (heard(part, alias.s) === 0) best = Math.min(best, 3);
      } else if (best === Infinity && unit.d.includes(part)) best = 30;
      if (best === Infinity) return Infinity;
      score += best;
    }
    return score + unit.n.length / 100;
  }
  function found(typed, proposed) {
    if (!typed.trim()) {
      const first = proposed.map(name => (units ?? []).find(unit => unit.n === name)).filter(Boolean);
      return [...first, ...(units ?? []).filter(unit => !first.includes(unit))].slice(0, 9);
    }
    return (units ?? []).map(unit => [rank(unit, typed), unit]).filter(([score]) => score < Infinity).sort((a, b) => a[0] - b[0]).slice(0, 9).map(([, unit]) => unit);
  }
  function draw(listing, matches, at) {
    listing.replaceChildren(...matches.map((unit, number) => {
      const line = document.createElement("li"), name = document.createElement("b"), duties = document.createElement("span");
      line.setAttribute("role", "option");
      line.id = `${listing.id}-${number}`;
      line.setAttribute("aria-selected", String(number === at));
      line.dataset.unit = unit.n;
      name.textContent = unit.n;
      duties.textContent = unit.d;
      duties.className = "clip muted small";
      line.append(name, duties);
      return line;
    }));
  }
  function attach(input, listing, decide) {
    let matches = [], at = 0;
    const proposed = () => $$(".unit .unit-name").map(name => name.textContent);
    const update = () => { matches = found(input.value, proposed()); at = 0; redraw(); };
    const redraw = () => { draw(listing, matches, at); input.setAttribute("aria-activedescendant", matches.length ? `${listing.id}-${at}` : ""); };
    input.addEventListener("input", update);
    input.addEventListener("keydown", event => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        at = (at + (event.key === "ArrowDown" ? 1 : matches.length - 1)) % Math.max(1, matches.length);
        redraw();
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (matches[at]) decide(matches[at].n);
      }
    });
    listing.addEventListener("mousedown", event => { const line = event.target.closest("[data-unit]"); if (line) { event.preventDefault(); decide(line.dataset.unit); } });
    return update;
  }
  const chooser = $("#chooser");
  let offer = null;
  async function choose() {
    const input = $("[data-chooser-input]");
    offer ??= attach(input, $("#chooser-list"), unit => { chooser.close(); act("confirm", { unit }); });
    input.value = "";
    chooser.showModal(); // before anything is waited for: what is typed next is meant for it
    input.focus();
    offer();
    await allUnits();
    offer();
  }
  /* Fields of dialogs that take a unit get the same list below them. */
  document.addEventListener("focusin", async event => {
    const input = event.target;
    if (!input.matches?.("[data-unit-input]") || input.dataset.attached) return;
    input.dataset.attached = "1";
    await allUnits();
    const listing = document.createElement("ul");
    listing.className = "unit-suggestions";
    listing.setAttribute("role", "listbox");
    listing.setAttribute("aria-label", "单位");
    listing.id = `units-${Math.random().toString(36).slice(2, 8)}`;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", listing.id);
    input.closest("label").after(listing);
    const update = attach(input, listing, unit => { input.value = unit; listing.replaceChildren(); });
    input.addEventListener("blur", () => listing.replaceChildren());
    update();
  });

  if (inbox) {
    const first = $("[data-item]");
    if (first && !narrow.matches) show(first);
    setInterval(() => { if (document.visibilityState === "visible" && !busy) refresh(); }, 1000 * Number(inbox.dataset.every));
    document.addEventListener("reconnected", () => refresh({ force: true }));
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") refresh(); });
    setTimeout(allUnits, 1500);
  }
})();
