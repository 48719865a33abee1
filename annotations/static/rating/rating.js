"use strict";
// The rating page: which sliders are set, keys, half answers kept, and a lost connection.
(() => {
  const AUTOSAVE_MS = 600, RETRY_MS = 3000;
  const screen = document.getElementById("screen");
  const offline = document.getElementById("offline");
  let shownAt = performance.now(), saving = 0, retrying = 0;

  const form = () => document.getElementById("answer");
  const fieldOf = (range) => range.parentElement.querySelector("input[type=hidden]");
  const complete = (answer) => [...answer.querySelectorAll("input[type=range]")].every((range) => fieldOf(range).value !== "");

  function set(range) {
    fieldOf(range).value = range.value;
    range.parentElement.querySelector("output").value = range.value;
    range.parentElement.classList.remove("unset");
    range.removeAttribute("aria-valuetext");
    ready();
    clearTimeout(saving);
    saving = setTimeout(save, AUTOSAVE_MS);
  }

  function save() {
    const answer = form();
    if (answer) fetch(answer.dataset.draft, { method: "POST", body: new FormData(answer), keepalive: true }).catch(() => {});
  }

  function ready() {
    const answer = form();
    if (!answer) return;
    const button = answer.querySelector("button[type=submit]"), whole = complete(answer);
    if (!button) return;  // a preview
    button.setAttribute("aria-disabled", String(!whole));
    button.textContent = whole ? button.dataset.ready : button.dataset.missing;
  }

  function toFirstUnset(answer) {
    const range = [...answer.querySelectorAll("input[type=range]")].find((each) => fieldOf(each).value === "");
    if (range) range.focus();
  }

  function send() {
    const answer = form();
    if (!answer) return;
    if (complete(answer)) answer.requestSubmit();
    else toFirstUnset(answer);
  }

  function fresh() {
    shownAt = performance.now();
    clearTimeout(saving);
    offline.hidden = true;
    ready();
  }

  screen.addEventListener("input", (event) => { if (event.target.type === "range") set(event.target); });
  // A click on the place where the slider stands anyway sends no `input`.
  screen.addEventListener("pointerup", (event) => { if (event.target.type === "range") set(event.target); });

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "answer") return;
    if (!complete(event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      toFirstUnset(event.target);
    }
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
      location.reload();
    }
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "answer") {
      event.detail.parameters.set("seconds", ((performance.now() - shownAt) / 1000).toFixed(1));
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    fresh();
    scrollTo(0, 0);
    screen.focus({ preventScroll: true });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  fresh();
})();
