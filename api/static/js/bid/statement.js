/** The page that signs a statement about a bid: it is withdrawn, or stands under a deadline that moved. */
import { api } from "../http.js";
import { call } from "./device.js";
import { KeyField } from "./key_field.js";
import { byId, onSubmit, showRefusal } from "./page_parts.js";

const form = /** @type {HTMLFormElement} */ (byId("statement"));
const field = new KeyField(form);
const fields = JSON.parse(byId("fields").textContent);

onSubmit(form, async () => {
  if (!(await field.unlock())) return;
  try {
    const statement = await call("sign", [fields]);
    await api("POST", form.dataset.url ?? "", { statement });
    location.assign(form.dataset.done ?? "");
  } catch (error) {
    showRefusal(error);
  }
});
