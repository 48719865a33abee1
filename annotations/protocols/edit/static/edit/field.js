"use strict";
// A text to rewrite: its answer is what stands there once it was changed, or left by the button. Noted are the characters
// pasted, and the seconds between keys that follow on each other; no key.
(() => {
  const PAUSE_MS = 5000;  // a longer one is no typing
  const screen = document.getElementById("screen");
  let typedAt = 0;

  const fieldOf = (event) => event.target.closest(".edit");
  const noteOf = (field, what) => field.closest("fieldset").querySelector(`[data-field="${CSS.escape(field.dataset.field)}.${what}"]`);

  function note(field, what, more) {
    const noted = noteOf(field, what), before = Number(noted.firstElementChild.value);
    window.storyblender.answer(noted, String(Math.round(10 * (before + more)) / 10));
  }

  screen.addEventListener("input", (event) => {
    const field = fieldOf(event);
    if (!field) return;
    const now = performance.now(), since = now - typedAt;
    typedAt = now;
    if (event.inputType === "insertFromPaste" || event.inputType === "insertFromDrop") {
      note(field, "pasted", event.data?.length ?? field.pasted ?? 0);
    }
    note(field, "typing", since < PAUSE_MS ? since / 1000 : 0);
    window.storyblender.answer(field, event.target.value.trim() ? event.target.value : "");
  });

  screen.addEventListener("paste", (event) => {
    const field = fieldOf(event);
    if (field) field.pasted = event.clipboardData?.getData("text/plain").length ?? 0;
  });

  screen.addEventListener("click", (event) => {
    const field = event.target.closest("button") && fieldOf(event);
    if (field) window.storyblender.answer(field, field.dataset.text);
  });

  screen.addEventListener("storyblender:answered", (event) => {
    const field = fieldOf(event);
    if (!field) return;
    const text = field.querySelector("textarea"), state = field.querySelector("output"), value = event.detail;
    if (value !== "" && text.value !== value) text.value = value;
    const same = text.value.trim() === field.dataset.text.trim();
    state.textContent = value === "" ? state.dataset.empty : same ? state.dataset.asItIs : state.dataset.changed;
  });
})();
