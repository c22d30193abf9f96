/**
 * What kind of address a customer has. Only some of them say who somebody is: a phone number does, on whatever channel, and
 * so does an account on a channel of its own; short codes and sender names identify no one. Pure.
 */
export type AddressKind = 'phone' | 'other_scheme' | 'short_code' | 'alphanumeric'

export type Address = {
  readonly kind: AddressKind
  /** The address without its scheme. */
  readonly bare: string
  /** Lower case; `undefined` when it has none. */
  readonly scheme: string | undefined
}

const E164 = /^\+[1-9]\d{1,14}$/
const SCHEMED = /^([a-z][a-z0-9+.-]*):(.+)$/is
const SHORT_CODE = /^\d{3,8}$/

export function readAddress(address: string): Address {
  if (E164.test(address)) return { kind: 'phone', bare: address, scheme: undefined }
  const [, scheme, bare] = SCHEMED.exec(address) ?? []
  if (scheme !== undefined && bare !== undefined) {
    return { kind: E164.test(bare) ? 'phone' : 'other_scheme', bare, scheme: scheme.toLowerCase() }
  }
  return { kind: SHORT_CODE.test(address) ? 'short_code' : 'alphanumeric', bare: address, scheme: undefined }
}
