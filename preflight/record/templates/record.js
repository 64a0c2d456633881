(() => {
  const root = document.currentScript.closest(".preflight");
  const form = root.querySelector(".filter");
  const items = [...root.querySelectorAll(".item")];
  const show = () => {
    const on = new Set([...form.querySelectorAll("[name=status]:checked")].map((box) => "s-" + box.value));
    const section = form.elements.section.value;
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const item of items) {
      const text = item.textContent.toLowerCase();
      const status = [...item.classList].some((name) => on.has(name));
      item.hidden = !(status && words.every((word) => text.includes(word)) && (!section || item.parentElement.dataset.name === section));
      n += !item.hidden;
    }
    for (const part of root.querySelectorAll(".part")) part.hidden = ![...part.querySelectorAll(".item")].some((item) => !item.hidden);
    form.querySelector("output").textContent = n === items.length ? "" : n + " of " + items.length + " items";
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const [name, state] of [["open", true], ["close", false]])
    form.elements[name].addEventListener("click", () => { for (const item of items) if (!item.hidden) item.open = state; });
  const open = () => {
    const item = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!item || !item.classList.contains("item")) return;
    item.hidden = item.parentElement.hidden = false;
    item.open = true;
    item.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
  addEventListener("beforeprint", () => { for (const item of items) item.open = item.open || !item.classList.contains("s-pass"); });
})();
