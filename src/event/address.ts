/**
 * What kind of address a customer has. Only some of them say who somebody is: a phone number does, on whatever channel, and
 * so do an e-mail and an account on a channel of its own; short codes, sender names and the ends of a line identify no one. Pure.
 */
export type AddressKind = 'phone' | 'other_scheme' | 'short_code' | 'alphanumeric' | 'email'

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
const endpointSchemes: ReadonlySet<string | undefined> = new Set(['client', 'sip', 'sips', 'sim'])
const EMAIL = /^[^\s@:]+@[^\s@]+\.[^\s@]+$/
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
    if (scheme === undefined && EMAIL.test(bare.trim())) return { kind: 'email', bare: bare.trim(), scheme }
  } else if (E164.test(bare) && !endpointSchemes.has(scheme)) return { kind: 'phone', bare, scheme }
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

/** The end of a line, at which anybody may sit, an agent as a rule. */
export function isEndpoint({ scheme }: Address): boolean {
  return endpointSchemes.has(scheme)
}

/** What a phone's keypad types for a caller who withholds the number: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE. */
const withheldNumbers = new Set(['+266696687', '+7378742833', '+2562533', '+8656696', '+86282452253'])
const WITHHELD =
  /^(anonymous|restricted|blocked|unknown|unavailable|private|withheld)(\s?(caller|number|call|id|name))?(@.*)?$/i

/** A caller who withholds the number: all of them together would become one profile. */
export function isWithheld({ kind, bare }: Address): boolean {
  if (kind === 'phone') return withheldNumbers.has(bare)
  if (kind === 'short_code') return withheldNumbers.has(`+${bare.replace(/\D/g, '')}`)
  return WITHHELD.test(bare.trim())
}

const ACCOUNT_SID_CHARACTERS = 34
const ACCOUNT_SID = /^AC[0-9a-f]{32}$/i

/** Events of an account have nothing else in common: under its SID they would all become one profile. */
export function isAccountSid(text: string): boolean {
  return text.length >= ACCOUNT_SID_CHARACTERS && ACCOUNT_SID.test(text.trim())
}

/** The same for every way in which an address is written, and for a phone on whatever channel. */
export function toComparable({ kind, bare, scheme }: Address): string {
  if (kind === 'phone') return bare
  const letters = bare.trim().toLowerCase()
  return scheme === undefined || kind === 'short_code' ? letters.replace(/^\+/, '') : `${scheme}:${letters}`
}
