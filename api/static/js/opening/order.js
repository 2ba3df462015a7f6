/** The second person's consent to an order, signed by their device and sent as a form. */
import { ready } from "../expert/ready.js";
import { signerOfPage } from "../expert/signer.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-order]"));
const signer = signerOfPage();
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const statement = await signer?.sign(JSON.parse(form.dataset.order ?? "{}"));
  if (!statement) return; // the signer says what is missing
  /** @type {HTMLInputElement} */ (form.elements.namedItem("statement")).value = statement;
  form.submit();
});
ready();
