/** The declaration of avoidance (and of none): signed on this device before anything of a bid is shown. */
import { ready } from "./ready.js";
import { signerOfPage } from "./signer.js";
import { showProblems, wordsOf } from "./problems.js";
import { api } from "../http.js";
import { t } from "../words.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-sign="declaration"]'));
const signer = signerOfPage();

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  showProblems([]);
  const said = new FormData(form);
  const conflict = said.get("conflict") === "yes";
  const reason = String(said.get("reason") ?? "").trim();
  if (!said.get("conflict")) return showProblems([{ field: "conflict", words: t("pages.expert.js.choose") }]);
  if (conflict && !reason) return showProblems([{ field: "reason", words: t("pages.expert.js.reason_missing") }]);
  const fields = { committee: form.dataset.committee, conflict, format: "ggzy/avoidance-declaration/v1", reason };
  const message = await signer?.sign(fields);
  if (!message) return;
  try {
    await api("POST", String(form.dataset.api), { message });
    location.assign(String(conflict ? form.dataset.gone : form.dataset.next));
  } catch (error) {
    showProblems([{ field: "", words: wordsOf(error, t) }]);
  }
});

ready();
