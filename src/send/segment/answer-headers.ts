/** Which headers of Segment's answer a person is shown: what it says about waiting, and who it was that answered. Pure. */

const NAMES = ['retry-after', 'x-request-id', 'content-type', 'date', 'server', 'via', 'cf-ray']
const RATE_LIMIT = /^x-ratelimit-/
const CHARACTERS_KEPT = 200
const HEADERS_KEPT = 20

/** `clean` makes a value fit to be shown. */
export function toHeadersShown(
  headers: Headers,
  clean: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => NAMES.includes(name) || RATE_LIMIT.test(name))
      .slice(0, HEADERS_KEPT)
      .map(([name, value]) => [name.slice(0, CHARACTERS_KEPT), clean(value).slice(0, CHARACTERS_KEPT)]),
  )
}
