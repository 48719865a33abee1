"use strict";
// Two texts: a digit is a choice by its place, from left to right.
(() => {
  const screen = document.getElementById("screen");

  screen.addEventListener("change", (event) => {
    const field = event.target.closest(".choose");
    if (field) window.storyblender.answer(field, event.target.value);
  });

  screen.addEventListener("storyblender:digit", (event) => {
    const choice = event.target.querySelectorAll("input[type=radio]")[event.detail - 1];
    if (!choice) return;
    choice.focus();
    window.storyblender.answer(event.target, choice.value);
  });
})();
