// The choice of a language or of colours, and other buttons that come back, load the page again. What
// was typed into its forms and not sent yet comes back too. Editor and room keep their texts
// themselves.

const TYPED = "sidepro:typed";
const TYPED_FORMS = "main form[method=post]:not([data-form], [data-composer])";
const NOT_TYPED = ["hidden", "password", "file", "submit", "button"];

const typedForms = () => [...document.querySelectorAll(TYPED_FORMS)];
const typedFields = (form) =>
  [...form.elements].filter(({ name, type }) => name && !NOT_TYPED.includes(type));

function valuesOf(form) {
  const data = new FormData(form);
  return Object.fromEntries(typedFields(form).map(({ name }) => [name, data.getAll(name)]));
}

function keepTyped({ target, defaultPrevented }) {
  if (defaultPrevented) return; // the page stays
  sessionStorage.removeItem(TYPED);
  if (target.id !== "here") return;
  const forms = typedForms().map((form) => [form.action, valuesOf(form)]);
  sessionStorage.setItem(TYPED, JSON.stringify([location.pathname, forms]));
}

function restoreTyped() {
  const [path, forms] = JSON.parse(sessionStorage.getItem(TYPED)) ?? [];
  sessionStorage.removeItem(TYPED); // for the very next page alone
  if (path !== location.pathname) return;
  const typed = Object.fromEntries(forms);
  for (const form of typedForms().filter(({ action }) => action in typed)) {
    for (const field of typedFields(form)) {
      const values = typed[form.action][field.name] ?? [];
      if (["checkbox", "radio"].includes(field.type)) field.checked = values.includes(field.value);
      else field.value = values[0] ?? field.value;
      field.dispatchEvent(new Event("input", { bubbles: true })); // counters follow
    }
  }
}

/** Without storage, or if it is full, nothing is kept. */
function tryStorage(action) {
  try {
    action();
  } catch {
    // The page works without.
  }
}

addEventListener("submit", (event) => tryStorage(() => keepTyped(event)));
tryStorage(restoreTyped);
