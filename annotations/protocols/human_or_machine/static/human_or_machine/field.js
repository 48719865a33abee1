"use strict";
// Six points from machine to person.
window.storyblender.radios(".judge");
