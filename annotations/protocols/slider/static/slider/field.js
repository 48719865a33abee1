"use strict";
// Sliders: the value stands beside, and a digit is a tenth of the way.
(() => {
  const screen = document.getElementById("screen");

  function moved(event) {
    if (event.target.type === "range") window.storyblender.answer(event.target.parentElement, event.target.value);
  }
  screen.addEventListener("input", moved);
  // A click on the place where the slider stands anyway sends no `input`.
  screen.addEventListener("pointerup", moved);

  screen.addEventListener("storyblender:answered", (event) => {
    const range = event.target.querySelector("input[type=range]");
    if (!range) return;
    range.value = event.detail;
    range.removeAttribute("aria-valuetext");
    event.target.querySelector("output").value = event.detail;
  });

  screen.addEventListener("storyblender:digit", (event) => {
    if (event.target.querySelector("input[type=range]")) window.storyblender.answer(event.target, String(event.detail * 10));
  });
})();
