/** Files that a person chose or dropped, by path; folders that were dropped are walked through. */

/** @typedef {[string, File][]} Chosen */

/**
 * Return the files of an input; a folder's bear their path in it.
 * @param {HTMLInputElement} input
 * @returns {Chosen}
 */
export function ofInput(input) {
  return [...(input.files ?? [])].map((file) => [file.webkitRelativePath || file.name, file]);
}

/**
 * Return what was dropped. Entries must be asked for before the first await: the list is emptied after the event.
 * @param {DataTransfer} transfer
 * @returns {Promise<Chosen>}
 */
export async function ofDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry());
  const loose = items.map((item) => item.getAsFile());
  const found = await Promise.all(entries.map((entry, at) => (entry ? walk(entry, "") : alone(loose[at]))));
  return found.flat();
}

/** @param {File | null} file @returns {Chosen} */
function alone(file) {
  return file ? [[file.name, file]] : [];
}

/** @param {FileSystemEntry} entry @param {string} folder @returns {Promise<Chosen>} */
async function walk(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) {
    const own = /** @type {FileSystemFileEntry} */ (entry);
    return [[path, await new Promise((resolve, reject) => own.file(resolve, reject))]];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (let some = await next(reader); some.length; some = await next(reader))
    for (const one of some) found.push(...(await walk(one, `${path}/`)));
  return found;
}

/**
 * A reader gives a hundred entries at a time.
 * @param {FileSystemDirectoryReader} reader
 * @returns {Promise<FileSystemEntry[]>}
 */
function next(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}
