"use strict";
// The rating page: which sliders are set, keys, half answers and the time they took kept, and a lost connection.
(() => {
  const AUTOSAVE_MS = 600, RETRY_MS = 3000, KEPT = "answer";
  const TICK_MS = 1000, LONGEST_TICK_MS = 5000;  // a longer one has slept, with its computer
  const IDLE_MS = 120000;  // without a sign of anybody the clock stops
  const SAVE_EVERY_S = 60;
  const screen = document.getElementById("screen");
  const offline = document.getElementById("offline"), notice = document.getElementById("notice");
  let saving = 0, retrying = 0, sending = false;
  let seen = {};  // by slider, the values that the server has had from this window or shown it
  const unsaved = new Set();  // sliders that were set here since they were last saved
  let spent = 0, savedAt = 0, ticked = performance.now(), stirred = ticked, watched = !document.hidden;

  const form = () => screen.dataset.whose ? document.getElementById("answer") : null;  // a preview is nobody's
  const fieldOf = (range) => range.parentElement.querySelector("input[type=hidden]");
  const rangesOf = (answer) => [...answer.querySelectorAll("input[type=range]")];
  const complete = (answer) => rangesOf(answer).every((range) => fieldOf(range).value !== "");

  function set(range) {
    fieldOf(range).value = range.value;
    range.parentElement.querySelector("output").value = range.value;
    range.parentElement.classList.remove("unset");
    range.removeAttribute("aria-valuetext");
    sending = false;  // what may be on its way is not what is shown now
    unsaved.add(range);
    ready();
    keep();
    clearTimeout(saving);
    saving = setTimeout(save, AUTOSAVE_MS);
  }

  // Seconds in which the screen was in view and somebody there, until the answer was sent.
  function count() {
    const now = performance.now();
    if (watched && !sending && now - stirred < IDLE_MS) spent += Math.min(now - ticked, LONGEST_TICK_MS) / 1000;
    ticked = now;
    watched = !document.hidden;
  }
  const seconds = () => spent.toFixed(1);

  // In this window, for a reload without a connection; and on the server, for another day or device.
  function keep(more = {}) {
    const answer = form();
    if (!answer) return;
    const values = Object.fromEntries(rangesOf(answer).map((range) => [range.id, fieldOf(range).value]));
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ screen: answer.dataset.draft, values, seen, spent, ...more }));
    } catch { /* a browser that keeps nothing: the server has it */ }
  }

  // The value of a slider as it is, which the server now has.
  function see(range) {
    seen[range.id] = [...new Set(seen[range.id]).add(fieldOf(range).value)];
  }

  // Where nothing is left to send. What is kept is of one rater's screen, and comes back on no other.
  function forget() {
    try { sessionStorage.removeItem(KEPT); } catch { /* nothing was kept */ }
  }

  async function save() {
    const answer = form();
    if (!answer || sending) return;
    count();
    saving = 0;
    savedAt = spent;
    answer.querySelector("[name=seconds]").value = seconds();
    const body = new FormData(answer), saved = new Map();
    for (const range of rangesOf(answer)) {
      const field = fieldOf(range);
      if (unsaved.has(range)) {
        saved.set(range, field.value);
        see(range);
      } else body.delete(field.name);  // another window or device may have set it since
    }
    keep();
    try {
      const said = await fetch(answer.dataset.draft, { method: "POST", body, keepalive: true });
      for (const [range, value] of saved) if (said.ok && fieldOf(range).value === value) unsaved.delete(range);
      if (said.status === 409 && form() === answer && !sending) tell(await said.text());
    } catch { /* no connection: kept in this window, and sent with the answer */ }
  }

  function tell(what, onward = true) {
    notice.firstElementChild.textContent = what;
    notice.lastElementChild.hidden = !onward;
    notice.hidden = false;
  }

  // What this window still has of the screen it shows, where the server knows less; not where it has what was set
  // elsewhere since.
  function restore() {
    const answer = form();
    spent = Number(answer.dataset.seconds);
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* nothing kept */ }
    if (kept?.screen !== answer.dataset.draft) kept = null;
    spent = Math.max(spent, kept?.spent ?? 0);
    seen = kept?.seen ?? {};
    for (const range of rangesOf(answer)) {
      const value = kept?.values[range.id], shown = fieldOf(range).value;
      const known = shown === "" || (seen[range.id] ?? []).includes(shown);
      see(range);
      if (value && value !== shown && known) {
        range.value = value;
        set(range);
      }
    }
    if (kept?.refused) tell(notice.dataset.notSent, false);
    savedAt = spent;
    keep();
  }

  function ready() {
    const answer = form();
    if (!answer) return;
    const button = answer.querySelector("button[type=submit]"), whole = complete(answer);
    button.setAttribute("aria-disabled", String(!whole));
    button.textContent = whole ? button.dataset.ready : button.dataset.missing;
  }

  function toFirstUnset(answer) {
    const range = rangesOf(answer).find((each) => fieldOf(each).value === "");
    if (range) range.focus();
  }

  function send() {
    const answer = form();
    if (!answer) return;
    if (complete(answer)) answer.requestSubmit();
    else toFirstUnset(answer);
  }

  function fresh() {
    clearTimeout(saving);
    saving = 0;
    offline.hidden = notice.hidden = true;
    sending = false;
    unsaved.clear();
    ticked = stirred = performance.now();
    if (form()) restore();
    else if (screen.querySelector("[data-nothing-to-send]")) forget();
    ready();
  }

  function changed(event) {
    if (event.target.type === "range") set(event.target);
  }
  screen.addEventListener("input", changed);
  // A click on the place where the slider stands anyway sends no `input`.
  screen.addEventListener("pointerup", changed);

  for (const sign of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
    addEventListener(sign, () => { count(); stirred = performance.now(); }, { passive: true, capture: true });
  }
  setInterval(() => {
    count();
    if (spent - savedAt >= SAVE_EVERY_S) save();
  }, TICK_MS);
  for (const leaving of ["visibilitychange", "pagehide"]) {
    addEventListener(leaving, () => {
      count();
      if ((document.hidden || leaving === "pagehide") && (saving || spent - savedAt >= 0.5)) save();
    }, true);
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "answer") return;
    if (!complete(event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      toFirstUnset(event.target);
      return;
    }
    count();
    sending = true;
    clearTimeout(saving);
    rangesOf(event.target).forEach(see);
    keep();
  }, true);

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key === "Enter") return;
    const on = event.target, help = document.getElementById("help");
    if (on.matches("textarea, input:not([type=range]), select") || help.open) return;
    if (event.key === "?") {
      event.preventDefault();
      help.showModal();
    } else if (on.type === "range" && /^[0-9]$/.test(event.key)) {
      event.preventDefault();
      on.value = Number(event.key) * 10;
      set(on);
    } else if (event.key === "Enter" && !on.closest("button, summary, a")) {
      event.preventDefault();
      send();
    }
  });

  // The same form with the same key is sent again until it arrives: the server writes it once.
  function again(target) {
    clearTimeout(retrying);
    retrying = setTimeout(() => { if (target.isConnected) target.requestSubmit(); }, RETRY_MS);
  }
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(lost, (event) => {
      offline.hidden = false;
      if (event.target.matches("form")) again(event.target);
    });
  }
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500 && event.target.matches("form")) {
      offline.hidden = false;
      again(event.target);
    } else {
      keep({ refused: event.target.id === "answer" });
      location.reload();
    }
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "answer") event.detail.parameters.set("seconds", seconds());
  });
  document.addEventListener("htmx:afterSwap", () => {
    fresh();
    scrollTo(0, 0);
    screen.focus({ preventScroll: true });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // The address says whose screen it is, so that a reload never shows this window somebody else's.
  if (!location.search && screen.dataset.whose) history.replaceState(null, "", `?whose=${screen.dataset.whose}`);
  fresh();
})();
