"use strict";
document.getElementById("screen").addEventListener("change", (event) => {
  const field = event.target.closest(".choose");
  if (field) window.storyblender.answer(field, event.target.value);
});
