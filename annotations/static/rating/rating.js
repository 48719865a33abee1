"use strict";
// The rating page: which fields are answered, keys, half answers and the time they took kept, and a lost connection.
// A field is an element with `data-field`, the name of its input or inputs. What it looks like and how it is answered is
// its protocol's: its script calls `storyblender.answer(field, value)`, and hears `storyblender:answered` and, for a digit
// that was pressed on the field, `storyblender:digit`; or it calls `storyblender.radios(selector)`. A field with
// `data-optional` may stay empty, and so may those of a criterion that was declined.
(() => {
  const AUTOSAVE_MS = 600, RETRY_MS = 3000, KEPT = "answer";
  const MIN_PACES = 3, MAX_PACES = 20;  // screens
  const MAX_SEEN = 20;  // values of a field
  const TICK_MS = 1000, LONGEST_TICK_MS = 5000;  // a longer one has slept, with its computer
  const IDLE_MS = 120000;  // without a sign of anybody the clock stops
  const SAVE_EVERY_S = 60;
  const screen = document.getElementById("screen");
  const offline = document.getElementById("offline"), notice = document.getElementById("notice");
  let saving = 0, retrying = 0, sending = false;
  let seen = {};  // by field, the values that the server has had from this window or shown it
  const unsaved = new Set();  // fields that were answered here since they were last saved
  let spent = 0, savedAt = 0, ticked = performance.now(), stirred = ticked, watched = !document.hidden;

  const form = () => screen.dataset.whose ? document.getElementById("answer") : null;  // a preview is nobody's
  const fieldsOf = (answer) => [...answer.querySelectorAll("[data-field]")];
  const inputOf = (field) => field.closest("form").elements[field.dataset.field];  // of radio buttons their list
  const valueOf = (field) => inputOf(field).type === "checkbox" && !inputOf(field).checked ? "" : inputOf(field).value;
  const criterionOf = (field) => field.dataset.field.slice(0, field.dataset.field.lastIndexOf(":"));
  const declined = (field) => field.closest("form").elements[`${criterionOf(field)}:cannot_say`]?.checked ?? false;
  const requiredOf = (answer) => fieldsOf(answer).filter((field) => !("optional" in field.dataset || declined(field)));
  const complete = (answer) => requiredOf(answer).every((field) => valueOf(field) !== "");
  const focusableIn = (field) => field.querySelector("input:not([type=hidden]), textarea, [tabindex]");

  // An empty value takes an answer back.
  function set(field, value) {
    const input = inputOf(field);
    if (input instanceof RadioNodeList) for (const radio of input) radio.checked = radio.value === value;
    else if (input.type === "checkbox") input.checked = value !== "";
    else input.value = value;
    field.classList.toggle("unset", value === "");
    field.dispatchEvent(new CustomEvent("storyblender:answered", { bubbles: true, detail: value }));
    sending = false;  // what may be on its way is not what is shown now
    unsaved.add(field);
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

  const paces = () => `paces ${screen.dataset.whose}`;  // of this rater in this window

  function kept(name) {
    try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; }  // nothing kept
  }

  // In this window, for a reload without a connection; and on the server, for another day or device.
  function keep(more = {}) {
    const answer = form();
    if (!answer) return;
    const values = Object.fromEntries(fieldsOf(answer).map((field) => [field.dataset.field, valueOf(field)]));
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ screen: answer.dataset.draft, values, seen, spent, ...more }));
    } catch { /* a browser that keeps nothing: the server has it */ }
  }

  // The value of a field as it is, which the server now has.
  function see(field) {
    const name = field.dataset.field;
    seen[name] = [...new Set(seen[name]).add(valueOf(field))].slice(-MAX_SEEN);
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
    for (const field of fieldsOf(answer)) {
      if (unsaved.has(field)) {
        saved.set(field, valueOf(field));
        body.set(field.dataset.field, valueOf(field));  // where no radio button is chosen, empty
        see(field);
      } else body.delete(field.dataset.field);  // another window or device may have set it since
    }
    keep();
    try {
      const said = await fetch(answer.dataset.draft, { method: "POST", body, keepalive: true });
      for (const [field, value] of saved) if (said.ok && valueOf(field) === value) unsaved.delete(field);
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
    let mine = kept(KEPT);
    if (mine?.screen !== answer.dataset.draft) mine = null;
    spent = Math.max(spent, mine?.spent ?? 0);
    seen = mine?.seen ?? {};
    const back = new Map();  // all of it before any is set, which may set others
    for (const field of fieldsOf(answer)) {
      const name = field.dataset.field, value = mine?.values[name], shown = valueOf(field);
      const known = shown === "" || (seen[name] ?? []).includes(shown);
      see(field);
      if (value !== undefined && value !== shown && known) back.set(field, value);
    }
    for (const [field, value] of back) set(field, value);
    if (mine?.refused) tell(notice.dataset.notSent, false);
    savedAt = spent;
    keep();
  }

  function ready() {
    const answer = form();
    if (!answer) return;
    const button = answer.querySelector("button[type=submit]"), whole = complete(answer);
    button.setAttribute("aria-disabled", String(!whole));
    button.textContent = whole ? button.dataset.ready : button.dataset.missing;
    for (const field of fieldsOf(answer)) field.classList.toggle("declined", !("optional" in field.dataset) && declined(field));
    const fields = requiredOf(answer), answered = document.getElementById("answered");
    const given = fields.filter((field) => valueOf(field) !== "").length;
    answered.textContent = answered.dataset.count.replace("{answered}", given).replace("{all}", fields.length);
  }

  function pace() {
    try {
      sessionStorage.setItem(paces(), JSON.stringify([...(kept(paces()) ?? []), spent].slice(-MAX_PACES)));
    } catch { /* no pace is known */ }
  }

  // How long what is left will take, by the screens answered in this window: the median of the last twenty.
  function left() {
    const said = document.getElementById("left");
    if (!said) return;
    const known = kept(paces()) ?? [];
    said.hidden = known.length < MIN_PACES;
    const median = known.sort((a, b) => a - b)[known.length >> 1];
    const minutes = Math.ceil((said.dataset.total - said.dataset.done) * median / 60);
    said.textContent = said.dataset.minutes.replace("{minutes}", minutes);
  }

  function toFirstUnset(answer, options) {
    const field = requiredOf(answer).find((each) => valueOf(each) === "");
    if (field) focusableIn(field).focus(options);
    return field;
  }

  // To the next field that is not answered, after one that was.
  function onward(field) {
    const fields = requiredOf(field.closest("form"));
    const next = fields.slice(fields.indexOf(field) + 1).find((each) => valueOf(each) === "");
    if (valueOf(field) !== "" && next) focusableIn(next).focus();
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
    left();
    if (form()) restore();
    else if (screen.querySelector("[data-nothing-to-send]")) forget();
    ready();
  }

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
    if (!sending) pace();  // once, however often it is sent
    sending = true;
    clearTimeout(saving);
    fieldsOf(event.target).forEach(see);
    keep();
  }, true);

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
  });

  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-optional]");
    if (field) set(field, valueOf(field));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest("#answer")) {
      event.preventDefault();
      send();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key === "Enter") return;
    const on = event.target, help = document.getElementById("help"), field = on.closest("[data-field]");
    if (on.matches("textarea") || !field && on.matches("input, select") || help.open) return;
    if (event.key === "?") {
      event.preventDefault();
      help.showModal();
    } else if (field && !("optional" in field.dataset) && /^[0-9]$/.test(event.key)) {
      event.preventDefault();
      field.dispatchEvent(new CustomEvent("storyblender:digit", { bubbles: true, detail: Number(event.key) }));
      onward(field);
    } else if (event.key === "U") {  // with Shift: not by chance
      document.getElementById("undo")?.requestSubmit();
    } else if (event.key === "S") {
      const pass = document.getElementById("pass");
      if (!pass) return;
      pass.open = true;
      pass.querySelector("input[type=radio]").focus();
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
    if (!form() || !toFirstUnset(form(), { preventScroll: true })) screen.focus({ preventScroll: true });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // The address says whose screen it is, so that a reload never shows this window somebody else's.
  if (!location.search && screen.dataset.whose) history.replaceState(null, "", `?whose=${screen.dataset.whose}`);
  // Fields whose radio buttons are their answers: a digit chooses one by its place.
  function radios(selector) {
    screen.addEventListener("change", (event) => {
      const field = event.target.closest(selector);
      if (field) set(field, event.target.value);
    });
    screen.addEventListener("storyblender:digit", (event) => {
      const radio = event.target.querySelectorAll("input[type=radio]")[event.detail - 1];
      if (!radio) return;
      radio.focus();
      set(event.target, radio.value);
    });
  }

  window.storyblender = { answer: set, radios };
  // The protocol's script comes after this one, and has to hear of what is brought back.
  document.addEventListener("DOMContentLoaded", fresh);
})();
