"use strict";
// Ranks: a digit gives the rank of that number. Where ranks cannot be equal, a rank that another text has is taken from
// it: the two change places, or the other has none, and the page says so.
(() => {
  const screen = document.getElementById("screen"), before = new WeakMap();  // by field, the rank it had
  let moving = false;
  const criterionOf = (field) => field.dataset.field.slice(0, field.dataset.field.lastIndexOf(":"));
  const radioOf = (field, rank) => field.querySelector(`input[type=radio][value="${rank}"]`);
  const rankBefore = (field) => before.get(field) ?? field.querySelector("input[type=radio][checked]")?.value ?? "";

  screen.addEventListener("change", (event) => {
    const field = event.target.closest(".rank");
    if (field) window.storyblender.answer(field, event.target.value);
  });

  screen.addEventListener("storyblender:answered", (event) => {
    const field = event.target, rank = event.detail, had = rankBefore(field);
    before.set(field, rank);
    if (moving) return;
    for (const hint of screen.querySelectorAll(".hint")) hint.textContent = "";
    const same = (each) => each !== field && criterionOf(each) === criterionOf(field) && radioOf(each, rank)?.checked;
    const other = field.dataset.apart === undefined ? null : [...screen.querySelectorAll(".rank")].find(same);
    if (!other) return;
    const said = had ? field.dataset.moved.replace("[1]", had) : field.dataset.cleared;
    field.querySelector(".hint").textContent = said.replace("[A]", other.dataset.letter);
    moving = true;
    window.storyblender.answer(other, had);
    moving = false;
  });

  screen.addEventListener("storyblender:digit", (event) => {
    const radio = radioOf(event.target, event.detail);
    if (!radio) return;
    radio.focus();
    window.storyblender.answer(event.target, radio.value);
  });
})();
