// The little that HTML and htmx cannot do: dropped files, words beside sliders, progress of an upload.
(() => {
  "use strict";

  // Files dropped on a field become the field's own files; the form works without this.
  document.addEventListener("dragover", (event) => {
    const zone = event.target.closest?.("[data-drop]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    event.target.closest?.("[data-drop]")?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    const zone = event.target.closest?.("[data-drop]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("over");
    const input = zone.querySelector("input[type=file]");
    const held = new DataTransfer();
    for (const file of [...input.files, ...event.dataTransfer.files]) held.items.add(file);
    input.files = held.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // The chosen files by name and number, and the button that waits for them.
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-drop] input[type=file]")) return;
    const list = input.form.querySelector("[data-chosen]");
    if (!list) return;
    const names = [...input.files].slice(0, 8).map((file) => file.name);
    if (input.files.length > 8) names.push(`… +${input.files.length - 8}`);
    list.replaceChildren(...names.map((name) => {
      const item = document.createElement("li");
      item.textContent = name;
      return item;
    }));
  });

  // While files travel: the button says so and cannot be pressed twice; a bar shows how far they are.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = form.querySelector("[data-busy]");
    if (!button || event.defaultPrevented) return;
    setTimeout(() => {
      button.textContent = button.dataset.busy;
      button.disabled = true;
      form.querySelector("[data-progress]")?.removeAttribute("hidden");
    });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // A slider says its value in words at once; the server answers with the plan a moment later.
  const yuan = (fen) => {
    const sign = fen < 0 ? "−" : "";
    return sign + "¥" + (Math.abs(fen) / 100).toLocaleString("en-US", { minimumFractionDigits: 2 });
  };
  document.addEventListener("input", (event) => {
    const slide = event.target.closest?.("[data-slide]");
    if (!slide) return;
    const value = Number(event.target.value);
    const plus = value > 0 ? "+" : "";
    slide.querySelector("output").textContent = plus + (slide.dataset.slide === "percent" ? `${value}%` : yuan(value * 100));
  });

  // A choice that takes effect at once where scripts run; elsewhere its form has a button.
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-send]")) event.target.form.requestSubmit();
  });

  // Search in a long list: rows that do not carry the words step aside.
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-filter]")) return;
    const words = event.target.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("[data-words]")) {
      row.hidden = !row.dataset.words.toLowerCase().includes(words);
    }
  });

  // A typed password can be looked at (ASVS 2.1.12), and is hidden again before it is sent.
  for (const typed of document.querySelectorAll("input[data-show]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = typed.dataset.show;
    button.addEventListener("click", () => {
      const hidden = typed.type === "password";
      typed.type = hidden ? "text" : "password";
      button.textContent = hidden ? typed.dataset.hide : typed.dataset.show;
    });
    typed.form?.addEventListener("submit", () => { typed.type = "password"; });
    typed.closest("label").after(button);
  }
  for (const extra of document.querySelectorAll("[data-script-only]")) extra.hidden = false;

  // A sheet: htmx fills it, then it opens over the page; Escape, inert background and focus return are the browser's.
  document.addEventListener("htmx:after:swap", () => {
    for (const sheet of document.querySelectorAll("dialog.sheet:not([open])")) {
      if (!sheet.querySelector("[data-sheet]")?.childElementCount) continue;
      sheet.showModal();
      sheet.querySelector("h1")?.focus();
    }
  });
  // A tapped link that htmx could not follow is followed as any other: its page comes, or the browser says why not.
  document.addEventListener("htmx:error", (event) => {
    const link = event.target.closest?.("a[href]");
    if (link && event.detail.ctx?.sourceEvent?.type === "click") location.assign(link.href);
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches?.("dialog.sheet[open]")) event.target.close();
  });
  document.addEventListener("close", (event) => {
    if (event.target.matches?.("dialog.sheet")) event.target.querySelector("[data-sheet]").replaceChildren();
  }, true);
})();
