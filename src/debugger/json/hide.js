/** Takes a customer's number out of texts, until a person asks to see it. Pure. */
import { mask } from '../format.js'

const E164 = /\+[1-9]\d{6,14}/g

/**
 * Whose event it is decides what is hidden; where nobody knows, everything that looks like a number is.
 * @param {string | null} customer
 * @returns {(text: string) => string}
 */
export function createHide(customer) {
  if (!customer) return text => (text.includes('+') ? text.replace(E164, mask) : text)
  const bare = customer.replace(/^[a-z][a-z0-9+.-]*:/i, '')
  const digits = percentDecode(bare).replace(/\D/g, '')
  const needles = new Set([bare])
  if (digits.length >= 7) needles.add(`+${digits}`).add(digits)
  const hidden = [...needles].filter(needle => needle.length >= 3).map(needle => [needle, mask(needle)])
  return text =>
    hidden.reduce((left, [needle = '', shown = '']) => left.replaceAll(needle, () => shown), text)
}

/** `%2B1…` is +1… in the track call. @param {string} text */
function percentDecode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
