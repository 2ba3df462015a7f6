/** Consent or dissent under a report, signed on this device over the SHA-256 of the very result that was read. */
import { showProblems, wordsOf } from "./problems.js";
import { ready } from "./ready.js";
import { signerOfPage } from "./signer.js";
import { api } from "../http.js";
import { t } from "../words.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-sign="opinion"]'));
const signer = signerOfPage();

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  showProblems([]);
  const said = new FormData(form);
  const kind = said.get("kind");
  const reason = String(said.get("reason") ?? "").trim();
  if (!kind) return showProblems([{ field: "kind", words: t("pages.expert.js.choose") }]);
  if (kind === "dissent" && !reason) return showProblems([{ field: "reason", words: t("pages.expert.js.reason_missing") }]);
  const fields = { format: "ggzy/report-opinion/v1", kind, reason, report: form.dataset.report };
  const message = await signer?.sign(fields);
  if (!message) return;
  try {
    await api("POST", String(form.dataset.api), { message });
    location.assign(String(form.dataset.next));
  } catch (error) {
    showProblems([{ field: "", words: wordsOf(error, t) }]);
  }
});

ready();
