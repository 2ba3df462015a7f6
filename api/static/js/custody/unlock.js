/** Opens the custodian's key file in the Worker: the one that this browser keeps, or one that the person selects. */
import * as keystore from "../keystore.js";
import { call } from "./remote.js";
import { doing, hide, onSend, part, show } from "./stage.js";

/**
 * Show the form; `done` is called once the key file is open.
 * @param {() => Promise<void>} done
 */
export async function unlock(done) {
  const expected = part("device").dataset.device;
  show("device");
  if (await keystore.kept(expected)) show("kept");
  else part("keyfile").required = true;
  onSend("unlock", async () => {
    const [file] = part("keyfile").files;
    doing("unlocking");
    const chosen = file ? new Uint8Array(await file.arrayBuffer()) : null;
    part("own-fingerprint").textContent = await call("unlock", chosen, part("passphrase").value, expected);
    part("passphrase").value = "";
    void navigator.storage?.persist?.(); // asks the browser not to throw the kept copy away
    doing();
    hide("unlock");
    show("unlocked");
    await done();
  });
}
