"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const search = document.querySelector("#search");
  const chips = all("[data-only]");
  const changes = all("details.change");
  const nodes = new Map(all("[data-node]").map((node) => [node.dataset.node, node]));
  const edges = all(".edge");
  const none = document.querySelector("#none");

  // Search and actions choose what is shown; the picture keeps its shape and fades.
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const actions = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.only);
    let shown = 0;
    for (const change of changes) {
      const text = change.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word)) && (!actions.length || actions.includes(change.dataset.action));
      change.hidden = !fits;
      nodes.get(change.id.slice(1))?.classList.toggle("faded", !fits);
      shown += fits;
    }
    for (const section of all("section.changes")) {
      section.hidden = !section.querySelector("details.change:not([hidden])");
    }
    none.hidden = shown > 0;
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
  const follow = (start, from, to) => {
    const seen = new Set([start]);
    for (const node of seen) {
      for (const edge of edges) if (edge.dataset[from] === node) seen.add(edge.dataset[to]);
    }
    return seen;
  };
  const picture = document.querySelector("svg");
  const light = (node) => {
    const up = follow(node, "to", "from");
    const down = follow(node, "from", "to");
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
