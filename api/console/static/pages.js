/* Small things that several pages do, told by data attributes: fill, clear, close, copy, choose, sound. */
"use strict";
(() => {
  const { $, $$, notice } = window.console12345;

  /* A field that changes empties what was made from its former value. */
  document.addEventListener("change", event => {
    const field = event.target;
    if (field.dataset.clears) $(field.dataset.clears)?.replaceChildren();
    if ("submits" in field.dataset) field.form.requestSubmit();
    if ("picks" in field.dataset) picked(field.closest("form"));
  });

  /* A dialog that was answered closes; its fields are empty the next time. */
  document.addEventListener("htmx:afterRequest", event => {
    const form = event.target.closest?.("form");
    if (!form || !event.detail.successful || event.detail.requestConfig.verb !== "post") return;
    if ("closes" in form.dataset) form.closest("dialog")?.close();
    if ("resets" in form.dataset) form.reset();
  });

  document.addEventListener("click", async event => {
    const filler = event.target.closest("[data-fills]");
    if (filler) {
      const dialog = $(filler.dataset.open);
      for (const field of $$("[data-filled]", dialog)) field.value = filler.dataset.fills;
      for (const place of $$("[data-filled-text]", dialog)) place.textContent = filler.dataset.fillsText ?? filler.dataset.fills;
    }
    const copier = event.target.closest("[data-copies]");
    if (copier) {
      try {
        await navigator.clipboard.writeText($(copier.dataset.copies).textContent);
        notice("已复制");
      } catch {
        getSelection().selectAllChildren($(copier.dataset.copies));  // without https browsers give no clipboard
        notice("已选中，请按 Ctrl+C 复制");
      }
    }
    const all = event.target.closest("[data-all]");
    if (all) { $$(`input[name="${all.dataset.all}"]`, all.closest("form")).forEach(box => { box.checked = all.checked; }); picked(all.closest("form")); }
  });

  /* Buttons that need ticked boxes are shut until there are some. */
  function picked(form) {
    if (!form) return;
    const count = $$("input[data-picks]:checked", form).length, total = $$("input[data-picks]", form).length;
    for (const place of $$("[data-picked]", form)) place.textContent = count;
    for (const button of $$("[data-least]", form)) {
      const most = button.dataset.leaves ? total - Number(button.dataset.leaves) : total;
      button.disabled = count < Number(button.dataset.least) || count > most;
    }
  }
  $$("form").forEach(picked);
  document.addEventListener("arrived", () => $$("form").forEach(picked));

  /* The sound of new warnings: off until somebody wants it, remembered by this browser. */
  const SOUND = "triage-sound";
  const toggle = $("[data-sound-toggle]");
  let audio;
  function sounding() { return localStorage.getItem(SOUND) === "on"; }
  function show() {
    if (!toggle) return;
    toggle.setAttribute("aria-pressed", String(sounding()));
    $("[data-sound-word]", toggle).textContent = sounding() ? "提示音：开" : "提示音：关";
    for (const icon of $$("[data-sound-icon]", toggle)) icon.toggleAttribute("hidden", (icon.dataset.soundIcon === "on") !== sounding());
  }
  function beep(times) {
    audio ??= new AudioContext();
    for (let place = 0; place < times; place += 1) {
      const tone = audio.createOscillator(), loudness = audio.createGain(), at = audio.currentTime + 0.35 * place;
      tone.frequency.value = 880;
      loudness.gain.setValueAtTime(0.0001, at);
      loudness.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.28);
      tone.connect(loudness).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.3);
    }
  }
  toggle?.addEventListener("click", () => {
    localStorage.setItem(SOUND, sounding() ? "off" : "on");
    if (sounding()) beep(1);
    show();
  });
  document.addEventListener("arrived", () => {
    const board = $("[data-newest]");
    if (!board) return;
    const [count, at] = board.dataset.newest.split(":").map(Number);
    const before = board.dataset.newest && show.newest;
    if (before && at > before.at) {
      if (sounding()) beep(Number(board.dataset.red) > before.red ? 3 : 1);
      notice("有新的预警");
    }
    show.newest = { count, at: at || 0, red: Number(board.dataset.red) };
  });
  const board = $("[data-newest]");
  if (board) show.newest = { at: Number(board.dataset.newest.split(":")[1]) || 0, red: Number(board.dataset.red) };
  show();
})();
