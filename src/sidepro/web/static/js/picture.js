// A field for a picture: says before sending that it is too large or of a wrong kind, and shows it.

for (const place of document.querySelectorAll("[data-picture]")) {
  const field = place.querySelector("[type=file]");
  const message = place.querySelector("[data-problem]");

  field.addEventListener("change", () => {
    const [file] = field.files;
    const kinds = field.accept.split(",");
    let problem = "";
    if (file && !kinds.includes(file.type)) {
      problem = place.dataset.kind;
    } else if (file && file.size > Number(place.dataset.max)) {
      problem = place.dataset.size;
    }
    field.setCustomValidity(problem);
    message.textContent = problem;
    field.setAttribute("aria-invalid", problem !== "");
    if (file && !problem) {
      show(file);
    }
  });

  function show(file) {
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const image = new Image(88, 88);
      image.className = "avatar avatar-large";
      image.alt = place.dataset.preview;
      image.src = reader.result;
      document.querySelector("[data-picture-place]").replaceChildren(image);
    });
    reader.readAsDataURL(file);
  }
}
