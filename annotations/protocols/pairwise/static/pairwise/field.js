"use strict";
// Two texts: the choices from left to right.
window.storyblender.radios(".choose");
