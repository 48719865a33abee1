"use strict";
// The best and the worst of a screen's texts: a digit is a text by its place. No text is both: where it is chosen as one,
// it is no longer the other, and the page says so.
(() => {
  const screen = document.getElementById("screen"), STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  const otherOf = (field) => [...field.parentElement.querySelectorAll(".pick")].find((each) => each !== field);
  const radiosOf = (field) => [...field.querySelectorAll("input[type=radio]")];
  const chosenIn = (field) => radiosOf(field).find((radio) => radio.checked);

  function choose(field, radio) {
    if (!radio) return;
    radio.focus();
    window.storyblender.answer(field, radio.value);
  }

  screen.addEventListener("change", (event) => {
    const field = event.target.closest(".pick");
    if (field) window.storyblender.answer(field, event.target.value);
  });

  screen.addEventListener("storyblender:answered", (event) => {
    const field = event.target, other = otherOf(field), chosen = chosenIn(field);
    if (!chosen) return;  // this one has just been cleared
    const hint = field.parentElement.querySelector(".hint");
    hint.textContent = "";
    if (chosenIn(other)?.value !== chosen.value) return;
    hint.textContent = other.dataset.cleared.replace("[A]", chosen.parentElement.textContent.trim());
    window.storyblender.answer(other, "");
  });

  screen.addEventListener("storyblender:digit", (event) => choose(event.target, radiosOf(event.target)[event.detail - 1]));

  // Arrow keys choose each text that they come to, and so pass over the one that the other row has.
  screen.addEventListener("keydown", (event) => {
    const field = event.target.closest(".pick"), step = STEPS[event.key];
    if (!field || !step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    const radios = radiosOf(field), taken = chosenIn(otherOf(field))?.value;
    let at = radios.indexOf(event.target);
    do at = (at + step + radios.length) % radios.length; while (radios[at].value === taken);
    choose(field, radios[at]);
  });
})();
