/** Buttons that do nothing without their script are rendered disabled (`data-scripted`); the page's script ends by this. */
export function ready() {
  for (const button of document.querySelectorAll("button[data-scripted]")) button.removeAttribute("disabled");
}
