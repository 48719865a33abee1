"use strict";
// Six points from the first text to the second.
window.storyblender.radios(".judge");
