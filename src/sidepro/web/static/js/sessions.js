// The forms to sign up and to log in: shows the password, and says whether a name is free.

for (const field of document.querySelectorAll("[data-password]")) {
  const button = field.parentElement.querySelector("[data-reveal]");
  const reveal = button.textContent;
  const show = (isShown) => {
    field.type = isShown ? "text" : "password";
    button.textContent = isShown ? button.dataset.hide : reveal;
    button.setAttribute("aria-pressed", String(isShown));
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // A password in plain text is not for the browser's history of forms.
  field.form.addEventListener("submit", () => show(false));
}

const form = document.querySelector("[data-availability]");

function watch(field) {
  const status = field.parentElement.querySelector("[data-free]");
  let timer;
  let request;
  const ask = async () => {
    const value = field.value.trim();
    request?.abort();
    request = new AbortController();
    if (!value || !field.validity.valid) {
      status.textContent = "";
      return;
    }
    const address = `${form.dataset.availability}?${field.name}=${encodeURIComponent(value)}`;
    try {
      const response = await fetch(address, { signal: request.signal });
      const answer = await response.json();
      const found = response.ok ? answer[field.name] : { free: false, text: answer.errors?.[field.name] };
      status.textContent = found.text ?? "";
      status.className = `beside ${found.free ? "hint" : "error"}`;
    } catch {
      status.textContent = "";
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
}

if (form) {
  watch(form.elements.email);
  watch(form.elements.username);
}
