// Passkeys: a form asks the server for a question, the device answers, the form carries the answer back.
(() => {
  "use strict";

  const can = typeof PublicKeyCredential === "function"
    && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";

  // Words for the person stand in the page; here is only which of them to show.
  const tell = (form, what) => {
    const place = form.querySelector("[data-passkey-trouble]");
    place.textContent = place.dataset[what] || place.dataset.failed;
    place.hidden = false;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  };

  const kinds = {
    NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known",
    NotSupportedError: "none", ConstraintError: "none", SecurityError: "address",
  };

  const ask = async (form) => {
    const answer = await fetch(form.dataset.options, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" },
    });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw Object.assign(new Error("refused"), { said: said.message });
    }
    return answer.json();
  };

  const prove = async (form) => {
    // A step-up's question came with the page, since it is bound to what the page shows.
    const { challenge, options } = form.dataset.question ? JSON.parse(form.dataset.question) : await ask(form);
    const made = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.elements.challenge.value = challenge;
    form.elements.credential.value = JSON.stringify(made.toJSON());
    form.submit();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form) return;
    event.preventDefault();
    if (!can) {
      tell(form, "unsupported");
      return;
    }
    form.querySelector("[data-passkey-trouble]").hidden = true;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    prove(form).catch((error) => {
      tell(form, kinds[error.name]);
      if (error.said) form.querySelector("[data-passkey-trouble]").textContent = error.said;
    });
  });

  if (!can) for (const form of document.querySelectorAll("form[data-passkey]")) tell(form, "unsupported");
})();
