"use strict";
(() => {
  const BATCH = 20;
  const data = JSON.parse(document.getElementById("row-data").textContent);
  const list = document.getElementById("list");
  for (const details of document.querySelectorAll("details")) {
    addEventListener("beforeprint", () => { details.open = true; });
  }
  if (!list) return;

  const find = document.getElementById("find");
  const show = document.getElementById("show");
  const order = document.getElementById("order");
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");

  const element = (tag, kind, text) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const number = (value) => value.toFixed(1).replace("-", "−");
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  // Latin accents are folded; marks of other scripts carry vowels and stay.
  const fold = (text) =>
    text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").normalize("NFC").toLocaleLowerCase();

  // Words, or what a language without blanks has for words; where a browser cannot tell, blanks part.
  const MOST_CELLS = 250000;
  const segmenters = {};
  const words = (text, code) => {
    if (typeof Intl.Segmenter !== "function") return text.split(/(\s+)/).filter(Boolean);
    segmenters[code] ||= new Intl.Segmenter(code || undefined, { granularity: "word" });
    return Array.from(segmenters[code].segment(text), (each) => each.segment);
  };
  const isWord = (text) => /[\p{L}\p{N}]/u.test(text);

  // Which words of `text` are in a longest common subsequence with `other`; null where too long.
  const shared = (text, other) => {
    const ours = text.map(fold);
    const theirs = other.filter(isWord).map(fold);
    const width = theirs.length + 1;
    if (ours.length * width > MOST_CELLS) return null;
    const best = new Uint16Array((ours.length + 1) * width);
    for (let i = ours.length - 1; i >= 0; i--) {
      for (let j = theirs.length - 1; j >= 0; j--) {
        const at = i * width + j;
        best[at] = ours[i] === theirs[j]
          ? best[at + width + 1] + 1
          : Math.max(best[at + width], best[at + 1]);
      }
    }
    const kept = new Array(ours.length).fill(false);
    for (let i = 0, j = 0; i < ours.length && j < theirs.length;) {
      if (ours[i] === theirs[j]) {
        kept[i] = true;
        i++;
        j++;
      } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i++;
      else j++;
    }
    return kept;
  };

  const mark = (made, text, against, code) => {
    const own = words(text, code);
    const kept = shared(own, words(against, code));
    if (!kept) return;
    made.textContent = "";
    own.forEach((word, at) => {
      made.append(kept[at] || !isWord(word) ? word : element("mark", "", word));
    });
  };

  const write = (text, language, guess, against) => {
    const made = element("p", "text", text);
    if (against && text && !guess) mark(made, text, against, language.code);
    made.dir = guess ? "auto" : language.dir;
    if (language.code && !guess) made.lang = language.code;
    if (!text) {
      made.className = "text quiet";
      made.textContent = "(empty)";
    }
    return made;
  };

  const line = (label, tone) => {
    const made = element("div", "line");
    const head = element("div", "head");
    if (tone) head.append(element("i", "key tone-" + tone));
    head.append(element("span", "name", label));
    made.append(head);
    return made;
  };

  // S0-cut is S0 up to its first line: where it is, the rest of S0 folds away under it.
  const isCut = (name, row) => name.endsWith("-cut") && name.slice(0, -4) in row.systems;

  const hypothesis = (name, row) => {
    const found = row.systems[name];
    const cut = row.systems[name + "-cut"];
    const made = line(name, data.tones[name]);
    const body = element("div", "body");
    const guess = ["wrong_script", "wrong_language", "copied_source"].some((flag) => found.flags.includes(flag));
    const start = found.text.trimStart();
    const folds = cut && cut.text && cut.text !== found.text && start.startsWith(cut.text);
    body.append(write(folds ? cut.text : found.text, data.target, guess, row.reference));
    if (folds) {
      const rest = start.slice(cut.text.length).trim();
      if (rest) {
        const details = element("details", "rest");
        const length = Array.from(rest).length;
        details.append(element("summary", "", "then " + length + " more characters"));
        details.append(write(rest, data.target, true));
        body.append(details);
      }
    } else if (cut && cut.text !== found.text) {
      body.append(element("p", "tags", "cut at its first line: " + (cut.text || "(empty)")));
    }
    const tags = element("p", "tags");
    tags.append(element("span", "score", "chrF++ " + number(found.chrf)));
    if (cut && cut.text !== found.text) {
      tags.append(element("span", "score", "first line alone " + number(cut.chrf)));
    }
    if (found.stop) {
      const stop = data.stops[found.stop] || found.stop;
      tags.append(element("span", found.stop === "limit" ? "warn" : "", stop));
    }
    for (const flag of found.flags) {
      if (flag === "no_end" && found.stop === "limit") continue;
      const terms = (found.terms || {})[flag];
      const seen = terms ? terms.join(", ") : (found.evidence || {})[flag];
      const words = (data.flags[flag] || flag) + (seen ? ": " + seen : "");
      tags.append(element("span", data.warnings.includes(flag) ? "" : "warn", words));
    }
    body.append(tags);
    made.append(body);
    return made;
  };

  const card = (row) => {
    const made = element("li", "row");
    const top = element("p", "top");
    top.append(element("span", "quiet", row.line ? "line " + row.line : "row " + (row.row + 1)));
    if (row.document) top.append(element("span", "quiet", row.document));
    if (typeof row.gain === "number") {
      const kind = row.gain > 0 ? "up" : row.gain < 0 ? "down" : "quiet";
      const gain = element("strong", kind, signed(row.gain));
      gain.title = "sentence chrF++ against " + data.baseline;
      top.append(gain);
    }
    made.append(top);
    const judged = row.systems[data.judged];
    for (const [label, text, language, against] of [
      [data.source.name || "Source", row.source, data.source, ""],
      ["Reference", row.reference, data.target, judged ? judged.text : ""],
    ]) {
      const part = line(label);
      const body = element("div", "body");
      body.append(write(text, language, false, against));
      part.append(body);
      made.append(part);
    }
    for (const name of Object.keys(row.systems)) {
      if (!isCut(name, row)) made.append(hypothesis(name, row));
    }
    return made;
  };

  const gainOf = (row) => (typeof row.gain === "number" ? row.gain : 0);
  const signs = (row) => row.systems[data.judged].flags.length;
  const missed = (row) => Object.values(row.systems[data.judged].terms || {}).flat().length;
  const orders = {
    gain: (a, b) => gainOf(b) - gainOf(a),
    loss: (a, b) => gainOf(a) - gainOf(b),
    longest: (a, b) => b.source.length - a.source.length,
    shortest: (a, b) => a.source.length - b.source.length,
    row: (a, b) => a.row - b.row,
    signs: (a, b) => signs(b) - signs(a),
    terms: (a, b) => missed(b) - missed(a),
  };
  // Gains and losses by turns, largest first, so that neither hides the other.
  const byTurns = (rows) => {
    const gains = rows.filter((row) => gainOf(row) >= 0).sort(orders.gain);
    const losses = rows.filter((row) => gainOf(row) < 0).sort(orders.loss);
    const turns = [];
    for (let i = 0; i < Math.max(gains.length, losses.length); i++) {
      turns.push(...gains.slice(i, i + 1), ...losses.slice(i, i + 1));
    }
    return turns;
  };
  const keep = {
    "": () => true,
    gained: (row) => gainOf(row) > 0,
    lost: (row) => gainOf(row) < 0,
  };
  const haystacks = new Map();
  const haystack = (row) => {
    if (!haystacks.has(row)) {
      const texts = Object.values(row.systems).map((system) => system.text);
      haystacks.set(row, fold([row.source, row.reference, row.document, ...texts].join("\n")));
    }
    return haystacks.get(row);
  };

  const choices = () => {
    const option = (parent, value, label) => {
      const count = data.rows.filter(keep[value]).length;
      if (!count) return;
      const made = element("option", "", label + " (" + count + ")");
      made.value = value;
      parent.append(made);
    };
    option(show, "gained", "rows that gained");
    option(show, "lost", "rows that lost");
    for (const [name, numbers] of Object.entries(data.chosen)) {
      const rows = new Set(numbers);
      keep[name] = (row) => rows.has(row.row);
      option(show, name, name === "near" ? "near-duplicates of training rows" : name);
    }
    for (const name of Object.keys(data.rows[0].systems)) {
      const group = element("optgroup");
      group.label = name;
      for (const [flag, words] of Object.entries(data.flags)) {
        const value = name + " flag " + flag;
        keep[value] = (row) => row.systems[name].flags.includes(flag);
        option(group, value, words);
      }
      for (const [stop, words] of Object.entries(data.stops)) {
        const value = name + " stop " + stop;
        keep[value] = (row) => row.systems[name].stop === stop;
        option(group, value, "stopped by " + words);
      }
      if (group.children.length) show.append(group);
    }
  };

  let found = [];
  let drawn = 0;
  const draw = (focus) => {
    const batch = found.slice(drawn, drawn + BATCH).map(card);
    list.append(...batch);
    drawn += batch.length;
    const left = found.length - drawn;
    more.hidden = left === 0;
    more.textContent = "Show " + Math.min(BATCH, left) + " more";
    shown.textContent = found.length
      ? drawn + " of " + found.length + (found.length < data.rows.length ? " matching" : "") + " rows shown"
      : "No row matches.";
    if (focus && batch.length) {
      batch[0].tabIndex = -1;
      batch[0].focus({ preventScroll: true });
    }
  };
  const update = () => {
    const wanted = fold(find.value.trim());
    found = data.rows.filter(keep[show.value]);
    if (wanted) found = found.filter((row) => haystack(row).includes(wanted));
    found = order.value === "change" ? byTurns(found) : found.sort(orders[order.value]);
    list.replaceChildren();
    drawn = 0;
    draw(false);
  };

  let waiting;
  find.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  show.addEventListener("change", update);
  order.addEventListener("change", update);
  more.addEventListener("click", () => draw(true));
  const controls = document.getElementById("controls");
  controls.addEventListener("submit", (event) => event.preventDefault());
  choices();
  if (data.rows.some(missed)) order.append(new Option("most terms wrong in " + data.judged, "terms"));
  // A finding's link shows the rows that it is about.
  for (const link of document.querySelectorAll("a[data-show]")) {
    if (!Array.from(show.options).some((each) => each.value === link.dataset.show)) continue;
    link.hidden = false;
    link.addEventListener("click", () => {
      find.value = "";
      show.value = link.dataset.show;
      update();
    });
  }
  controls.hidden = false;
  update();
})();
