/** Amounts of yuan in capital figures (人民币大写), the same as bidding/amounts.py writes them, and in grouped figures. */
const DIGITS = [..."零壹贰叁肆伍陆柒捌玖"];
const PLACES = ["", "拾", "佰", "仟"];
const GROUPS = ["", "万", "亿", "万亿"];

/** @param {string} amount yuan with two places, below 10^16 @returns {string} */
export function amountInWords(amount) {
  const whole = BigInt(amount.slice(0, -3));
  const [jiao, fen] = [...amount.slice(-2)].map(Number);
  let text = whole > 0n ? `${wholeInWords(whole)}元` : "";
  if (jiao > 0) text += `${whole > 0n && whole % 10n === 0n ? DIGITS[0] : ""}${DIGITS[jiao]}角`;
  if (fen > 0) text += `${text && jiao === 0 ? DIGITS[0] : ""}${DIGITS[fen]}分`;
  return (text || "零元") + (fen > 0 ? "" : "整");
}

/** @param {string} amount yuan with two places @returns {string} with a comma between thousands */
export function amountInFigures(amount) {
  return amount.replace(/\B(?=(?:[0-9]{3})+\.)/g, ",");
}

/** Groups of four digits, the highest first; a gap is one 零. @param {bigint} whole */
function wholeInWords(whole) {
  let text = "";
  let gap = false;
  for (let group = GROUPS.length - 1; group >= 0; group -= 1) {
    const value = Number((whole / 10000n ** BigInt(group)) % 10000n);
    if (value > 0) {
      // 万亿: the 亿 stands once, behind what follows
      const unit = group === 3 && (whole / 10n ** 8n) % 10000n > 0n ? "万" : GROUPS[group];
      text += (text && (gap || value < 1000) ? DIGITS[0] : "") + groupInWords(value) + unit;
      gap = false;
    } else {
      gap = text !== "";
    }
  }
  return text;
}

/** @param {number} value 1…9999 */
function groupInWords(value) {
  let text = "";
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(value / 10 ** place) % 10;
    if (digit > 0) {
      text += (gap && text ? DIGITS[0] : "") + DIGITS[digit] + PLACES[place];
      gap = false;
    } else {
      gap = true;
    }
  }
  return text;
}
