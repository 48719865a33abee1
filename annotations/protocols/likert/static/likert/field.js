"use strict";
// Points of a scale, from 1.
window.storyblender.radios(".likert");
