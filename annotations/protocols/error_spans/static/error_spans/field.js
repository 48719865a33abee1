"use strict";
// Errors marked in texts. A field's value is a list of [start, end, category, severity], empty where nothing is wrong; start
// and end count Unicode code points, which the DOM does not: it counts UTF-16 units. A text is shown in pieces: its words,
// what is between them, and where a mark begins or ends within a word the parts of it. One of them is where the keys are.
(() => {
  const screen = document.getElementById("screen"), states = new WeakMap();  // by field, what is not in its value
  const TOUCH_MS = 500;  // how long handles of a selection by touch rest before it is taken
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
  const lengthOf = (text) => [...text].length;
  const fieldOf = (node) => node?.closest?.(".spans");
  const partOf = (field, name) => field.querySelector(name);
  const inputOf = (field) => partOf(field, "input[type=hidden]");
  const wordsFor = (field) => field.closest(".error-spans").dataset;
  const optionsOf = (field) => [...field.querySelectorAll("[role=option]")];
  const filled = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  // What a text is cut into: offsets in code points. Without Intl.Segmenter graphemes are guessed from combining marks,
  // and words from white space.
  const segmenters = {};
  function cuts(text, granularity, otherwise) {
    const found = [0];
    if (window.Intl?.Segmenter) segmenters[granularity] ??= new Intl.Segmenter(undefined, { granularity });
    const parts = granularity in segmenters
      ? [...segmenters[granularity].segment(text)].map((each) => each.segment)
      : text.match(otherwise) ?? [];
    for (const part of parts) found.push(found.at(-1) + lengthOf(part));
    return found;
  }
  const graphemesOf = (text) => cuts(text, "grapheme", /\P{M}[\p{M}\u200d\ufe0f]*|\p{M}+/gu);
  const wordsOf = (text) => cuts(text, "word", /[\p{L}\p{N}\p{M}'’-]+|\s+|[^\p{L}\p{N}\p{M}\s]/gu);

  // How many code points come before a place in an element; of one that a place would cut in two, `up` counts it.
  function pointsBefore(within, node, offset, up) {
    const range = document.createRange();
    range.selectNodeContents(within);
    range.setEnd(node, offset);
    const before = range.toString();
    return lengthOf(before) - (!up && /[\ud800-\udbff]$/.test(before) ? 1 : 0);
  }

  // What a range covers of the text that an element shows: whole graphemes, without white space at either end; null where
  // that is nothing.
  function spanOf(within, range) {
    if (!range.intersectsNode(within)) return null;
    const text = within.textContent, points = [...text], edges = graphemesOf(text);
    let start = within.contains(range.startContainer) ? pointsBefore(within, range.startContainer, range.startOffset, false) : 0;
    let end = within.contains(range.endContainer) ? pointsBefore(within, range.endContainer, range.endOffset, true) : points.length;
    if (start >= end) return null;
    start = edges.findLast((edge) => edge <= start);
    end = edges.find((edge) => edge >= end);
    while (start < end && !points[start].trim()) start++;
    while (end > start && !points[end - 1].trim()) end--;
    return start < end ? [start, end] : null;
  }

  function marksOf(field) {
    try {
      const marks = JSON.parse(inputOf(field).value);
      return Array.isArray(marks) ? marks.filter((mark) => Array.isArray(mark) && mark.length === 4) : [];
    } catch { return []; }  // not answered
  }

  // `at` is where the keys are, `chosen` what is to be marked, from its `anchor`, and `changing` the mark that is open.
  function stateOf(field) {
    if (!states.has(field)) {
      const text = partOf(field, ".marking").textContent;
      states.set(field, { text, points: [...text], words: wordsOf(text), at: 0, anchor: null, chosen: null, changing: null });
    }
    return states.get(field);
  }
  const sliceOf = (field, [start, end]) => stateOf(field).points.slice(start, end).join("");
  const covering = (marks, point) => marks.find(([start, end]) => start <= point && point < end);
  const markAt = (field, point) => covering(marksOf(field), point);
  const titleOf = (field, kind, name) =>
    partOf(field, `[data-${kind}="${CSS.escape(name)}"] ${kind === "category" ? "span" : "strong"}`)?.textContent ?? name;
  const sayOf = (field, mark) => ({
    text: sliceOf(field, mark), category: titleOf(field, "category", mark[2]), severity: titleOf(field, "severity", mark[3]),
  });

  function draw(field) {
    const state = stateOf(field), marks = marksOf(field), text = partOf(field, ".marking"), words = wordsFor(field);
    const edges = [...new Set([...state.words, ...marks.flatMap(([start, end]) => [start, end])])];
    edges.sort((one, other) => one - other);
    const pieces = [];
    for (let place = 0; place + 1 < edges.length; place++) {
      const [start, end] = [edges[place], edges[place + 1]], said = sliceOf(field, [start, end]);
      const piece = document.createElement("span"), mark = covering(marks, start), number = marks.indexOf(mark) + 1;
      piece.textContent = said;
      if (mark) {
        piece.classList.add("marked", mark[3]);
        if (end === mark[1]) piece.dataset.label = `${number} ${sayOf(field, mark).category}`;
      }
      const chosen = state.chosen && state.chosen[0] <= start && end <= state.chosen[1];
      piece.classList.toggle("chosen", Boolean(chosen));
      if (said.trim()) {
        piece.id = `${text.id}-${start}`;
        piece.dataset.start = start;
        piece.dataset.end = end;
        piece.setAttribute("role", "option");
        piece.setAttribute("aria-selected", String(Boolean(chosen)));
        if (mark) piece.setAttribute("aria-label", `${said}, ${filled(words.marked, { number, ...sayOf(field, mark) })}`);
      }
      pieces.push(piece);
    }
    text.replaceChildren(...pieces);
    const here = optionAt(field);
    here?.classList.add("here");
    if (here) text.setAttribute("aria-activedescendant", here.id);
    partOf(field, ".marks").replaceChildren(...marks.map((mark) => listed(field, mark)));
    partOf(field, ".none input").checked = inputOf(field).value === "[]";
  }

  const optionAt = (field) =>
    optionsOf(field).findLast((each) => Number(each.dataset.start) <= stateOf(field).at) ?? optionsOf(field)[0];

  function listed(field, mark) {
    const item = document.createElement("li"), row = item.appendChild(document.createElement("div"));
    const said = row.appendChild(document.createElement("span")), quote = said.appendChild(document.createElement("q"));
    const words = wordsFor(field);
    const { text, category, severity } = sayOf(field, mark);
    quote.dir = "auto";
    quote.textContent = text;
    said.append(` ${category}, ${severity}`);
    row.className = "mark";
    for (const act of ["change", "remove"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.dataset.act = act;
      button.dataset.start = mark[0];
      button.textContent = words[act];
      button.setAttribute("aria-label", `${words[act]}: “${text}”`);
      button.disabled = field.closest("fieldset").disabled;
      row.append(button);
    }
    return item;
  }

  const hint = (field, words) => { partOf(field, ".hint").textContent = words; };
  const say = (field, words) => { partOf(field, ".visually-hidden[role=status]").textContent = words; };

  function answer(field, marks) {
    const value = marks === null ? "" : JSON.stringify([...marks].sort((one, other) => one[0] - other[0]));
    window.storyblender.answer(field, value);
  }

  // To mark these code points, or to change the mark that is there; null chooses nothing.
  function choose(field, span, anchor = span?.[0] ?? null) {
    const state = stateOf(field);
    hint(field, "");
    if (span && marksOf(field).some(([start, end]) => start < span[1] && span[0] < end)) {
      hint(field, wordsFor(field).overlaps);
      span = anchor = null;
    }
    Object.assign(state, { chosen: span, anchor, changing: null });
    partOf(field, ".kind").hidden = true;
    draw(field);
    if (span) say(field, filled(wordsFor(field).chosen, { text: sliceOf(field, span) }));
  }

  // The kinds of errors, of what is chosen or of a mark.
  function open(field, { mark = null, focus = false } = {}) {
    const state = stateOf(field), kind = partOf(field, ".kind"), span = mark ?? state.chosen;
    if (!span) return;
    if (!mark && marksOf(field).length >= Number(wordsFor(field).maxErrors)) {
      hint(field, wordsFor(field).full);
      return;
    }
    if (mark) choose(field, null);
    state.changing = mark;
    partOf(kind, "q").textContent = sliceOf(field, span);
    partOf(kind, "[data-remove]").hidden = !mark;
    const categories = [...kind.querySelectorAll("[data-category]")];
    press(kind, "category", mark?.[2] ?? (categories.length === 1 ? categories[0].dataset.category : ""));
    press(kind, "severity", mark?.[3] ?? "");
    kind.hidden = false;
    kind.scrollIntoView({ block: "nearest" });
    if (focus) (partOf(kind, "[data-category][aria-pressed=true]") ?? categories[0]).focus();
  }

  function press(kind, what, name) {
    for (const button of kind.querySelectorAll(`[data-${what}]`)) {
      button.setAttribute("aria-pressed", String(button.dataset[what] === name));
    }
  }

  function close(field) {
    choose(field, null);
    partOf(field, ".marking").focus({ preventScroll: true });
  }

  function mark(field, severity) {
    const state = stateOf(field), category = partOf(field, "[data-category][aria-pressed=true]")?.dataset.category;
    if (!category) {
      hint(field, wordsFor(field).category);
      partOf(field, "[data-category]").focus();
      return;
    }
    const [start, end] = state.changing ?? state.chosen, made = [start, end, category, severity];
    const others = marksOf(field).filter((each) => each[0] !== start || each[1] !== end);
    state.at = start;
    Object.assign(state, { chosen: null, anchor: null, changing: null });
    answer(field, [...others, made]);
    close(field);
    say(field, filled(wordsFor(field).added, sayOf(field, made)));
  }

  // Without its last mark a text is not answered: that nothing is wrong in it has to be said.
  function remove(field, gone) {
    const others = marksOf(field).filter((each) => each[0] !== gone[0]);
    answer(field, others.length ? others : null);
    close(field);
    say(field, filled(wordsFor(field).removed, { text: sliceOf(field, gone) }));
  }

  function nothingWrong(field) {
    if (!marksOf(field).length) answer(field, inputOf(field).value === "[]" ? null : []);
  }

  // What was set elsewhere, such as before a reload, shows too.
  screen.addEventListener("storyblender:answered", (event) => {
    const field = fieldOf(event.target);
    if (!field) return;
    Object.assign(stateOf(field), { chosen: null, anchor: null, changing: null });
    partOf(field, ".kind").hidden = true;
    draw(field);
  });

  // A tap or click: on a mark it opens it; on a word it chooses this alone, and after that all up to another one.
  function tapped(field, option, further) {
    const state = stateOf(field), span = [Number(option.dataset.start), Number(option.dataset.end)];
    const there = markAt(field, span[0]), single = state.chosen && state.anchor !== null && !state.ranged;
    state.at = span[0];
    if (there && !state.chosen) {
      open(field, { mark: there });
      draw(field);
      return;
    }
    const again = state.chosen && span[0] === state.chosen[0] && span[1] === state.chosen[1];
    if (again) choose(field, null);
    else if (single || further && state.chosen) {
      const both = [Math.min(span[0], state.chosen[0]), Math.max(span[1], state.chosen[1])];
      state.ranged = true;
      choose(field, both, state.anchor);
      open(field);
    } else {
      state.ranged = false;
      choose(field, span);
      open(field);
    }
  }

  let pressed = null, dragged = false, waiting = 0;
  function takeSelection() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return false;
    const range = selection.getRangeAt(0);
    const inside = [range.startContainer, range.endContainer].map((node) =>
      (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.(".marking"));
    const text = inside[0] ?? inside[1], field = fieldOf(text);
    if (!field || field.closest("fieldset").disabled) return false;
    const span = spanOf(text, range);
    selection.removeAllRanges();
    if (!span) return false;
    const state = stateOf(field);
    state.at = span[0];
    state.ranged = true;
    choose(field, span);
    open(field);
    return true;
  }
  document.addEventListener("mousedown", (event) => {
    pressed = event.target.closest(".marking");
    dragged = false;
  }, true);
  document.addEventListener("mouseup", () => { dragged = pressed !== null && takeSelection(); }, true);
  document.addEventListener("selectionchange", () => {
    clearTimeout(waiting);
    if (matchMedia("(pointer: coarse)").matches) waiting = setTimeout(takeSelection, TOUCH_MS);
  });

  screen.addEventListener("click", (event) => {
    const field = fieldOf(event.target);
    if (!field || field.closest("fieldset").disabled) return;
    const option = event.target.closest("[role=option]"), button = event.target.closest("button");
    if (dragged) getSelection().removeAllRanges();  // a browser may set it once more as the button comes up
    else if (option) tapped(field, option, event.shiftKey);
    else if (event.target.closest(".none input")) nothingWrong(field);
    else if (button?.dataset.category) {
      hint(field, "");
      press(partOf(field, ".kind"), "category", button.dataset.category);
      if (!event.detail) partOf(field, "[data-severity]").focus();  // by a key
    } else if (button?.dataset.severity) mark(field, button.dataset.severity);
    else if (button?.dataset.remove !== undefined) remove(field, stateOf(field).changing);
    else if (button?.dataset.cancel !== undefined) close(field);
    else if (button?.dataset.act) {
      const there = markAt(field, Number(button.dataset.start));
      if (button.dataset.act === "remove") remove(field, there);
      else open(field, { mark: there, focus: true });
    }
  });

  // Keys on a text. Those that do something here go no further: the page would send, or take a digit for an answer.
  const KEYS = {
    Enter: (field) => {
      const state = stateOf(field), there = markAt(field, state.at), here = optionAt(field);
      if (!state.chosen && there) open(field, { mark: there, focus: true });
      else {
        if (!state.chosen && here) choose(field, [Number(here.dataset.start), Number(here.dataset.end)]);
        open(field, { focus: true });
      }
    },
    Delete: (field) => {
      const there = markAt(field, stateOf(field).at);
      if (there) remove(field, there);
    },
    Escape: close,
    n: (field) => {
      nothingWrong(field);
      if (inputOf(field).value) partOf(screen, ".spans.unset .marking")?.focus();
    },
  };
  KEYS[" "] = KEYS.Enter;
  KEYS.Backspace = KEYS.Delete;
  KEYS.N = KEYS.n;

  function step(field, by, extending) {
    const state = stateOf(field), options = optionsOf(field), now = options.indexOf(optionAt(field));
    const next = options[Math.max(0, Math.min(options.length - 1, now + by))];
    if (!next) return;
    const first = options[now], start = Number(next.dataset.start), end = Number(next.dataset.end);
    const anchor = state.chosen && extending ? state.anchor : Number(first.dataset.start);
    const anchored = options.find((each) => Number(each.dataset.start) === anchor) ?? first;
    state.at = start;
    state.ranged = extending;
    if (!extending) choose(field, null);
    else choose(field, [Math.min(start, anchor), Math.max(end, Number(anchored.dataset.end))], anchor);
    optionAt(field)?.scrollIntoView({ block: "nearest" });
  }

  screen.addEventListener("keydown", (event) => {
    const field = fieldOf(event.target);
    if (!field || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || field.closest("fieldset").disabled) return;
    const text = partOf(field, ".marking"), kind = partOf(field, ".kind"), inText = event.target === text;
    const digit = /^[1-9]$/.test(event.key) && kind.querySelectorAll("[data-category]")[event.key - 1];
    let done = true;
    if (/^[0-9]$/.test(event.key)) {
      if (digit && inText) KEYS.Enter(field);
      if (digit && !kind.hidden) {
        hint(field, "");
        press(kind, "category", digit.dataset.category);
        partOf(kind, "[data-severity]").focus();
      }
    } else if (event.key === "Escape") close(field);
    else if (inText && event.key in STEPS) {
      const turned = getComputedStyle(text).direction === "rtl" && /Left|Right/.test(event.key) ? -1 : 1;
      step(field, turned * STEPS[event.key], event.shiftKey);
    } else if (inText && KEYS[event.key] && !event.repeat) KEYS[event.key](field);
    else if (!inText && kind.contains(event.target) && event.key in STEPS) {
      const buttons = [...event.target.parentElement.querySelectorAll("button")];
      buttons.at((buttons.indexOf(event.target) + STEPS[event.key]) % buttons.length)?.focus();
    } else done = false;
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  });

  function fresh() {
    for (const field of screen.querySelectorAll(".spans")) draw(field);
  }
  document.addEventListener("htmx:afterSwap", fresh);
  window.errorSpans = { spanOf, draw, marksOf };
  fresh();
})();
