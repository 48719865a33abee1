"use strict";
// Points of a scale: a digit chooses the point of that number.
(() => {
  const screen = document.getElementById("screen");

  screen.addEventListener("change", (event) => {
    const field = event.target.closest(".likert");
    if (field) window.storyblender.answer(field, event.target.value);
  });

  screen.addEventListener("storyblender:digit", (event) => {
    const point = event.target.querySelector(`input[type=radio][value="${event.detail}"]`);
    if (!point) return;
    point.focus();
    window.storyblender.answer(event.target, point.value);
  });
})();
