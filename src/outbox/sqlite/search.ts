/** What a person searches for → whether an event holds it. Pure. */

/** A phone number as people write one: a few digits, and what stands between them. */
const PHONE = /^\+?[\d\s().-]{4,}$/

/** As a person types it, as JSON would write it and, when it may be a phone number, as Twilio writes that. */
export function toNeedles(text: string): readonly string[] {
  const spellings = [text, JSON.stringify(text).slice(1, -1)]
  const bare = text.replaceAll(/[\s().-]/g, '')
  if (PHONE.test(text.trim()) && bare.length >= 4) spellings.push(bare)
  return [...new Set(spellings.map(needle => needle.toLowerCase()))]
}

/** `text` in lower case. */
export function holds(text: string, needles: readonly string[]): boolean {
  return needles.some(needle => text.includes(needle))
}

/** In lower case; `undefined` when it is nested too deeply to be written: then it is found without a search only. */
export function toText(element: unknown): string | undefined {
  try {
    return (JSON.stringify(element) ?? '').toLowerCase()
  } catch {
    return undefined
  }
}
