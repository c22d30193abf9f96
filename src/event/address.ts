/**
 * What kind of address a customer has. Only some of them say who somebody is: a phone number does, on whatever channel, and
 * so does an account on a channel of its own; short codes and sender names identify no one. Pure.
 */
export type AddressKind = 'phone' | 'other_scheme' | 'short_code' | 'alphanumeric'

export type Address = {
  readonly kind: AddressKind
  /** The address without its scheme; of a phone number `+` and its digits, however it was written. */
  readonly bare: string
  /** Lower case; `undefined` when it has none. */
  readonly scheme: string | undefined
}

const E164 = /^\+[1-9]\d{1,14}$/
const SCHEMED = /^([a-z][a-z0-9+.-]*):(.+)$/is
/** Channels whose addresses are phone numbers: there, as without a scheme, a number counts however it is written. */
const phoneSchemes: ReadonlySet<string | undefined> = new Set([undefined, 'whatsapp', 'rcs', 'sms', 'tel'])
/** Bidi marks, BOM and the like are copied along with a number and seen by nobody. */
const LEADING_BLANKS = /^[\s\p{Cf}]+/u
const SEPARATORS = /[\s\p{Cf}().-]/gu
/** Without `+` fewer than 11 digits can be a national number or a short code: whose it is cannot be told. */
const PHONE = /^(?:\+[1-9]\d{7,14}|[1-9]\d{10,14})$/
const SHORT_CODE = /^\+?\d{1,10}$/

export function readAddress(address: string): Address {
  const { scheme, bare } = split(address)
  const decoded = split(percentDecode(address))
  if (phoneSchemes.has(decoded.scheme)) {
    const dialled = decoded.bare.replace(SEPARATORS, '')
    if (PHONE.test(dialled)) {
      return { kind: 'phone', bare: `+${dialled.replace('+', '')}`, scheme: decoded.scheme }
    }
    if (SHORT_CODE.test(dialled)) return { kind: 'short_code', bare, scheme }
  } else if (E164.test(bare)) return { kind: 'phone', bare, scheme }
  return { kind: scheme === undefined ? 'alphanumeric' : 'other_scheme', bare, scheme }
}

function split(address: string): { readonly scheme: string | undefined; readonly bare: string } {
  const [, scheme, bare] = SCHEMED.exec(address.replace(LEADING_BLANKS, '')) ?? []
  if (scheme === undefined || bare === undefined) return { scheme: undefined, bare: address }
  return { scheme: scheme.toLowerCase(), bare }
}

/** Once, as a URL's query does it to `+`; what is no such text stays as it is. */
function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
