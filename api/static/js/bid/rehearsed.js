/** Where the result of this browser's last rehearsal is kept (localStorage): `{at, good, speed}`. */
export const RESULT = "ggzy-rehearsal";
