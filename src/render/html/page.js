"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const search = document.querySelector("#search");
  const chips = all("[data-only]");
  const changes = all("details.change");
  const nodes = new Map(all("[data-node]").map((node) => [node.dataset.node, node]));
  const edges = all(".edge");
  const none = document.querySelector("#none");

  // Search and actions choose what is shown; the picture keeps its shape and fades. Thousands of changes go by parts,
  // so that a key that is pressed meanwhile is heard: it begins anew. The texts are taken once, and only what turns
  // is touched.
  const PART = 8;
  const sections = new Map(all("section.changes").map((section) => [section, 0]));
  const rows = changes.map((change) => {
    return { change, node: nodes.get(change.id.slice(1)), section: change.parentElement, text: null, fits: true };
  });
  let turn = 0;
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const actions = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.only);
    const fits = (row) => {
      if (actions.length && !actions.includes(row.change.dataset.action)) return false;
      if (words.length) row.text ??= row.change.textContent.toLowerCase();
      return words.every((word) => row.text.includes(word));
    };
    const mine = ++turn;
    const counts = new Map(sections);
    let next = 0;
    const part = () => {
      if (mine !== turn) return;
      for (const end = performance.now() + PART; next < rows.length && performance.now() < end; next++) {
        const row = rows[next];
        const is = fits(row);
        if (is !== row.fits) {
          row.fits = is;
          row.change.hidden = !is;
          row.node?.classList.toggle("faded", !is);
        }
        counts.set(row.section, counts.get(row.section) + is);
      }
      if (next < rows.length) return setTimeout(part);
      for (const [section, count] of counts) section.hidden = !count;
      none.hidden = [...counts.values()].some(Boolean);
    };
    setTimeout(part);
  };
  if (search) {
    search.closest("[hidden]").hidden = false;
    search.addEventListener("input", filter);
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        filter();
      });
    }
    for (const button of all("[data-fold]")) {
      button.addEventListener("click", () => {
        for (const change of changes) change.open = button.dataset.fold === "open";
      });
    }
  }

  // A box shows all that it needs and all that needs it.
  const tied = { from: new Map(), to: new Map() };
  for (const { dataset: { from, to } } of edges) {
    for (const [near, node, far] of [["from", from, to], ["to", to, from]]) {
      if (!tied[near].has(node)) tied[near].set(node, []);
      tied[near].get(node).push(far);
    }
  }
  const follow = (start, near) => {
    const seen = new Set([start]);
    for (const node of seen) for (const far of tied[near].get(node) ?? []) seen.add(far);
    return seen;
  };
  const picture = document.querySelector("svg");
  const light = (node) => {
    const up = follow(node, "to");
    const down = follow(node, "from");
    picture.classList.add("lit");
    for (const [id, element] of nodes) element.classList.toggle("hot", up.has(id) || down.has(id));
    for (const edge of edges) {
      const { from, to } = edge.dataset;
      edge.classList.toggle("hot", (up.has(from) && up.has(to)) || (down.has(from) && down.has(to)));
    }
  };
  for (const [id, node] of nodes) {
    node.addEventListener("pointerenter", () => light(id));
    node.addEventListener("focus", () => light(id));
    node.addEventListener("pointerleave", () => picture.classList.remove("lit"));
    node.addEventListener("blur", () => picture.classList.remove("lit"));
  }

  // A link to a change opens it.
  const open = () => {
    const change = changes.find((change) => `#${change.id}` === location.hash);
    if (change) {
      change.open = true;
      change.scrollIntoView({ block: "start" });
    }
  };
  addEventListener("hashchange", open);
  open();

  // On paper nothing can be unfolded.
  addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
})();
