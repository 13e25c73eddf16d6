// Bookmarks are set in place: the button keeps the focus. If the answer is a page, such as that of
// the log-in, the form is posted.

import { isOfProxy, sayAway } from "./base.js";

function show(button, isOn, count) {
  button.setAttribute("aria-pressed", String(isOn));
  button.value = String(!isOn);
  if (count !== undefined) {
    button.querySelector(".number").textContent = count;
  }
}

document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-bookmark]")) {
    return;
  }
  event.preventDefault();
  if (button.dataset.sending) {
    return;
  }
  button.dataset.sending = "true";
  const wanted = button.value;
  const body = new URLSearchParams(new FormData(button.form));
  body.set("bookmarked", wanted);
  const all = [...document.querySelectorAll("[data-bookmark]")].filter(
    (other) => other.formAction === button.formAction,
  );
  all.forEach((each) => show(each, wanted === "true"));
  const response = await fetch(button.formAction, {
    method: "POST",
    headers: { Accept: "application/json" },
    body,
  }).catch(() => null);
  const isAway = !response || isOfProxy(response);
  sayAway(isAway);
  try {
    if (isAway) return all.forEach((each) => show(each, wanted !== "true"));
    const answer = await response.json();
    all.forEach((each) => show(each, answer.bookmarked, answer.count));
  } catch {
    button.value = wanted;
    const form = button.form.cloneNode(true);
    form.action = button.formAction;
    const field = document.createElement("input");
    field.name = "bookmarked";
    field.value = wanted;
    form.append(field);
    form.hidden = true;
    document.body.append(form);
    form.submit();
  } finally {
    delete button.dataset.sending;
  }
});
